"""Cohorts as array jobs of SLURM, through submitit; a preempted one is queued again."""

import contextlib
import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from rnn_regexp.executors.settings import Cohorts, ExecutorError, Supervised, Watch, extra
from rnn_regexp.executors.slurm_job import ENDED, FOLDER, SlurmJob
from rnn_regexp.executors.slurm_queue import Queue
from rnn_regexp.executors.work import Part, Work
from rnn_regexp.experiment import run_id
from rnn_regexp.fields import volatile
from rnn_regexp.interruption import gently
from rnn_regexp.ledger import Ledger
from rnn_regexp.training.settings import Training

POLL = 1.0  # seconds between two looks at the signs of life
LARGEST_ARRAY = 500  # jobs; SLURM's own default limit is 1001
QUEUED_AGAIN = 10  # times, after the time that was asked for has run out
JOBS = f"{FOLDER}/jobs.json"  # cohort -> job id: what a controller that died had submitted
PLAIN = re.compile(r"[\w.,:+/=@%*\[\]-]+")  # what an option may be made of: no way into the script


class Cluster(Enum):
    """``local`` runs the jobs on this machine, to try things out."""

    slurm = "slurm"
    local = "local"


@dataclass
class Slurm(Supervised):
    """Trains in array jobs of which ``workers`` run at once; ``options`` go to sbatch as they are.

    The study's folder must be visible from every node.  The job hears ``grace`` seconds before
    its ``minutes`` are over and is queued again.
    """

    cluster: Cluster = volatile(Cluster.slurm)
    partition: str | None = volatile(None)
    account: str | None = volatile(None)
    minutes: int = volatile(60, "[1, inf)")
    gpus: int = volatile(0, "[0, inf)")
    memory: float | None = volatile(None, "(0, inf)")  # GB
    options: dict[str, str] = volatile(dict)

    def check(self, training: Training) -> None:
        """Refuse where submitit is not installed, and options that are more than a word."""
        extra("submitit", "slurm")
        named = {"partition": self.partition, "account": self.account, **self.options}
        for name, value in named.items():
            if value is not None and not PLAIN.fullmatch(str(value)):
                raise ExecutorError(f"executor: {name}={value!r} is no option of sbatch")
            if not re.fullmatch(r"[a-z][a-z-]*", name):
                raise ExecutorError(f"executor.options: {name!r} is no option of sbatch")

    def run(self, cohorts: Cohorts, ledger: Ledger, watch: Watch, fail_fast: bool = False) -> None:
        work = Work(self, cohorts, ledger, watch, fail_fast)
        with gently() as asked:
            jobs = _Jobs(self, work, ledger)
            try:
                jobs.run(asked)
            finally:
                jobs.leave()

    def submitter(self, folder: Any) -> Any:
        """submitit's executor with these settings; raises ``ExecutorError`` without SLURM."""
        submitit = extra("submitit", "slurm")
        given = {"additional_parameters": self.options} if self.options else {}
        try:
            made = submitit.AutoExecutor(
                folder, cluster=self.cluster.name, slurm_max_num_timeout=QUEUED_AGAIN
            )
        except RuntimeError as error:
            raise ExecutorError(f"executor=slurm: {error} (try executor.cluster=local)") from None
        made.update_parameters(
            name="rnn-regexp",
            timeout_min=self.minutes,
            cpus_per_task=self.threads,
            gpus_per_node=self.gpus,
            mem_gb=self.memory,
            slurm_partition=self.partition,
            slurm_account=self.account,
            slurm_array_parallelism=self.workers or LARGEST_ARRAY,
            slurm_signal_delay_s=round(self.grace),
            **{f"slurm_{name}": value for name, value in given.items()},
        )
        return made


@dataclass(eq=False)
class _Running:
    part: Part
    job: SlurmJob
    handle: Any  # submitit's
    epochs: str = ""  # the latest sign of life
    heard: float | None = None  # monotonic seconds; None: it waits in the queue


class _Jobs:
    def __init__(self, settings: Slurm, work: Work, ledger: Ledger) -> None:
        self.settings, self.work, self.ledger = settings, work, ledger
        (ledger.folder / FOLDER).mkdir(parents=True, exist_ok=True)
        self.submitter = settings.submitter((ledger.folder / FOLDER).absolute())
        self.running: list[_Running] = []
        self.queue = Queue()

    def run(self, asked: Sequence[int]) -> None:
        """Train all there is, or until the command is ``asked`` to end."""
        while not asked and (self.work.waiting or self.running):
            self._submit(list(iter(self.work.take, None)))
            time.sleep(POLL)
            for own in list(self.running):
                self._look_at(own)
            if self.work.stopped:
                self.cancel(only_waiting=True)

    def leave(self) -> None:
        """End the jobs of this machine; those of a cluster go on, whatever ends the command."""
        if self._is_here:
            self.cancel()
        elif self.running:
            arrays = sorted({own.handle.job_id.partition("_")[0] for own in self.running})
            ending = f"`scancel {' '.join(arrays)}` ends them"
            self.work.watch.say(f"the jobs go on; the same command finds them, {ending}")

    def cancel(self, only_waiting: bool = False) -> None:
        """End the jobs, or those that have not begun."""
        for own in [own for own in self.running if own.heard is None or not only_waiting]:
            self._end(own)
            self.running.remove(own)

    def _end(self, own: _Running) -> None:
        """Cancel a job; one of this machine is waited for, that of a cluster is SLURM's to end."""
        own.handle.cancel(check=False)
        deadline = time.monotonic() + 10
        while self._is_here and not own.handle.done() and time.monotonic() < deadline:
            time.sleep(0.05)

    @property
    def _is_here(self) -> bool:
        return self.settings.cluster is Cluster.local

    def _submit(self, parts: Sequence[Part | None]) -> None:
        """Queue parts as arrays, but for those that an earlier controller's jobs are at."""
        folder, threads = self.ledger.folder.absolute(), self.settings.threads
        fresh = []
        for part in filter(None, parts):
            job = SlurmJob(list(part.experiments), folder, threads)
            if (earlier := self._earlier(job)) is not None and not part.tries:
                self.running.append(_Running(part, job, earlier))
            else:
                job.sign.unlink(missing_ok=True)
                fresh.append((part, job))
        for start in range(0, len(fresh), LARGEST_ARRAY):
            self._submit_array(fresh[start : start + LARGEST_ARRAY])
            known = {own.job.key: own.handle.job_id for own in self.running}
            self.ledger.write(JOBS, json.dumps(known, indent=1))

    def _submit_array(self, array: Sequence[tuple[Part, SlurmJob]]) -> None:
        from submitit.core.utils import FailedJobError, FailedSubmissionError

        try:
            with self.submitter.batch():
                handles = [self.submitter.submit(job) for _, job in array]
        except (FailedJobError, FailedSubmissionError) as error:
            last = [line for line in str(error).splitlines() if line.strip()][-1]
            raise ExecutorError(
                f"executor=slurm: sbatch refused the jobs: {last.strip()}"
            ) from None
        for (part, job), handle in zip(array, handles, strict=True):
            self.running.append(_Running(part, job, handle))

    def _earlier(self, job: SlurmJob) -> Any:
        """The job that a controller that died had submitted for these runs, if it still goes on."""
        if self._is_here:
            return None
        with contextlib.suppress(ValueError):
            known = json.loads(self.ledger.read(JOBS) or "{}").get(job.key)
            if known and _sign(job) != ENDED:
                from submitit import SlurmJob as Handle

                if known in self.queue:
                    return Handle(folder=self.submitter.folder, job_id=known)
        return None

    def _look_at(self, own: _Running) -> None:
        epochs = _sign(own.job)
        if epochs == ENDED and (not self._is_here or own.handle.done()):
            self._ended(own)
        elif epochs and epochs != own.epochs:
            own.epochs, own.heard = epochs, time.monotonic()
            if epochs.isdigit():
                self.work.epoch(own.part, int(epochs))
        elif self._gone(own) and _sign(own.job) != ENDED:
            self._lost(own, f"the job ended without a result ({self._state(own)})")
        elif self._silent(own):
            self._end(own)
            limit = self.settings.time_limit
            self._lost(own, f"the job showed no progress for {limit:g} s (executor.time_limit)")

    def _gone(self, own: _Running) -> bool:
        done: bool = own.handle.done() if self._is_here else self.queue.gone(own.handle.job_id)
        return done

    def _state(self, own: _Running) -> str:
        here = self._is_here
        return str(own.handle.state if here else self.queue.state(own.handle.job_id))

    def _silent(self, own: _Running) -> bool:
        if not self._is_here and self.queue.waits(own.handle.job_id):
            own.heard = None  # preempted: who waits has nothing to say
        limit = self.settings.time_limit
        return limit is not None and own.heard is not None and time.monotonic() - own.heard >= limit

    def _ended(self, own: _Running) -> None:
        self.running.remove(own)
        results = [self.ledger.result(run_id(run)) for run in own.part.experiments]
        found = [result for result in results if result is not None]
        if len(found) == len(results):
            self.work.ended(own.part, found)
        else:
            self.work.lost(own.part, "the job ended without the results of all runs")

    def _lost(self, own: _Running, error: str) -> None:
        self.running.remove(own)
        self.work.lost(own.part, f"{own.handle.stderr() or ''}\n{error}".strip())


def _sign(job: SlurmJob) -> str:
    with contextlib.suppress(OSError):
        return job.sign.read_text(encoding="utf-8")
    return ""

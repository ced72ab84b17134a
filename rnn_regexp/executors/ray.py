"""Cohorts as tasks of a Ray cluster; a node that dies costs the tasks that ran on it one try.

Plain tasks and no actors' pool: that would be lost whole with one node.  Ray pickles what goes
between our own processes; no file from outside is read that way.
"""

import contextlib
import signal
import socket
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rnn_regexp.errors import BadInput
from rnn_regexp.executors.settings import (
    Cohorts,
    ExecutorError,
    Supervised,
    Watch,
    extra,
)
from rnn_regexp.executors.trial import attempt
from rnn_regexp.executors.work import Part, Work
from rnn_regexp.experiment import Experiment
from rnn_regexp.fields import volatile
from rnn_regexp.interruption import answering, gently, sheltered
from rnn_regexp.ledger import Ledger, RunResult
from rnn_regexp.training.checkpoint import STOP, Stopped
from rnn_regexp.training.settings import Device, Training

POLL = 1.0  # seconds between two looks at the cluster


@dataclass
class Ray(Supervised):
    """Trains on the cluster at ``address``: ``auto`` the one that runs here, ``local`` a new one.

    A cohort takes ``threads`` CPUs and ``gpus`` GPUs; not set, one GPU where the cluster has any.
    """

    address: str = volatile("auto")
    gpus: float | None = volatile(None, "[0, inf)")

    def check(self, training: Training) -> None:
        """Refuse where Ray is not installed; the devices are those of the cluster."""
        extra("ray", "ray")

    def run(self, cohorts: Cohorts, ledger: Ledger, watch: Watch, fail_fast: bool = False) -> None:
        work = Work(self, cohorts, ledger, watch, fail_fast)
        with gently() as asked, _connected(self.address), _mark(ledger) as mark:
            tasks = _Tasks(self, work, mark, asked)
            try:
                tasks.run()
                if asked:
                    tasks.wind_down(self.grace)
            finally:
                tasks.cancel()


@contextlib.contextmanager
def _connected(address: str) -> Iterator[None]:
    ray = extra("ray", "ray")
    if ray.is_initialized():
        yield
        return
    handler = signal.getsignal(signal.SIGTERM)
    try:
        _knock(address)
        with sheltered((signal.SIGHUP,)):  # a cluster that begins here is ours to end
            ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    except (OSError, ValueError, RuntimeError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise ExecutorError(
            f"executor.address={address}: no Ray cluster answers ({reason});"
            " start one with `ray start --head`, or take executor.address=local"
        ) from None
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, handler)  # Ray has put its own there, which loses the study
    try:
        yield
    finally:
        ray.shutdown()


def _knock(address: str) -> None:
    """Raise ``OSError`` where nobody listens; Ray itself would try for minutes."""
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host, int(port)), timeout=10).close()


@contextlib.contextmanager
def _mark(ledger: Ledger) -> Iterator[Path]:
    """A file by which a node knows that it sees the same folder."""
    mark = ledger.write(f".locks/{uuid.uuid4().hex}", "the controller was here\n").absolute()
    try:
        yield mark
    finally:
        mark.unlink(missing_ok=True)


@dataclass(eq=False)
class _Task:
    part: Part
    key: str
    heard: float | None = None  # monotonic seconds of its latest sign of life; None: it waits


class _Tasks:
    def __init__(self, settings: Ray, work: Work, mark: Path, asked: Sequence[int]) -> None:
        self.ray: Any = extra("ray", "ray")
        self.settings, self.work, self.mark = settings, work, mark
        self.asked = asked  # to end, by which signal
        self.running: dict[Any, _Task] = {}
        self.mailbox = self._open_mailbox()

    def run(self) -> None:
        """Train all there is, or until the study is asked to end."""
        while not self.asked and (self.work.waiting or self.running):
            while len(self.running) < self._room() and (part := self.work.take()):
                self._submit(part)
            self._bring(POLL)
            self._read_mail()
            self._end_the_silent()

    def wind_down(self, seconds: float) -> None:
        """Ask the tasks to end and wait for what they can finish in this time."""
        deadline = time.monotonic() + seconds
        for reference in self.running:
            self.ray.cancel(reference, force=False)  # as Ctrl-C: `train_on_node` hears it
        while self.running and (left := deadline - time.monotonic()) > 0:
            self._bring(min(left, POLL))

    def cancel(self) -> None:
        """End all tasks, wherever they are."""
        for reference in self.running:
            self.ray.cancel(reference, force=True)
        self.running.clear()

    def _open_mailbox(self) -> Any:
        """An actor beside the controller, who dies with it and not with a node."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        here = NodeAffinitySchedulingStrategy(
            self.ray.get_runtime_context().get_node_id(), soft=True
        )
        return self.ray.remote(num_cpus=0, scheduling_strategy=here)(Mailbox).remote()

    def _gpus(self) -> float:
        """GPUs that a cohort takes."""
        if self.settings.gpus is not None:
            return self.settings.gpus
        wanted = any(
            own.experiments[0].training.device is not Device.cpu
            for own in (*self.work.waiting, *(task.part for task in self.running.values()))
        )
        return 1.0 if wanted and self.ray.cluster_resources().get("GPU") else 0.0

    def _room(self) -> int:
        """How many cohorts fit into the cluster as it is now."""
        there, gpus = self.ray.cluster_resources(), self._gpus()
        fit = there.get("CPU", 0) // self.settings.threads
        if gpus:
            fit = min(fit, there.get("GPU", 0) // gpus)
        return self.settings.workers or max(1, int(fit))

    def _submit(self, part: Part) -> None:
        cpus = self.settings.threads
        task = self.ray.remote(num_cpus=cpus, num_gpus=self._gpus(), max_retries=0)(train_on_node)
        key = uuid.uuid4().hex
        reference = task.remote(list(part.experiments), self.mark, cpus, self.mailbox, key)
        self.running[reference] = _Task(part, key)

    def _bring(self, seconds: float) -> None:
        """Take the results of tasks that have ended, waiting for the first of them."""
        if not self.running:
            return
        done, _ = self.ray.wait(list(self.running), timeout=seconds)
        for reference in done:
            part = self.running.pop(reference).part
            try:
                results: list[RunResult] = self.ray.get(reference)
            except self.ray.exceptions.RayError as error:
                self._broke(part, error)
            else:
                self.work.ended(part, [self.work.ledger.keep(own) for own in results])

    def _broke(self, part: Part, error: Exception) -> None:
        cause = getattr(error, "cause", None)
        if isinstance(cause, BadInput):
            raise cause from None
        if not self.asked:  # else so was the task, and no run of it failed
            self.work.lost(part, _in_words(error))

    def _read_mail(self) -> None:
        """Show the epochs that the tasks have told of."""
        try:
            told = self.ray.get(self.mailbox.take.remote())
        except self.ray.exceptions.RayError:
            return
        for task in self.running.values():
            if task.key in told:
                task.heard = time.monotonic()
                self.work.epoch(task.part, told[task.key])

    def _end_the_silent(self) -> None:
        limit, now = self.settings.time_limit, time.monotonic()
        for reference, task in list(self.running.items()):
            if limit is not None and task.heard is not None and now - task.heard >= limit:
                self.ray.cancel(reference, force=True)
                del self.running[reference]
                error = f"the task showed no progress for {limit:g} s (executor.time_limit)"
                self.work.lost(task.part, error)


class Mailbox:
    """Keeps what the tasks tell until the controller asks."""

    def __init__(self) -> None:
        self.told: dict[str, int] = {}

    def tell(self, key: str, epochs: int) -> None:
        """A task has trained so many epochs."""
        self.told[key] = epochs

    def take(self) -> dict[str, int]:
        """What was told since the last time."""
        told, self.told = self.told, {}
        return told


def train_on_node(
    experiments: Sequence[Experiment], mark: Path, threads: int, mailbox: Any, key: str
) -> list[RunResult]:
    """Train a cohort on a node, which records it if it sees the controller's folder.

    Raises ``RuntimeError``, behind a checkpoint, where Ray cancels the task.
    """
    import torch

    torch.set_num_threads(threads)
    mailbox.tell.remote(key, 0)
    tell = partial(mailbox.tell.remote, key)
    shared = contextlib.nullcontext(mark.parents[1])
    try:
        with (
            shared if mark.exists() else tempfile.TemporaryDirectory() as folder,
            answering(signal.SIGINT, STOP.set),
        ):
            return attempt(experiments, Ledger(folder), tell)
    except Stopped:
        raise RuntimeError("the task was asked to end") from None
    finally:
        STOP.clear()  # another task may come to this process


def _in_words(error: Exception) -> str:
    """The whole of Ray's report, and at its end what it comes down to."""
    lines = [line for line in str(error).splitlines() if line.strip()] or ["no message"]
    short = lines[-1] if getattr(error, "cause", None) else lines[0]
    return "\n".join([*lines, f"{type(error).__name__}: {short.strip()}"])

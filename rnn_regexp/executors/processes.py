"""Cohorts side by side in processes that pull them; one that dies costs its own cohort only."""

import math
import os
import signal
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from rnn_regexp.errors import BadInput
from rnn_regexp.executors import server
from rnn_regexp.executors import worker as far_end
from rnn_regexp.executors.devices import environment, visible
from rnn_regexp.executors.settings import Cohorts, Supervised, Watch, cores
from rnn_regexp.executors.work import KILLED, Part, Work
from rnn_regexp.interruption import gently
from rnn_regexp.ledger import Ledger

PAUSE = 0.5  # seconds between two looks at whether the study is to end
FAREWELL = 2.0  # seconds that a process gets that has said its last


@dataclass
class Processes(Supervised):
    """Trains in processes of this machine: as many as there are GPUs, or cores for ``threads``."""

    def prepare(self, cohorts: Cohorts, seconds: float = math.inf) -> None:
        """Start the process that the workers are forked from: it imports torch."""
        server.ready()

    def run(self, cohorts: Cohorts, ledger: Ledger, watch: Watch, fail_fast: bool = False) -> None:
        gpus = visible(cohorts)
        count = self.workers or len(gpus) or max(1, cores() // self.threads)
        work = Work(self, cohorts, ledger, watch, fail_fast)
        with gently() as asked, tempfile.TemporaryDirectory() as folder:
            pool = _Pool(self, work, gpus, Path(folder), asked)
            try:
                pool.run(min(count, len(cohorts)))
                if asked:
                    pool.wind_down(self.grace)
            finally:
                pool.stop()


@dataclass(eq=False)
class _Worker:
    slot: int  # decides its GPU, and a worker that replaces it gets the same
    process: BaseProcess
    pipe: Connection
    last_words: Path
    part: Part | None = None
    heard: float = 0.0  # monotonic seconds of its latest sign of life


class _Pool:
    def __init__(
        self,
        settings: Processes,
        work: Work,
        gpus: Sequence[str],
        folder: Path,
        asked: Sequence[int],
    ) -> None:
        self.settings, self.work, self.gpus, self.folder = settings, work, gpus, folder
        self.asked = asked  # to end, by which signal
        self.workers: list[_Worker] = []
        self._started = 0

    def run(self, count: int) -> None:
        """Train all there is in ``count`` processes, or until the study is asked to end."""
        while not self.asked and (self.work.waiting or self._busy()):
            while (idle := self._idle(count)) and (part := self.work.take()):
                self._send(idle, part)
            self._listen(self._patience())
            self._end_the_silent()

    def wind_down(self, seconds: float) -> None:
        """Ask the workers to end and wait for what they can finish in this time."""
        deadline = time.monotonic() + seconds
        for worker in self._busy():
            worker.process.terminate()
        while self._busy() and (left := deadline - time.monotonic()) > 0:
            self._listen(left)

    def stop(self) -> None:
        """End all workers, wherever they are: what they finished is in the ledger."""
        for worker in self.workers:
            worker.pipe.close()
            worker.process.kill()
            worker.process.join()
        self.workers.clear()

    def _busy(self) -> list[_Worker]:
        return [worker for worker in self.workers if worker.part is not None]

    def _idle(self, count: int) -> _Worker | None:
        """A worker with nothing to do, a new one where there is room and work for it."""
        free = next((worker for worker in self.workers if worker.part is None), None)
        room = self.work.waiting and len(self.workers) < count
        return free or (self._start() if room else None)

    def _start(self) -> _Worker:
        slot = min(set(range(len(self.workers) + 1)) - {own.slot for own in self.workers})
        self._started += 1
        last_words = self.folder / str(self._started)
        ours, theirs = server.CLEAN.Pipe()
        inherited = environment(self.gpus, slot, self.settings.threads)
        arguments = (theirs, self.work.ledger, inherited, last_words)
        process = server.CLEAN.Process(target=far_end.work, args=arguments, daemon=True)
        server.start(process)
        theirs.close()
        self.workers.append(_Worker(slot, process, ours, last_words))
        return self.workers[-1]

    def _send(self, worker: _Worker, part: Part) -> None:
        worker.part, worker.heard = part, time.monotonic()
        try:
            worker.pipe.send(list(part.experiments))
        except ConnectionError:
            self._bury(worker)

    def _patience(self) -> float:
        """Seconds until the first worker has been silent for too long, but for a pause at most."""
        if self.settings.time_limit is None:
            return PAUSE
        first = min((worker.heard for worker in self._busy()), default=time.monotonic())
        return min(PAUSE, max(0.0, first + self.settings.time_limit - time.monotonic()))

    def _speaking(self, seconds: float) -> list[_Worker]:
        """The busy workers that have something to say, or have ended; waits for the first."""
        busy = self._busy()
        ready = wait([worker.pipe for worker in busy], seconds) if busy else []
        return [worker for worker in busy if worker.pipe in ready]

    def _listen(self, seconds: float) -> None:
        for worker in self._speaking(seconds):
            try:
                answer = worker.pipe.recv()
            except (EOFError, ConnectionError):
                self._ended(worker)
            else:
                self._hear(worker, answer)

    def _ended(self, worker: _Worker) -> None:
        if self.asked:  # so was the worker, and no run of it failed
            worker.part = None
        else:
            self._bury(worker)

    def _hear(self, worker: _Worker, answer: far_end.Answer) -> None:
        assert worker.part is not None
        worker.heard = time.monotonic()
        if isinstance(answer, int):
            self.work.epoch(worker.part, answer)
            return
        part, worker.part = worker.part, None
        if isinstance(answer, BadInput):
            raise answer
        if isinstance(answer, str):
            self.work.lost(part, answer)
        else:
            self.work.ended(part, answer)

    def _end_the_silent(self) -> None:
        limit = self.settings.time_limit
        for worker in self._busy():
            if limit is not None and time.monotonic() - worker.heard >= limit:
                _abort(worker.process)
                error = f"the worker showed no progress for {limit:g} s (executor.time_limit)"
                self._replace(worker, error)

    def _bury(self, worker: _Worker) -> None:
        worker.process.join(FAREWELL)
        worker.process.kill()
        worker.process.join()
        code = worker.process.exitcode or 0
        died = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        killed = code == -signal.SIGKILL
        self._replace(worker, KILLED if killed else f"the worker process died ({died})")

    def _replace(self, worker: _Worker, error: str) -> None:
        """Forget a worker that is gone; another takes its place when there is work for it."""
        assert worker.part is not None
        worker.pipe.close()
        self.workers.remove(worker)
        self.work.lost(worker.part, f"{_read(worker.last_words)}\n{error}".strip())


def _abort(process: BaseProcess) -> None:
    """End a process that hangs; with SIGABRT it says where."""
    if process.pid is not None and process.is_alive():
        os.kill(process.pid, signal.SIGABRT)
        process.join(FAREWELL)
    process.kill()
    process.join()


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

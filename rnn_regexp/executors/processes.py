"""Cohorts side by side in processes that pull them; one that dies costs its own cohort only."""

import multiprocessing
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from rnn_regexp.executors.settings import Cohorts, Executor, Watch
from rnn_regexp.experiment import Experiment, failure, run_cohort
from rnn_regexp.fields import volatile
from rnn_regexp.ledger import Ledger, RunResult

_SPAWN = multiprocessing.get_context("spawn")  # forked children share torch's locks and CUDA


@dataclass
class Processes(Executor):
    """Trains in ``workers`` processes; 0 starts as many as the cores have room for."""

    workers: int = volatile(0, "[0, inf)")

    def at_once(self) -> int:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        return self.workers or max(1, (cores or 1) // self.threads)

    def run(self, cohorts: Cohorts, ledger: Ledger, watch: Watch) -> None:
        count = min(self.at_once(), len(cohorts))
        pool = _Pool(ledger, self.threads)
        try:
            pool.run(cohorts, count, watch)
        finally:
            pool.stop()


@dataclass
class _Worker:
    process: BaseProcess
    connection: Connection
    cohort: int | None = None


class _Pool:
    def __init__(self, ledger: Ledger, threads: int) -> None:
        self.ledger, self.threads = ledger, threads
        self.workers: list[_Worker] = []

    def run(self, cohorts: Cohorts, count: int, watch: Watch) -> None:
        waiting = list(range(len(cohorts)))
        while waiting or any(worker.cohort is not None for worker in self.workers):
            while waiting and (idle := self._idle(count)):
                idle.cohort = waiting.pop(0)
                idle.connection.send((idle.cohort, list(cohorts[idle.cohort])))
            busy = [worker for worker in self.workers if worker.cohort is not None]
            ready = wait([worker.connection for worker in busy])
            for worker in (own for own in busy if own.connection in ready):
                self._listen(worker, cohorts, watch)

    def stop(self) -> None:
        """End all workers, wherever they are: what they finished is in the ledger."""
        for worker in self.workers:
            worker.connection.close()
            worker.process.terminate()
            worker.process.join()
        self.workers.clear()

    def _idle(self, count: int) -> _Worker | None:
        free = next((worker for worker in self.workers if worker.cohort is None), None)
        return free or (self._start() if len(self.workers) < count else None)

    def _start(self) -> _Worker:
        ours, theirs = _SPAWN.Pipe()
        arguments = (theirs, self.ledger, self.threads)
        process = _SPAWN.Process(target=_work, args=arguments, daemon=True)
        process.start()
        theirs.close()
        self.workers.append(_Worker(process, ours))
        return self.workers[-1]

    def _listen(self, worker: _Worker, cohorts: Cohorts, watch: Watch) -> None:
        assert worker.cohort is not None
        index = worker.cohort
        try:
            message = worker.connection.recv()
        except (EOFError, ConnectionResetError):
            watch.ended(index, self._bury(worker, cohorts[index]))
            return
        if isinstance(message, int):
            watch.epoch(index, message)
            return
        worker.cohort = None
        watch.ended(index, message)

    def _bury(self, worker: _Worker, experiments: Sequence[Experiment]) -> list[RunResult]:
        """Record the runs of a worker that died as failed; another takes its place when needed."""
        worker.process.join()
        self.workers.remove(worker)
        error = f"the worker process died (exit code {worker.process.exitcode})"
        results = [failure(experiment, error) for experiment in experiments]
        for result in results:
            self.ledger.record(result)
        return results


def _work(connection: Connection, ledger: Ledger, threads: int) -> None:
    """A worker: receives cohorts, sends epochs done (int) and at last the results (list)."""
    import torch

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the controller's to handle
    torch.set_num_threads(threads)
    try:
        while True:
            _, experiments = connection.recv()
            connection.send(run_cohort(experiments, ledger, partial(_tell, connection)))
    except (EOFError, BrokenPipeError):
        return


def _tell(connection: Connection, epochs: int) -> None:
    """Report an epoch; a controller that is gone ends the worker, and no run counts as failed."""
    try:
        connection.send(epochs)
    except BrokenPipeError:
        os._exit(1)

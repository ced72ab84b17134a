"""The cohorts that wait, and what becomes of one that fails: again, in halves, or given up."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from rnn_regexp.executors.settings import Cohorts, Executor, Watch
from rnn_regexp.experiment import Experiment, failure
from rnn_regexp.ledger import FAILED, Ledger, RunResult

KILLED = "the worker process was killed (SIGKILL), perhaps for the memory it took"
TOO_LARGE = re.compile(
    r"MemoryError|OutOfMemory|OUT_OF_MEMORY|oom.kill|out of memory|not enough memory"
    r"|DefaultCPUAllocator|STATUS_ALLOC_FAILED|" + re.escape(KILLED)
)


@dataclass(eq=False)
class Part:
    """A cohort as planned, or a part of it, on its way through the executor."""

    cohort: int
    experiments: Sequence[Experiment]
    tries: int = 0  # that failed
    failed: list[RunResult] = field(default_factory=list)  # of the latest try


class Work:
    """What is to be trained, in order, for the executor to take and to bring back."""

    def __init__(
        self, settings: Executor, cohorts: Cohorts, ledger: Ledger, watch: Watch, fail_fast: bool
    ) -> None:
        self.settings, self.ledger, self.watch, self.fail_fast = settings, ledger, watch, fail_fast
        self.waiting = [Part(index, own) for index, own in enumerate(cohorts)]
        self.stopped = False
        self._message, self._streak = "", 0  # of the latest failures in a row

    def take(self) -> Part | None:
        """The next part, or None where nothing waits."""
        while self.waiting:
            part = self.waiting.pop(0)
            if not part.failed or any(own.status == FAILED for own in part.failed):
                return part
            self.ended(part, part.failed)  # the half that a dead worker had recorded
        return None

    def epoch(self, part: Part, epochs: int) -> None:
        """A part has trained so many epochs."""
        self.watch.epoch(part.cohort, epochs)

    def ended(self, part: Part, results: Sequence[RunResult]) -> None:
        """A part came back from training; its results are in the ledger."""
        error = next((own.error for own in results if own.status == FAILED), None)
        if error is not None:
            self._failed(part, list(results), error)
            return
        self._streak = 0
        self.watch.ended(part.cohort, results)

    def lost(self, part: Part, error: str) -> None:
        """A part's worker died, hung or raised: what it had recorded stays, the rest failed."""
        failures = [failure(own, error) for own in part.experiments]
        results = [self.ledger.keep(own) for own in failures]
        if all(own.status != FAILED for own in results):
            self.ended(part, results)
        else:
            self._failed(part, results, error)

    def _failed(self, part: Part, results: list[RunResult], error: str) -> None:
        runs, message = [own.run_id for own in results], last_line(error)
        self.ledger.event("lost", runs=runs, error=message)
        part.failed, part.tries = results, part.tries + 1
        parts = self._again(part, error)
        if not parts:
            self.watch.ended(part.cohort, results)
            self._count(message)
            return
        sizes = [len(own.experiments) for own in parts]
        self.ledger.event("again", runs=runs, parts=sizes)
        self.watch.say(_announcement(part, message, sizes))
        self.waiting[:0] = parts

    def _again(self, part: Part, error: str) -> list[Part]:
        """What is tried in place of a part that failed; nothing where it is given up."""
        width = len(part.experiments)
        if self.stopped:
            return []
        if width > 1 and TOO_LARGE.search(error):
            return self._halves(part, part.tries - 1)
        if part.tries <= self.settings.retries:
            return [part]
        return self._halves(part, part.tries) if width > 1 else []

    def _halves(self, part: Part, tries: int) -> list[Part]:
        """Two parts, of which one may be done already; their runs keep the tries used up."""
        middle = len(part.experiments) // 2
        edges = (slice(None, middle), slice(middle, None))
        return [Part(part.cohort, part.experiments[e], tries, part.failed[e]) for e in edges]

    def _count(self, message: str) -> None:
        """Stop where a study asks for that, or where one failure after another says the same."""
        self._streak = self._streak + 1 if message == self._message else 1
        self._message = message
        if self.stopped:
            return
        if self.fail_fast:
            self._stop("a run failed: nothing more is started (study.on_failure=stop)")
        elif self._streak == self.settings.give_up:
            self._stop(
                f"{self._streak} failures in a row with the same message: nothing more is started"
                f" (executor.give_up={self.settings.give_up})"
            )

    def _stop(self, reason: str) -> None:
        self.ledger.event("stopped", reason=reason)
        self.stopped = True
        waiting, self.waiting = self.waiting, []
        for part in waiting:
            if part.failed:
                self.watch.ended(part.cohort, part.failed)
        self.watch.say(reason)


def last_line(error: str) -> str:
    """What an error's text comes down to."""
    return (error.strip().splitlines() or ["no message"])[-1]


def _announcement(part: Part, message: str, sizes: list[int]) -> str:
    width = len(part.experiments)
    runs = f"{width} runs" if width > 1 else "1 run"
    how = f"as {' + '.join(map(str, sizes))} runs" if len(sizes) > 1 else "again"
    return f"cohort {part.cohort}, {runs}: {message}; trained {how}"

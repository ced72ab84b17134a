"""How far a study has come: a bar on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Sequence
from types import TracebackType

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from rnn_regexp.executors.work import last_line
from rnn_regexp.ledger import FAILED, FINISHED, RunResult

_EVERY = 15.0  # seconds between plain lines


class Bar:
    """Counts epochs of all runs; an ``executors.Watch`` that also hands results on.

    ``sizes`` and ``epochs`` are those of each cohort, ``before`` the runs that are done already.
    """

    def __init__(self, sizes: Sequence[int], epochs: Sequence[int], before: int) -> None:
        self.sizes, self.epochs = list(sizes), list(epochs)
        self._all = sum(a * b for a, b in zip(self.sizes, self.epochs, strict=True))
        self.done, self.lost, self.total = before, 0, before + sum(sizes)
        self._reached = [0] * len(sizes)  # epochs of the runs that have not ended
        self._ended = [0] * len(sizes)  # runs
        self._started = self._printed = time.monotonic()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeRemainingColumn(),
            disable=not sys.stdout.isatty(),
        )
        self._task = self._bar.add_task(self._text(), total=self._all or 1)

    def __enter__(self) -> "Bar":
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._bar.stop()

    def epoch(self, cohort: int, epochs: int) -> None:
        """A cohort has trained so many epochs."""
        self._reached[cohort] = epochs
        self._show()

    def ended(self, cohort: int, results: Sequence[RunResult]) -> None:
        """Runs of a cohort ended."""
        self._ended[cohort] += len(results)
        self._reached[cohort] = 0
        self.done += len(results)
        self.lost += sum(result.status != FINISHED for result in results)
        for result in results:
            self._complain(result)
        self._show(always=True)

    def say(self, line: str) -> None:
        """Show a line above the bar, at once."""
        self._bar.console.print(line, markup=False, highlight=False, soft_wrap=True)
        sys.stdout.flush()

    def _complain(self, result: RunResult) -> None:
        if result.status == FAILED:
            self.say(f"run {result.run_id} failed: {last_line(result.error or '')}")

    def _show(self, always: bool = False) -> None:
        parts = zip(self.sizes, self._ended, self._reached, self.epochs, strict=True)
        trained = sum(gone * every + (size - gone) * at for size, gone, at, every in parts)
        self._bar.update(self._task, completed=trained, description=self._text())
        now = time.monotonic()
        several = self.total > 1
        if self._bar.disable and ((always and several) or now - self._printed > _EVERY):
            self._printed = now
            print(f"{self._text()}, {self._left(trained, now)}", flush=True)

    def _text(self) -> str:
        lost = f", {self.lost} diverged or failed" if self.lost else ""
        return f"{self.done} of {self.total} runs{lost}"

    def _left(self, trained: int, now: float) -> str:
        spent = now - self._started
        left = spent * (self._all - trained) / trained if trained else 0.0
        return f"{spent:.0f} s, about {left:.0f} s left"

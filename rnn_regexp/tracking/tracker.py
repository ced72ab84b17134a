"""Sends a study's runs to its store beside the training, which never waits for it."""

import queue
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rnn_regexp.ledger import RunResult
from rnn_regexp.tracking.entries import entry
from rnn_regexp.tracking.settings import Server, Sqlite, Tracking
from rnn_regexp.tracking.store import address, public, reason
from rnn_regexp.tracking.summary import attachments, effect_metrics
from rnn_regexp.tracking.writer import Writer

if TYPE_CHECKING:
    from pandas import DataFrame

Say = Callable[[str], None]
Task = Callable[[Writer], None]
PENDING = 2000  # entries that wait for the store; more than that are left to a replay
PAUSE = 30.0  # seconds before a store that fell silent is asked again
PATIENCE = 10.0  # seconds without progress after which closing gives up


class Tracker:
    """The one writer of a study's runs. Nothing that the store does raises here or blocks.

    ``folder`` is the study's ledger, from which a replay sends what could not be sent now.
    ``say`` gets one line when the store first fails, and one at the end if entries were not sent.
    """

    def __init__(self, tracking: Tracking, study: str, folder: Path, say: Say = print) -> None:
        self.study, self.folder, self.say = study, folder, say
        self._tasks: queue.Queue[Task | None] = queue.Queue(PENDING)
        self._unsent: list[Task] = []
        self._given = self._sent = 0
        self._resume_at = 0.0
        self._failure: str | None = None
        self._writer: Writer | None = None
        self._thread: threading.Thread | None = None
        if isinstance(tracking, (Sqlite, Server)):
            self._where = public(address(tracking))
            self._open = partial(Writer, tracking, study)
            self._thread = threading.Thread(target=self._work, name="tracking", daemon=True)
            self._thread.start()

    def log_run(self, result: RunResult, variant: str, labels: Mapping[str, str]) -> None:
        """Show a run; ``labels`` are its factors: dotted key -> level as tables write it."""
        self._give(lambda writer: writer.write(entry(result, self.study, variant, labels)))

    def log_summary(self, effects: "DataFrame", note: str, metric: str | None = None) -> None:
        """Show the verdicts: the effects on ``metric``, or else on the table's first one, as
        metrics; Markdown ``note`` as description; report and definition as artifacts.
        """
        rows: list[Any] = effects.to_dict("records")
        values = effect_metrics(rows, metric)
        moment, files = round(time.time() * 1000), attachments(self.folder)
        self._give(lambda writer: writer.write_summary(values, note, files, moment))

    def close(self) -> int:
        """Send what is left, or give up on a store that stands still; the entries not sent."""
        if self._thread is None:
            return 0
        self._finish(self._thread)
        self._thread = None
        unsent = self._given - self._sent
        if unsent:
            self.say(
                f"tracking: {unsent} of {self._given} entries not sent "
                f"({self._failure or 'the store does not answer'}); "
                f"'rnn-regexp report {self.folder}' sends them"
            )
        return unsent

    def __enter__(self) -> "Tracker":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.close()

    def _give(self, task: Task) -> None:
        if self._thread is None:
            return
        self._given += 1
        try:
            self._tasks.put_nowait(task)
        except queue.Full:
            self._failure = self._failure or "too many were waiting"

    def _finish(self, thread: threading.Thread) -> None:
        """Wait for the thread as long as it moves on."""
        sent = -1
        try:
            self._tasks.put(None, timeout=PATIENCE)
        except queue.Full:
            return
        while thread.is_alive() and sent < self._sent:
            sent = self._sent
            thread.join(PATIENCE)

    def _work(self) -> None:
        self._connected()
        while (task := self._tasks.get()) is not None:
            self._attempt(task)
        self._resume_at = 0.0
        again, self._unsent = self._unsent, []
        for task in again:
            self._attempt(task)

    def _connected(self) -> Writer | None:
        """The writer, unless the store was silent a moment ago."""
        if time.monotonic() < self._resume_at:
            return None
        try:
            self._writer = self._writer or self._open()
        except Exception as error:  # whatever a store raises, training goes on
            self._note(reason(error))
        return self._writer

    def _attempt(self, task: Task) -> None:
        writer = self._connected()
        try:
            if writer is not None:
                task(writer)
                self._sent += 1
                return
        except Exception as error:
            self._note(f"{self._where}: {reason(error)}")
        self._unsent.append(task)

    def _note(self, failure: str) -> None:
        if self._failure is None:
            self.say(f"tracking: {failure}; training goes on, the ledger keeps every run")
        self._failure = failure
        if self._writer is None or not self._writer.answers():
            self._resume_at = time.monotonic() + PAUSE

"""Sends a study's runs to its store beside the training, which never waits for it."""

import shlex
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rnn_regexp.ledger import Ledger, RunResult
from rnn_regexp.tracking.address import place
from rnn_regexp.tracking.destination import keep
from rnn_regexp.tracking.entries import entry
from rnn_regexp.tracking.settings import Server, Sqlite, Tracking
from rnn_regexp.tracking.store import reason
from rnn_regexp.tracking.summary import attachments, effect_metrics
from rnn_regexp.tracking.writer import Writer

if TYPE_CHECKING:
    from pandas import DataFrame

Say = Callable[[str], None]
Task = Callable[[Writer], None]
PENDING = 20_000  # entries that wait for the store; more than that are left to a replay
PAUSE = 30.0  # seconds before a store that fell silent is asked again
PATIENCE = 30.0  # seconds without progress after which closing gives up
HASTE = 2.0  # seconds that closing takes, where the user or a scheduler wants the process to end


class Tracker:
    """The one writer of a study's runs. Nothing that the store does raises here or blocks.

    ``folder`` is the study's ledger: a run is recorded there before it is logged here, and read
    there when the store takes it, so that what waits takes no memory.  A store that falls silent
    is asked again from time to time, and gets everything in order when it is back; what it has
    not got at the end, a replay sends.  ``say`` gets one line when the store first fails, and one
    at the end if entries were not sent: the command it names finds the way by what the folder
    keeps.
    """

    def __init__(self, tracking: Tracking, study: str, folder: Path, say: Say = print) -> None:
        self.study, self.folder, self.say = study, folder, say
        self._waiting: deque[Task] = deque()
        self._refused: list[Task] = []  # by a store that answers: tried once more at the end
        self._changed = threading.Condition()
        self._closing = False
        self._given = self._sent = 0
        self._resume_at = 0.0
        self._failure: str | None = None
        self._writer: Writer | None = None
        self._thread: threading.Thread | None = None
        keep(folder, tracking)
        if isinstance(tracking, (Sqlite, Server)):
            self._where = place(tracking)
            self._open = partial(Writer, tracking, study, folder)
            self._thread = threading.Thread(target=self._work, name="tracking", daemon=True)
            self._thread.start()

    def log_run(self, result: RunResult, variant: str, labels: Mapping[str, str]) -> None:
        """Show a recorded run; ``labels`` are its factors: dotted key -> level in tables."""
        self._give(partial(_send, self.folder, result.run_id, self.study, variant, labels))

    def log_summary(self, effects: "DataFrame", note: str, metric: str | None = None) -> None:
        """Show the verdicts: the effects on ``metric``, or else on the table's first one, as
        metrics; Markdown ``note`` as description; report and definition as artifacts.
        """
        rows: list[Any] = effects.to_dict("records")
        values = effect_metrics(rows, metric)
        moment, files = round(time.time() * 1000), attachments(self.folder)
        self._give(lambda writer: writer.write_summary(values, note, files, moment))

    def close(self, patience: float | None = None, in_haste: bool = False) -> int:
        """Send what is left, or give up on a store that stands still; the entries not sent.

        ``in_haste``, give up on one that moves on, too: a replay is never too late.
        """
        if self._thread is None:
            return 0
        self._finish(self._thread, PATIENCE if patience is None else patience, in_haste)
        self._thread = None
        unsent = self._given - self._sent
        if unsent:
            other = "to send them takes longer" if in_haste else "the store does not answer"
            folder = shlex.quote(str(self.folder))
            self.say(
                f"tracking: {unsent} of {self._given} entries not sent "
                f"({self._failure or other}); 'rnn-regexp sync {folder}' sends them"
            )
        return unsent

    def __enter__(self) -> "Tracker":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        in_haste = error is not None and not isinstance(error, Exception)  # Ctrl-C, SIGTERM
        self.close(HASTE if in_haste else None, in_haste)

    def _give(self, task: Task) -> None:
        if self._thread is None:
            return
        with self._changed:
            self._given += 1
            if len(self._waiting) >= PENDING:
                self._failure = self._failure or "too many were waiting"
                return
            self._waiting.append(task)
            self._changed.notify()

    def _finish(self, thread: threading.Thread, patience: float, in_haste: bool) -> None:
        """Wait for the thread as long as it moves on; in haste, once."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        before = None
        while thread.is_alive() and before != (before := self._progress()):
            thread.join(patience)
            if in_haste:
                return

    def _progress(self) -> object:
        """Differs from one look to the next unless the store stands still."""
        if self._writer is None:
            return self._sent
        turn = self._writer.turn
        return object() if turn.waits else (self._sent, turn.taken)

    def _work(self) -> None:
        while self._next():
            self._try_oldest()
        again, self._refused = self._refused, []
        self._waiting.extend(again)
        while self._waiting and self._try_oldest():
            pass

    def _next(self) -> bool:
        """Wait until there is something to send and a store to take it; False at the end."""
        with self._changed:
            while not self._closing:
                pause = self._resume_at - time.monotonic()
                if self._waiting and pause <= 0:
                    return True
                self._changed.wait(pause if self._waiting else None)
            in_time = self._resume_at <= time.monotonic()
            return bool(self._waiting) and in_time

    def _try_oldest(self) -> bool:
        """Send the entry that has waited longest; False where the store is silent."""
        writer = self._connected()
        if writer is None:
            return False
        try:
            self._waiting[0](writer)
        except Exception as error:  # whatever a store raises, training goes on
            self._note(f"{self._where}: {reason(error)}")
            if not writer.answers():
                self._resume_at = time.monotonic() + PAUSE
                return False
            self._refused.append(self._waiting.popleft())
            return True
        self._waiting.popleft()
        self._sent += 1
        return True

    def _connected(self) -> Writer | None:
        try:
            self._writer = self._writer or self._open()
        except Exception as error:
            self._note(reason(error))
            self._resume_at = time.monotonic() + PAUSE
        return self._writer

    def _note(self, failure: str) -> None:
        if self._failure is None:
            self.say(f"tracking: {failure}; training goes on, the ledger keeps every run")
        self._failure = failure


def _send(
    folder: Path, run_id: str, study: str, variant: str, labels: Mapping[str, str], writer: Writer
) -> None:
    result = Ledger(folder).result(run_id)
    if result is not None:
        writer.write(entry(result, study, variant, labels))

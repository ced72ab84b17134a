"""The folder of a study on disk: the truth about its runs. Every write is atomic.

::

    outputs/<study>/
      study.yaml      the study as resolved, see below
      plan.csv        run_id, variant, seed, cohort, one column per factor (labels); in a study of
                      several stages ``stage`` (1, 2, ...); one column per nuisance setting, which
                      is the value chosen for the variant
      tuning.csv      the runs that chose it: run_id, variant, trial, seed, one column per nuisance
                      setting, selected, status, the metric that selects, seconds
      runs/<id>.json  one finished, diverged or failed run: experiment, metrics, history
      events.jsonl    what happened when: see ``events``
      tracking.json   where the runs are shown: see ``tracking.destination``
      runs.csv, effects.csv, report.html, report.md, report.tex, figures/
                      derived from the above, and rebuilt at will

``study.yaml`` has name, title, design, metric, goal, evaluate, alpha, margin, command and::

    seeds         those planned so far, in the order of their use; variants may have fewer
    factors       by name: key (several, with commas, where they move together), baseline, levels
                  (labels); ``when`` (factor: labels) for one that applies only then, whose label
                  is its baseline's elsewhere; ``settings`` (label: key: value) where labels do
                  not tell. Configurations to compare are the factor ``configuration``
    fraction      of a fractional design: runs, resolution (0: all combinations), words and
                  aliases up to order 2, with + for *changed*: ``a: [-b:c]`` says that the effect
                  of a and minus the interaction of b and c cannot be told apart
    sequential    where seeds are added: looks (cumulative numbers of seeds), stop ({} for a
                  verdict, or half_width), done (looks that are planned so far)
    nuisance      keys (values, or low, high and scale), trials, seeds, metric: the budget each
                  variant has. What the study compares is scientific, all else is fixed
    decisions     between stages. Of looks: look, seeds, open (variants that get more seeds). Of a
                  path: stage, factor (the flip that is kept), variant (where that leads)
    base          the base experiment
"""

import dataclasses
import json
import math
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from rnn_regexp import events
from rnn_regexp.errors import BadInput
from rnn_regexp.files import cannot_write, write_text

FINISHED, DIVERGED, FAILED = "finished", "diverged", "failed"
LARGEST = sys.float_info.max  # that a table can hold
ABSENT = (FileNotFoundError, IsADirectoryError, NotADirectoryError)
ROOM = 1 << 16  # bytes without which nothing is begun


@dataclasses.dataclass
class RunResult:
    """What is known of a run that ended."""

    run_id: str
    seed: int
    status: str  # FINISHED, DIVERGED or FAILED
    experiment: dict[str, Any]  # the resolved configuration as plain values
    metrics: dict[str, float] = dataclasses.field(
        default_factory=dict
    )  # train/loss, best/epoch ...
    history: list[dict[str, float]] = dataclasses.field(default_factory=list)  # one row an epoch
    seconds: float = 0.0  # the run's share of its cohort's time
    started: float = 0.0  # unix time
    diverged_at: int | None = None  # optimizer step
    error: str | None = None
    environment: dict[str, str] = dataclasses.field(default_factory=dict)  # versions, data digest


class LedgerError(BadInput):
    """A folder that cannot be used; the message is one line for the user."""


class Ledger:
    """Reads and writes one study's folder."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    def require_writable(self, room: int = ROOM) -> None:
        """Refuse a folder that cannot be written, or holds no more, before anything is trained.

        Raises ``LedgerError`` with one line.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.folder) as file:
                file.write(os.urandom(room))  # an empty file fits on a full disk
                os.fsync(file.fileno())
        except OSError as error:
            raise LedgerError(cannot_write(self.folder, error)) from None

    def record(self, result: RunResult) -> None:
        """Keep a run's result; after this returns it survives a crash of process or machine.

        Raises ``LedgerError`` where the disk is full or the folder is gone.
        """
        text = json.dumps(_finite(dataclasses.asdict(result)), indent=1)
        self.write(f"runs/{result.run_id}.json", text)

    def keep(self, result: RunResult) -> RunResult:
        """Record a result unless the run's is here already, from a worker that died later."""
        known = self.complete(result.run_id)
        if known is None:
            self.record(result)
        return known or result

    def results(self) -> list[RunResult]:
        """All recorded runs, ordered by run id; a file that is damaged is passed over."""
        return [result for result in map(_read, sorted(self.folder.glob("runs/*.json"))) if result]

    def recorded(self) -> dict[str, RunResult]:
        """The runs that need not be trained again, by id: those that finished or diverged."""
        return {result.run_id: result for result in self.results() if result.status != FAILED}

    def result(self, run_id: str) -> RunResult | None:
        """The record of one run, or None."""
        return _read(self.folder / "runs" / f"{run_id}.json")

    def complete(self, run_id: str) -> RunResult | None:
        """The record of a run that need not be trained again."""
        known = self.result(run_id)
        return known if known is not None and known.status != FAILED else None

    def write(self, name: str, text: str) -> Path:
        """Put a file into the folder; raises ``LedgerError`` where that cannot be."""
        try:
            return write_text(self.folder / name, text)
        except OSError as error:
            raise LedgerError(cannot_write(self.folder, error, going_on=True)) from None

    def event(self, event: str, **known: Any) -> None:
        """Note in the event log what happened."""
        events.add(self.folder, event, **known)

    def events(self) -> list[dict[str, Any]]:
        """The event log, in order."""
        return list(events.read(self.folder))

    def read(self, name: str) -> str | None:
        """The text of a file of the folder, or None where there is none.

        Raises ``LedgerError`` where it is no text.
        """
        path = self.folder / name
        try:
            return path.read_text(encoding="utf-8") if path.exists() else None
        except UnicodeDecodeError:
            raise LedgerError(f"{path} is no text in UTF-8: it is damaged") from None


def _read(path: Path) -> RunResult | None:
    """The result in a file; a damaged one, or a folder of that name, is as good as none."""
    try:
        text = path.read_text(encoding="utf-8")
        result = RunResult(**json.loads(text))
        if r"\ud" in text.lower():  # half a letter can be read, and not written
            json.dumps(dataclasses.asdict(result), ensure_ascii=False).encode()
    except (ValueError, TypeError, RecursionError, *ABSENT):
        return None
    sound = all(fits(getattr(result, name)) for name, fits in _FORMS.items())
    return result if sound and result.run_id == path.stem else None


def _is(*kinds: type) -> Callable[[Any], bool]:
    return lambda value: type(value) in kinds


def _number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) <= LARGEST


def _numbers(value: Any) -> bool:
    return type(value) is dict and all(map(_number, value.values()))


_FORMS: dict[str, Callable[[Any], bool]] = {
    "run_id": _is(str),
    "seed": lambda value: type(value) is int and abs(value) < 1 << 63,
    "status": lambda value: value in (FINISHED, DIVERGED, FAILED),
    "experiment": _is(dict),
    "metrics": _numbers,
    "history": lambda value: type(value) is list and all(map(_numbers, value)),
    "seconds": _number,
    "started": _number,
    "diverged_at": _is(int, type(None)),
    "error": _is(str, type(None)),
    "environment": lambda value: type(value) is dict and all(map(_is(str), value.values())),
}


def _finite(value: Any) -> Any:
    """JSON has no NaN and no infinity: a number that is neither is left out of its table."""
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items() if not _nonfinite(item)}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return value


def _nonfinite(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


def environments(results: Iterable[RunResult]) -> Iterator[dict[str, str]]:
    """The distinct environments (versions, data digests) in which runs were trained."""
    seen: list[dict[str, str]] = []
    for result in results:
        if result.environment not in seen:
            seen.append(result.environment)
            yield result.environment

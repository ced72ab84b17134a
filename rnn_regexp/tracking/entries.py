"""What of a run is shown: its parameters, tags and dated points, as plain values."""

import dataclasses
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from rnn_regexp.fields import label
from rnn_regexp.ledger import FINISHED, RunResult

EPOCH, TIME = "epoch", "time"  # what dates a row of a history
NOT_METRICS = (EPOCH, TIME, "step")
REPEATED = "best/train"  # what the history says at best/epoch; it would hide the test's metrics
MAIN = ("dataset", "model", "model.hidden", "optimizer", "optimizer.lr", "seed", "training.epochs")
LONGEST = 5000  # characters of a parameter or tag, below MLflow's limits


@dataclasses.dataclass(frozen=True)
class Point:
    """One value of a metric; the same point sent twice is stored once."""

    key: str
    value: float
    milliseconds: int
    step: int


@dataclasses.dataclass(frozen=True)
class Entry:
    """One run as it stands in the tracking store."""

    run_id: str
    name: str
    status: str
    started: int  # milliseconds since 1970
    ended: int
    columns: tuple[str, ...]  # the params that tell runs apart: the factors
    params: dict[str, str]
    tags: dict[str, str]
    points: list[Point]
    experiment: dict[str, Any]  # all settings, for an artifact


def entry(result: RunResult, study: str, variant: str, labels: Mapping[str, str]) -> Entry:
    """A run's entry, a function of its result alone, so that a replay finds nothing new."""
    end = result.started + result.seconds
    params = _shown(parameters(result, labels))
    return Entry(
        run_id=result.run_id,
        name=run_name(result, variant),
        status=result.status,
        started=_milliseconds(result.started),
        ended=_milliseconds(end),
        columns=tuple(map(allowed, labels)) or tuple(key for key in MAIN if key in params),
        params=params,
        tags=_shown(tags(result, study, variant)),
        points=list(points(result)),
        experiment=result.experiment,
    )


def _shown(values: Mapping[str, Any]) -> dict[str, str]:
    return {allowed(key): shown(value) for key, value in values.items()}


def run_name(result: RunResult, variant: str) -> str:
    """``dropout.rate=0.25 seed 3``; what did not finish says so."""
    name = f"{variant} seed {result.seed}"
    return name if result.status == FINISHED else f"{name} ({result.status})"


def parameters(result: RunResult, labels: Mapping[str, str]) -> dict[str, Any]:
    """The factors as the study's tables write them, and beside them what the study is about.

    A run without factors shows all of its settings: any of them may tell it from another run.
    """
    settings = flatten(result.experiment) | {"seed": result.seed}
    if labels:
        settings = {key: settings[key] for key in MAIN if key in settings}
    return settings | dict(labels)


def tags(result: RunResult, study: str, variant: str) -> dict[str, Any]:
    """What identifies a run, how it ended and in which environment."""
    error = (result.error or "").strip()
    named = {
        "study": study,
        "variant": variant,
        "seed": result.seed,
        "run_id": result.run_id,
        "status": result.status,
        "diverged_at": result.diverged_at,
        "error": error.rpartition("\n")[2],
        "mlflow.note.content": error and f"```\n{error}\n```",
        "mlflow.source.git.commit": result.environment.get("revision"),
    }
    known = {**result.environment, **named}
    return {key: value for key, value in known.items() if value not in (None, "")}


def points(result: RunResult) -> Iterator[Point]:
    """Every finite value: the history by epoch, then what was measured once, without epoch."""
    count, series = len(result.history), set[str]()
    for index, row in enumerate(result.history):
        epoch = int(row.get(EPOCH, index))
        default = result.started + result.seconds * (index + 1) / count
        moment = _milliseconds(row.get(TIME, default))
        values = {key: value for key, value in row.items() if key not in NOT_METRICS}
        series.update(values)
        yield from _points(values, moment, epoch)
    known = {key for key in result.metrics if key in series or key.startswith(REPEATED)}
    once = {key: value for key, value in result.metrics.items() if key not in known}
    yield from _points(once, _milliseconds(result.started + result.seconds), 0)


def _points(values: Mapping[str, float], milliseconds: int, step: int) -> Iterator[Point]:
    for key, value in values.items():
        if math.isfinite(value):
            yield Point(allowed(key), float(value), milliseconds, step)


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def flatten(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings under dotted keys; a chosen class's name stands at the group's own key."""
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        key = f"{prefix}.{name}" if prefix else str(name)
        if isinstance(value, Mapping):
            flat.update(flatten(value, key))
        elif name != "name":
            flat[key] = value
        elif prefix and prefix.rpartition(".")[2] != value:
            flat[prefix] = value
    return flat


def shown(value: Any) -> str:
    """A setting as text: lists with commas, everything else as in the study's tables."""
    many = isinstance(value, (list, tuple))
    text = ",".join(map(label, value)) if many else label(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def allowed(name: str) -> str:
    """A name in the characters that MLflow takes: ``dropout.rate=0.5`` -> ``dropout.rate:0.5``."""
    return re.sub(r"[^\w\-./: ]", "_", name.replace("=", ":"), flags=re.ASCII)

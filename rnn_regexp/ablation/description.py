"""What was studied: factors, levels, baselines and the metric that judges, from ``study.yaml``."""

import dataclasses
from typing import Any

from rnn_regexp.ablation.metrics import BEST, MAX, MIN, goal_of
from rnn_regexp.errors import BadInput


class StudyError(BadInput):
    """A study folder that cannot be read; the message is one line for the user."""


@dataclasses.dataclass(frozen=True)
class Factor:
    """A setting under study; its levels are the labels that stand in tables."""

    key: str  # its name in the study, and its column in runs.csv
    baseline: str
    levels: tuple[str, ...]  # the baseline among them
    setting: str = ""  # the configuration's key, where the study calls it otherwise
    settings: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)  # of its levels
    when: dict[str, list[str]] = dataclasses.field(default_factory=dict)  # other factors' levels

    @property
    def others(self) -> list[str]:
        """The levels that are compared with the baseline."""
        return [level for level in self.levels if level != self.baseline]


@dataclasses.dataclass(frozen=True)
class Description:
    """A study as its folder describes it, or as its runs show it where no plan was written."""

    name: str
    metric: str  # the primary metric without ``best/``
    goal: str  # min or max
    factors: tuple[Factor, ...]
    seeds: tuple[int, ...]
    title: str = ""
    design: str = ""
    evaluate: str = "last"  # best: judge the epoch with the best validation value; "": no epochs
    alpha: float = 0.05
    margin: float | None = None  # smallest difference that matters, in units of the metric
    base: dict[str, Any] = dataclasses.field(default_factory=dict)
    command: str = ""
    tied: dict[str, list[str]] = dataclasses.field(default_factory=dict)  # keys that moved together
    assumed: tuple[str, ...] = ()  # factors whose baseline nobody named: that of the first run
    sequential: dict[str, Any] = dataclasses.field(default_factory=dict)  # looks, stop: see there
    fraction: dict[str, Any] = dataclasses.field(default_factory=dict)  # resolution, words
    decisions: list[dict[str, Any]] = dataclasses.field(default_factory=list)  # between stages
    nuisance: dict[str, Any] = dataclasses.field(default_factory=dict)  # what was tuned, and how

    @property
    def primary(self) -> str:
        """The column of ``runs.csv`` that is judged."""
        return (BEST if self.evaluate == "best" else "") + self.metric

    def goal_of(self, metric: str) -> str | None:
        """Which way ``metric`` is better; the study decides for its own metric."""
        return self.goal if metric.removeprefix(BEST) == self.metric else goal_of(metric)


def parse(text: str, name: str) -> Description:
    """The description in the text of a ``study.yaml``.

    Raises ``StudyError`` with one line that names the key at fault.
    """
    import yaml

    try:
        return _described(yaml.safe_load(text), name)
    except yaml.YAMLError as error:
        raise StudyError(f"{name}: not valid YAML: {' '.join(str(error).split())}") from None
    except KeyError as error:
        raise StudyError(f"{name}: {error.args[0]} is missing") from None
    except (TypeError, ValueError, AttributeError, RecursionError) as error:
        raise StudyError(f"{name}: {error}") from None


def _described(values: Any, name: str) -> Description:
    if not isinstance(values, dict):
        raise StudyError("expected keys and values")
    _one_of(values, "goal", (MIN, MAX))
    _one_of(values, "evaluate", ("last", "best"))
    known = {field.name for field in dataclasses.fields(Description)} - {
        "factors",
        "seeds",
        "tied",
        "assumed",
    }
    given = {key: value for key, value in values.items() if key in known and value is not None}
    return Description(
        **({"name": name} | given),
        factors=tuple(_factor(key, item) for key, item in (values["factors"] or {}).items()),
        seeds=tuple(int(seed) for seed in values["seeds"]),
    )


def _factor(key: str, item: dict[str, Any]) -> Factor:
    levels = tuple(str(level) for level in item["levels"])
    baseline = str(item["baseline"])
    if baseline not in levels:
        allowed = f"one of its levels ({', '.join(levels)})"
        raise StudyError(f"factors.{key}.baseline must be {allowed}, got {baseline}")
    return Factor(
        key=str(key),
        baseline=baseline,
        levels=levels,
        setting=str(item.get("key", key)),
        settings={str(level): dict(own) for level, own in item.get("settings", {}).items()},
        when={str(name): [str(x) for x in own] for name, own in item.get("when", {}).items()},
    )


def _one_of(values: dict[str, Any], key: str, allowed: tuple[str, ...]) -> None:
    if values.get(key, allowed[0]) not in allowed:
        raise StudyError(f"{key} must be one of {', '.join(allowed)}, got {values[key]}")

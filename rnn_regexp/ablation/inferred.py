"""The factors of runs that no plan describes: what differs between their experiments.

``rnn-regexp train -m seed=0,1,2 model=rnn,gru`` leaves runs and no ``study.yaml``.
"""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from rnn_regexp.ablation.description import Description, Factor, StudyError
from rnn_regexp.ablation.metrics import MIN, goal_of
from rnn_regexp.fields import label
from rnn_regexp.ledger import FINISHED, RunResult

ABSENT = "off"  # the label of a setting that a run's experiment lacks
NAME = "name"  # the key under which an experiment carries the chosen class


def describe(
    results: Sequence[RunResult], name: str, baseline: Mapping[str, str]
) -> tuple[Description, list[dict[str, str]]]:
    """The study that ``results`` amount to, and each run's level of each factor.

    A factor that ``baseline`` does not name is compared with the run that was started first.
    Raises ``StudyError`` for a factor or a level that there is not.
    """
    settings = [dict(flatten(result.experiment)) for result in results]
    first = min(range(len(results)), key=lambda i: (results[i].started, results[i].run_id))
    columns = _differing(settings)
    factors = [Factor(key, labels[first], _levels(labels)) for key, labels in columns.items()]
    untied, tied = _untie(factors, columns)
    untied = _based(untied, baseline)
    metric = _primary(results)
    description = Description(
        name=name,
        metric=metric,
        goal=goal_of(metric) or MIN,
        factors=untied,
        seeds=tuple(sorted({result.seed for result in results})),
        title=name,
        base={key: value for key, value in settings[first].items() if key not in columns},
        tied=tied,
        assumed=tuple(factor.key for factor in untied if factor.key not in baseline),
    )
    keys = [factor.key for factor in untied]
    return description, [{key: columns[key][i] for key in keys} for i in range(len(results))]


def flatten(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Dotted key and label of every setting in nested plain values."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", "none" if value in ("inf", "-inf") else label(value)


def _differing(settings: list[dict[str, str]]) -> dict[str, list[str]]:
    """Factor -> each run's label. A class that differs hides the settings that differ with it."""
    keys = dict.fromkeys(key for run in settings for key in run if key != "seed")
    columns = {key: [run.get(key, ABSENT) for run in settings] for key in keys}
    columns = {key: labels for key, labels in columns.items() if len(set(labels)) > 1}
    named = {key.removesuffix(f".{NAME}") for key in columns if key.endswith(f".{NAME}")}
    swapped = {key for key in named if ABSENT not in columns[f"{key}.{NAME}"]}
    switched = {key for key in named - swapped if not _varies_within(columns, key)}
    kept: dict[str, list[str]] = {}
    for key, labels in columns.items():
        owner = key.rpartition(".")[0]
        if key == f"{owner}.{NAME}" and owner in swapped | switched:
            kept[owner] = labels
        elif not key.endswith(f".{NAME}") and not _inside(key, swapped | switched):
            kept[key] = labels
    return kept


def _varies_within(columns: dict[str, list[str]], owner: str) -> bool:
    """Whether runs that have ``owner`` differ in its settings, beyond having it or not."""
    return any(
        len(set(labels) - {ABSENT}) > 1
        for key, labels in columns.items()
        if key.startswith(f"{owner}.") and key != f"{owner}.{NAME}"
    )


def _inside(key: str, owners: set[str]) -> bool:
    return any(key.startswith(f"{owner}.") for owner in owners)


def _levels(labels: list[str]) -> tuple[str, ...]:
    levels = list(dict.fromkeys(labels))
    return tuple(sorted(levels, key=_number) if all(map(_is_number, levels)) else levels)


def _number(text: str) -> float:
    return float("-inf") if text == ABSENT else float("inf") if text == "none" else float(text)


def _is_number(text: str) -> bool:
    try:
        return _number(text) == _number(text)
    except ValueError:
        return False


def _untie(
    factors: list[Factor], columns: dict[str, list[str]]
) -> tuple[tuple[Factor, ...], dict[str, list[str]]]:
    """Keys that always change together are one factor, called by the first of them."""
    first: dict[tuple[int, ...], str] = {}
    tied: dict[str, list[str]] = {}
    for factor in factors:
        labels = columns[factor.key]
        partition = tuple(labels.index(item) for item in labels)
        owner = first.setdefault(partition, factor.key)
        if owner != factor.key:
            tied.setdefault(owner, []).append(factor.key)
    return tuple(factor for factor in factors if factor.key in first.values()), tied


def _based(factors: Sequence[Factor], baseline: Mapping[str, str]) -> tuple[Factor, ...]:
    """The factors with the baselines that the user names."""
    known = [factor.key for factor in factors]
    for key in baseline:
        if key not in known:
            raise StudyError(f"--baseline: {key} does not differ ({nearest(key, known)})")
    return tuple(
        replace(own, baseline=_level(own, baseline[own.key])) if own.key in baseline else own
        for own in factors
    )


def _level(factor: Factor, given: str) -> str:
    """The level that is written so, or that is the same number."""
    for own in factor.levels:
        if own == given or (
            _is_number(own) and _is_number(given) and _number(own) == _number(given)
        ):
            return own
    hint = nearest(given, factor.levels)
    raise StudyError(f"--baseline: {factor.key} has no level {given} ({hint})")


def nearest(word: str, known: Sequence[str]) -> str:
    """``did you mean lr?``, or else what there is."""
    near = difflib.get_close_matches(word, known, 1)
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(known) or 'none'}"


def _primary(results: Sequence[RunResult]) -> str:
    metrics = {
        metric for result in results if result.status == FINISHED for metric in result.metrics
    }
    known = sorted(metric for metric in metrics if metric.startswith("valid/") and goal_of(metric))
    if metrics and not known:
        raise StudyError(
            f"no metric valid/... to judge by; the runs have {', '.join(sorted(metrics))}"
        )
    return "valid/loss" if "valid/loss" in known or not known else known[0]

"""Any tidy table as a study: one row a run, a column a factor, a column the seed, a metric."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnn_regexp.ablation.description import Description, Factor, StudyError
from rnn_regexp.ablation.metrics import MAX, MIN, goal_of
from rnn_regexp.ablation.runs_table import LEADING, StudyRuns
from rnn_regexp.fields import label
from rnn_regexp.ledger import DIVERGED, FAILED, FINISHED

if TYPE_CHECKING:
    import pandas as pd

EMPTY = "(empty)"  # the label of a cell that holds nothing
SEPARATORS = {".csv": ",", ".tsv": "\t", ".txt": "\t"}
LIMITS = {"inf": math.inf, "none": math.inf, "off": -math.inf}  # levels among numbers
OURS = ("run_id", "seed", "status")  # columns of runs.csv that are neither factor nor metric
NO_NUMBER = ("", "nan", "na", "none", "null", "inf", "-inf", "+inf", "infinity", "-infinity")


@dataclass(frozen=True)
class Question:
    """What a table is asked; levels are labels as tables show them."""

    factors: Sequence[str]
    baseline: Mapping[str, str]
    metric: str
    goal: str | None = None  # None: as the metric's name says
    seed_column: str = "seed"
    alpha: float = 0.05
    margin: float | None = None
    title: str = ""


def read_table(path: str | Path) -> pd.DataFrame:
    """A table of texts from a CSV or TSV file; raises ``StudyError`` with one line."""
    import pandas as pd

    separator = SEPARATORS.get(Path(path).suffix.lower())
    if separator is None:
        raise StudyError(f"{path}: a table ends in {', '.join(SEPARATORS)}")
    try:
        table = pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise StudyError(f"{path}: no table: {' '.join(str(error).split())}") from None
    if not isinstance(table.index, pd.RangeIndex):
        raise StudyError(f"{path}: no table: its lines have more cells than there are names")
    if table.empty:
        raise StudyError(f"{path}: the table has no rows")
    return table


def study_of(table: pd.DataFrame, question: Question, name: str) -> StudyRuns:
    """The study that a table of texts amounts to; its other columns of numbers stay beside it.

    A run whose metric is no finite number has diverged, unless a column ``status`` knows better.
    Raises ``StudyError`` with one line for what cannot be asked of the table.
    """
    import pandas as pd

    _check(table, question)
    levels = {key: _labels(table[key]) for key in question.factors}
    factors = tuple(_factor(key, own, question.baseline) for key, own in levels.items())
    numbers = _numbers(table, question)
    status = _status(table, numbers[question.metric])
    columns = {
        "run_id": _run_ids(table),
        "variant": _variants(levels, factors),
        "seed": _seeds(table[question.seed_column]),
        "status": status,
        **levels,
        **{metric: values.where(status == FINISHED) for metric, values in numbers.items()},
    }
    runs = pd.DataFrame(columns)
    _refuse_doubles(runs, question.factors, name)
    seeds = tuple(sorted(set(runs["seed"]), key=lambda seed: (isinstance(seed, str), seed)))
    description = _description(question, name, factors, seeds)
    return StudyRuns(description, runs, {}, len(runs))


def _check(table: pd.DataFrame, question: Question) -> None:
    if not question.factors:
        raise StudyError(f"--factors: no factor named; there are {_listed(table.columns)}")
    for option, column in (
        *(("--factors", key) for key in question.factors),
        ("--metric", question.metric),
        ("--seed-column", question.seed_column),
    ):
        if column not in table.columns:
            near = difflib.get_close_matches(column, table.columns, 1)
            hint = f"did you mean {near[0]}?" if near else f"there are {_listed(table.columns)}"
            raise StudyError(f"{option}: the table has no column {column} ({hint})")
    for option, column in (
        *(("--factors", key) for key in question.factors),
        ("--metric", question.metric),
    ):
        if column in OURS:
            raise StudyError(f"{option}: a column called {column} holds something else")
    roles = [*question.factors, question.metric, question.seed_column]
    twice = next((key for key in roles if roles.count(key) > 1), None)
    if twice:
        raise StudyError(f"{twice} cannot be two of factor, metric and seed column at once")
    for key in question.baseline:
        if key not in question.factors:
            raise StudyError(
                f"--baseline: {key} is not among the factors ({_listed(question.factors)})"
            )


def _listed(names: Any, most: int = 20) -> str:
    names = list(map(str, names))
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _labels(column: pd.Series) -> pd.Series:
    """Levels as tables show them: numbers in one way of writing, whatever the file's."""
    known = {text: _number(text) for text in column.unique()}
    if all(value is not None for value in known.values()):
        return column.map({text: _written(text, value) for text, value in known.items()})
    return column.map({text: text.strip() or EMPTY for text in known})


def _number(text: str) -> float | None:
    text = text.strip().lower()
    if text in LIMITS:
        return LIMITS[text]
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _written(text: str, value: float | None) -> str:
    return "off" if value == -math.inf else label(value) if value is not None else text


def _factor(key: str, labels: pd.Series, baselines: Mapping[str, str]) -> Factor:
    levels = list(dict.fromkeys(labels))
    if all(_number(level) is not None for level in levels):
        levels.sort(key=lambda level: _number(level) or 0.0)
    if len(levels) == 1:
        raise StudyError(
            f"--factors: {key} is {levels[0]} in every row: there is nothing to compare"
        )
    if key not in baselines:
        raise StudyError(f"--baseline: none for {key} (its levels: {_listed(levels)})")
    given = baselines[key]
    value = _number(given)
    same = (own for own in levels if value is not None and _number(own) == value)
    baseline = given if given in levels else next(same, None)
    if baseline is None:
        near = difflib.get_close_matches(given, levels, 1)
        hint = f"did you mean {near[0]}?" if near else f"its levels: {_listed(levels)}"
        raise StudyError(f"--baseline: {key} has no level {given} ({hint})")
    return Factor(key, baseline, tuple(levels))


def _numbers(table: pd.DataFrame, question: Question) -> dict[str, pd.Series]:
    """The metric first, then every other column that holds nothing but numbers."""
    found = {question.metric: _parsed(table[question.metric])}
    words = table.loc[found[question.metric].isna(), question.metric].str.strip()
    wrong = words[~words.str.lower().isin(NO_NUMBER)]
    if len(wrong):
        row = int(wrong.index[0]) + 2  # the first line holds the names
        raise StudyError(
            f"--metric: {question.metric} holds {wrong.iloc[0]!r} in line {row}, no number"
        )
    taken = {*question.factors, question.seed_column, *LEADING}
    for column in table.columns:
        if column not in taken and column not in found:
            values = _parsed(table[column])
            if (values.notna() | table[column].str.lower().isin(NO_NUMBER)).all():
                found[column] = values
    return found


def _parsed(column: pd.Series) -> pd.Series:
    """The numbers of a column of texts to the last bit, which pandas' own parser may miss."""
    return column.map(_read_number).astype(float)


def _read_number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _status(table: pd.DataFrame, values: pd.Series) -> pd.Series:
    import numpy as np
    import pandas as pd

    finite = pd.Series(np.isfinite(values.to_numpy(dtype=float)), index=table.index)
    found = finite.map({True: FINISHED, False: DIVERGED})
    if "status" not in table.columns:
        return found
    said = table["status"].str.strip().str.lower()
    lost = said.where(said.isin([DIVERGED]), FAILED)
    return found.where(said.isin([FINISHED, "completed", "success", ""]), lost)


def _run_ids(table: pd.DataFrame) -> pd.Series:
    """The table's own, where it has a different one in each row; else the line in the file."""
    if "run_id" in table.columns and table["run_id"].is_unique:
        return table["run_id"]
    return table.index.to_series().map(lambda row: f"line {row + 2}")


def _variants(levels: Mapping[str, pd.Series], factors: Sequence[Factor]) -> list[str]:
    """``dropout=0.25 init=xavier``: what differs from the baseline."""
    names = [
        [f"{own.key}={level}" * (level != own.baseline) for level in levels[own.key]]
        for own in factors
    ]
    return [" ".join(filter(None, parts)) or "baseline" for parts in zip(*names, strict=True)]


def _seeds(column: pd.Series) -> pd.Series:
    """Whole numbers where all of them are; any texts can be blocks."""
    import pandas as pd

    numbers = pd.to_numeric(column, errors="coerce")
    if numbers.notna().all() and (numbers % 1 == 0).all():
        return numbers.astype("int64")
    return column.str.strip().replace("", EMPTY)


def _refuse_doubles(runs: pd.DataFrame, factors: Sequence[str], name: str) -> None:
    double = runs.duplicated([*factors, "seed"])
    if double.any():
        first = runs[double].iloc[0]
        same = runs[(runs[[*factors, "seed"]] == first[[*factors, "seed"]]).all(axis=1)]
        twice = " and ".join(same["run_id"].head(2))
        raise StudyError(
            f"{name}: {int(double.sum())} rows repeat a variant with the same seed, first"
            f" {first['variant']} with seed {first['seed']} ({twice});"
            " name the column that tells them apart among --factors, or remove one"
        )


def _description(
    question: Question, name: str, factors: tuple[Factor, ...], seeds: tuple[Any, ...]
) -> Description:
    goal = question.goal or goal_of(question.metric)
    if goal not in (MIN, MAX):
        raise StudyError(f"--goal: does {question.metric} get better as it grows? (max or min)")
    return Description(
        name=name,
        metric=question.metric,
        goal=goal,
        factors=factors,
        seeds=seeds,
        title=question.title or name,
        evaluate="",
        alpha=question.alpha,
        margin=question.margin,
    )

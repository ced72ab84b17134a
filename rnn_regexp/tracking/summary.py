"""A study's effects as metrics of its summary run."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from rnn_regexp.tracking.entries import allowed

SHOWN = ("estimate", "ci_low", "ci_high")


def effect_metrics(
    effects: Iterable[Mapping[str, Any]], metric: str | None = None
) -> dict[str, float]:
    """``effect/dropout.rate:0.25/estimate`` and so on; of ``metric``, or of the first row's."""
    values: dict[str, float] = {}
    for row in effects:
        metric = metric or row["metric"]
        if row["metric"] == metric:
            name = allowed(f"effect/{row['factor']}={row['level']}")
            numbers = {f"{name}/{column}": _number(row[column]) for column in SHOWN}
            values.update({key: value for key, value in numbers.items() if math.isfinite(value)})
    return values


def _number(cell: Any) -> float:
    """A cell of a table or of its CSV, where an absent number is an empty text."""
    return math.nan if cell in (None, "") else float(cell)

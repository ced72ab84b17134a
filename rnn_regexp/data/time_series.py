"""A series of numbers in time order: its gaps, its scale, and the windows cut from it.

A window is ``window`` known steps and the ``horizon`` steps behind them, which are asked for. The
splits follow each other in time. What is asked for lies in the window's own split; what is known
may reach back into the split before, as it would be known in use. Scales come from train alone.
"""

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from rnn_regexp.data.sequences import DataError, Split
from rnn_regexp.data.table import place

Numbers = NDArray[np.float64]
MISSING = {"", "na", "nan", "n/a", "null", "none", "?"}


class Gaps(Enum):
    """What is done about missing values, NaN; a window that asks for one is always left out."""

    refuse = "refuse"  # an error that names the first one
    fill = "fill"  # known steps take the last value before; windows without one are left out
    drop = "drop"  # windows that hold one are left out


class TimeSeries(NamedTuple):
    """T steps of D named columns, and how an error calls a step."""

    name: str
    columns: Sequence[str]
    values: Numbers  # (T, D), NaN where missing
    rows: Sequence[int]  # (T,) of the file, as an editor counts them

    def without_gaps(self, gaps: Gaps) -> Numbers:
        """The values as they may be known. Raises ``DataError`` for a gap that is refused."""
        missing = np.argwhere(~np.isfinite(self.values))
        if not len(missing) or gaps is Gaps.drop:
            return self.values
        if gaps is Gaps.fill:
            return filled(self.values)
        step, column = missing[0]
        more = f" and {len(missing) - 1:,} more" if len(missing) > 1 else ""
        raise DataError(
            f"dataset.gaps: row {self.rows[step]} of {self.name}, column {self.columns[column]!r}: "
            f"no number{more} (dataset.gaps=fill carries the last one on, "
            "dataset.gaps=drop leaves such windows out)"
        )


def numbers(name: str, rows: Sequence[tuple[int, list[str]]], columns: Sequence[str]) -> TimeSeries:
    """The ``columns`` of records, of which the first is the header; "", NA and NaN are gaps.

    Raises ``DataError`` for a column that is not there and for a word that is no number.
    """
    header = [own.strip() for own in rows[0][1]]
    places = [place("dataset.columns", own, header, name) for own in columns]
    values = [
        [_number(record[at], number, header[at], name) for at in places]
        for number, record in rows[1:]
    ]
    return TimeSeries(name, tuple(columns), np.array(values), [number for number, _ in rows[1:]])


def _number(word: str, row: int, column: str, name: str) -> float:
    if word.strip().lower() in MISSING:
        return np.nan
    try:
        return float(word)
    except ValueError:
        raise DataError(f"row {row} of {name}, column {column!r}: {word!r} is no number") from None


def filled(values: Numbers) -> Numbers:
    """Each gap takes the last value before it; one at the start stays: (T, D)."""
    known = np.isfinite(values)
    last = np.where(known, np.arange(len(values))[:, None], 0)
    return np.take_along_axis(values, np.maximum.accumulate(last, axis=0), axis=0)


def scale(train: Numbers) -> tuple[Numbers, Numbers]:
    """Mean and standard deviation (D,) of the values that there are; a constant column keeps 1."""
    deviation = np.nanstd(train, axis=0)
    return np.nanmean(train, axis=0), np.where(deviation > 0, deviation, 1.0)


class Cut(NamedTuple):
    """How windows are cut."""

    window: int
    horizon: int
    stride: int = 1
    relative: bool = False  # all values less the last known one of their window and column


def windows(
    series: TimeSeries, known: Numbers, asked: Sequence[int], part: range, how: Cut
) -> tuple[Split, int]:
    """Inputs (N, window, D) and targets (N, horizon * C) of a split, and how many were left out.

    ``known`` (T, D) is the series as it may be known; targets, of the columns ``asked``, lie in
    ``part``.
    """
    start, stop = max(part.start, how.window), part.stop - how.horizon + 1
    firsts = np.arange(start, stop, how.stride)  # of the targets
    inputs = known[firsts[:, None] + np.arange(-how.window, 0)]  # (N, window, D)
    targets = series.values[:, asked][firsts[:, None] + np.arange(how.horizon)]  # (N, horizon, C)
    if how.relative:
        last = inputs[:, -1:]  # (N, 1, D)
        inputs, targets = inputs - last, targets - last[..., asked]
    whole = np.isfinite(inputs).all(axis=(1, 2)) & np.isfinite(targets).all(axis=(1, 2))
    split = Split(
        torch.tensor(inputs[whole], dtype=torch.float32),
        torch.full((int(whole.sum()),), how.window),
        torch.tensor(targets[whole], dtype=torch.float32).flatten(1),
    )
    return split, int((~whole).sum())


def naive_error(train: Numbers, season: int) -> Numbers:
    """mean |y_t - y_{t-season}| (D,) over train, the unit of MASE (Hyndman and Koehler 2006).

    0 where a column never changes or has no two values a season apart.
    """
    errors = np.abs(train[season:] - train[:-season])
    known = np.isfinite(errors)
    total: Numbers = np.where(known, errors, 0).sum(axis=0) / known.sum(axis=0).clip(min=1)
    return total

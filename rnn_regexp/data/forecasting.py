"""What forecasts have in common: splits by time, scaling by train, windows and their horizon."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from rnn_regexp.data.partition import TEST, TRAIN, VALID
from rnn_regexp.data.sequences import DataError, Dataset, SequenceData
from rnn_regexp.data.table import place
from rnn_regexp.data.time_series import (
    Cut,
    Gaps,
    Numbers,
    TimeSeries,
    naive_error,
    scale,
    windows,
)
from rnn_regexp.fields import structural

Borders = Mapping[str, range]  # train, valid, test -> the steps that may be asked for


@dataclass
class Forecasting(Dataset):
    """A window of known steps -> the ``horizon`` steps behind it, of all columns or one.

    Inputs and targets are scaled to mean 0 and deviation 1, as measured in train. ``relative``
    ones are less the last known value of their window and column, for series that wander off
    (Zeng et al. 2023, NLinear). The naive forecast behind MASE is y_t = y_{t - season}, in train.
    """

    window: int = structural(96, "[1, inf)")  # known steps
    horizon: int = structural(24, "[1, inf)")  # steps that are asked for
    stride: int = structural(1, "[1, inf)")  # steps from one window of train to the next
    target: str | None = structural(None)  # the column that is asked for; None: all
    relative: bool = structural(False)  # to the last known value of each window
    season: int = structural(1, "[1, inf)")
    gaps: Gaps = structural(Gaps.refuse)

    task: ClassVar[str] = "forecast"

    def windowed(
        self, series: TimeSeries, borders: Borders, provenance: Mapping[str, str]
    ) -> SequenceData:
        """Scale and cut. Raises ``DataError`` for gaps and for a split shorter than its window."""
        asked = self._asked(series)
        self._check(series, borders)
        mean, deviation = scale(_of(series, borders[TRAIN]))  # (D,)
        scaled = series._replace(values=(series.values - mean) / deviation)
        known = scaled.without_gaps(self.gaps)
        cut = {
            split: windows(scaled, known, asked, part, self._cut(split))
            for split, part in borders.items()
        }
        for split, (found, _) in cut.items():
            if not len(found):
                raise DataError(f"dataset.gaps: each window of {split} in {series.name} has a gap")
        left_out = sum(lost for _, lost in cut.values())
        return SequenceData(
            cut[TRAIN][0],
            cut[VALID][0],
            cut[TEST][0],
            classes=(),
            provenance={**provenance, "windows_left_out": str(left_out)},
            task=self.task,
            constants={
                "naive": self._naive(scaled, borders[TRAIN], asked),
                "mean": torch.tensor(mean[asked]).float(),
                "deviation": torch.tensor(deviation[asked]).float(),
            },
        )

    def _asked(self, series: TimeSeries) -> list[int]:
        """The places of the columns that are asked for."""
        if self.target is None:
            return list(range(len(series.columns)))
        return [place("dataset.target", self.target, series.columns, series.name)]

    def _cut(self, split: str) -> Cut:
        stride = self.stride if split == TRAIN else 1
        return Cut(self.window, self.horizon, stride, self.relative)

    def _naive(self, scaled: TimeSeries, train: range, asked: list[int]) -> Tensor:
        """The naive forecast's mean absolute error for each output, (horizon * C,)."""
        naive = naive_error(_of(scaled, train), self.season)[asked]  # (C,)
        if not naive.all():
            column = scaled.columns[asked[int(naive.argmin())]]
            raise DataError(
                f"dataset.target: column {column!r} of {scaled.name} does not change over "
                f"dataset.season={self.season} steps of train: there is nothing to forecast"
            )
        return torch.tensor(np.tile(naive, self.horizon)).float()

    def _check(self, series: TimeSeries, borders: Borders) -> None:
        """Refuse splits that are too short. Raises ``DataError``."""
        for split, part in borders.items():
            needed = self.horizon + max(0, self.window - part.start)
            if len(part) < needed:
                raise DataError(
                    f"dataset.window={self.window} and dataset.horizon={self.horizon} need "
                    f"{needed} steps in {split}, {series.name} has {len(part)} there"
                )
        train = _of(series, borders[TRAIN])
        if len(train) <= self.season:
            raise DataError(
                f"dataset.season must be below the {len(train)} steps of train, got {self.season}"
            )
        for column, values in zip(series.columns, train.T, strict=True):
            if np.isfinite(values).sum() < 2:
                raise DataError(f"column {column!r} of {series.name} has no two numbers in train")


def _of(series: TimeSeries, part: range) -> Numbers:
    return series.values[part.start : part.stop]


def fractions(steps: int, valid: float, test: float) -> Borders:
    """Train first, then validation, then test."""
    tested = steps - round(test * steps)
    validated = tested - round(valid * steps)
    return {
        TRAIN: range(validated),
        VALID: range(validated, tested),
        TEST: range(tested, steps),
    }

"""What forecasts have in common: splits by time, scaling by train, windows and their horizon."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from rnn_regexp.data.sequences import DataError, Dataset, SequenceData
from rnn_regexp.data.table import place
from rnn_regexp.data.time_series import Gaps, TimeSeries, naive_error, scale, windows
from rnn_regexp.fields import structural

Borders = Mapping[str, range]  # train, valid, test -> the steps that may be asked for


@dataclass
class Forecasting(Dataset):
    """A window of known steps -> the ``horizon`` steps behind it, of all columns or one.

    Inputs and targets are scaled to mean 0 and deviation 1, as measured in train. The naive
    forecast behind MASE is y_t = y_{t - season}, one step ahead in train.
    """

    window: int = structural(96, "[1, inf)")  # known steps
    horizon: int = structural(24, "[1, inf)")  # steps that are asked for
    stride: int = structural(1, "[1, inf)")  # steps from one window of train to the next
    target: str | None = structural(None)  # the column that is asked for; None: all
    season: int = structural(1, "[1, inf)")
    gaps: Gaps = structural(Gaps.refuse)

    task: ClassVar[str] = "forecast"

    def windowed(
        self, series: TimeSeries, borders: Borders, provenance: Mapping[str, str]
    ) -> SequenceData:
        """Scale and cut. Raises ``DataError`` for gaps and for a split shorter than its window."""
        asked = self._asked(series)
        learned = series.values[borders["train"].start : borders["train"].stop]  # (T, D)
        self._check(series, borders)
        mean, deviation = scale(learned)  # (D,)
        scaled = series._replace(values=(series.values - mean) / deviation)
        known, targets = scaled.without_gaps(self.gaps), scaled.values[:, asked]
        naive = naive_error((learned - mean) / deviation, self.season)[asked]  # (C,)
        cut = {
            split: windows(known, targets, part, self.window, self.horizon, self._stride(split))
            for split, part in borders.items()
        }
        for split, (found, _) in cut.items():
            if not len(found):
                raise DataError(f"dataset.gaps: each window of {split} in {series.name} has a gap")
        constants = {
            "naive": np.tile(naive, self.horizon),  # (horizon * C,)
            "mean": mean[asked],
            "deviation": deviation[asked],
        }
        left_out = sum(lost for _, lost in cut.values())
        return SequenceData(
            *(cut[split][0] for split in ("train", "valid", "test")),
            classes=(),
            provenance={**provenance, "windows_left_out": str(left_out)},
            task=self.task,
            constants={name: torch.tensor(own).float() for name, own in constants.items()},
        )

    def _asked(self, series: TimeSeries) -> list[int]:
        """The places of the columns that are asked for."""
        if self.target is None:
            return list(range(len(series.columns)))
        return [place("dataset.target", self.target, series.columns, series.name)]

    def _stride(self, split: str) -> int:
        return self.stride if split == "train" else 1

    def _check(self, series: TimeSeries, borders: Borders) -> None:
        for split, part in borders.items():
            needed = self.horizon + max(0, self.window - part.start)
            if len(part) < needed:
                raise DataError(
                    f"dataset.window={self.window} and dataset.horizon={self.horizon} need "
                    f"{needed} steps in {split}, {series.name} has {len(part)} there"
                )
        train = series.values[borders["train"].start : borders["train"].stop]
        if len(train) <= self.season:
            raise DataError(
                f"dataset.season must be below the {len(train)} steps of train, got {self.season}"
            )
        _check_columns(train, series.columns, series.name)


def _check_columns(train: np.ndarray, columns: Sequence[str], name: str) -> None:
    for place_, column in enumerate(columns):
        if np.isfinite(train[:, place_]).sum() < 2:
            raise DataError(f"column {column!r} of {name} has no two numbers in train")


def fractions(steps: int, valid: float, test: float) -> Borders:
    """Train first, then validation, then test."""
    tested = steps - round(test * steps)
    validated = tested - round(valid * steps)
    return {
        "train": range(validated),
        "valid": range(validated, tested),
        "test": range(tested, steps),
    }

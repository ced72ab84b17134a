"""Sequences of feature vectors: padding, scaling, and what is held out of an official train split.

Series are told apart by a hash of their values, so splits do not depend on their order in a file.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.utils.rnn import pad_sequence

from rnn_regexp.data import partition
from rnn_regexp.data.partition import TEST, TRAIN, VALID, Row
from rnn_regexp.data.sequences import SequenceData, Split

Values = NDArray[np.floating]


class Series(NamedTuple):
    """T feature vectors and their class."""

    values: Values  # (T, D)
    label: str


def held_out(
    train: Sequence[Series], test: Sequence[Series], fraction: float
) -> dict[str, list[Series]]:
    """Official splits with a fraction of each class of ``train`` held out for validation.

    Equal series stay together. Where ``fraction`` is 0, nothing is held out and validation figures
    are those of the training split; the test split is never used for them.
    """
    parts = partition.draw(_rows(train), {VALID: fraction})
    splits = {split: [train[row.number] for row in rows] for split, rows in parts.items()}
    return {TRAIN: splits[TRAIN], VALID: splits[VALID] or splits[TRAIN], TEST: list(test)}


def feature_data(
    splits: Mapping[str, Sequence[Series]],
    provenance: Mapping[str, str],
    standardize: bool = False,
) -> SequenceData:
    """Pad ``train``, ``valid`` and ``test``; ``standardize`` by mean and deviation of ``train``."""
    mixed = {split: _mixed(series) for split, series in splits.items()}
    classes = sorted({series.label for series in mixed[TRAIN]})
    mean, deviation = scale(series.values for series in mixed[TRAIN]) if standardize else (0, 1)
    train, valid, test = (
        _padded(
            [Series((own.values - mean) / deviation, own.label) for own in mixed[split]], classes
        )
        for split in (TRAIN, VALID, TEST)
    )
    return SequenceData(
        train,
        valid,
        test,
        classes=tuple(classes),
        provenance={**provenance, "sequences_in_two_splits": str(_shared(splits))},
    )


def scale(series: Iterable[Values]) -> tuple[Values, Values]:
    """Mean and standard deviation (D,) of each feature over all steps; a constant one keeps 1."""
    steps = np.concatenate(list(series), dtype=np.float64)  # (sum of T, D)
    deviation = steps.std(axis=0)
    return steps.mean(axis=0), np.where(deviation > 0, deviation, 1.0)


def _padded(series: Sequence[Series], classes: Sequence[str]) -> Split:
    rows = [torch.tensor(own.values, dtype=torch.float32) for own in series]  # (T, D) each
    number = {label: place for place, label in enumerate(classes)}
    return Split(
        pad_sequence(rows, batch_first=True),  # (N, T, D)
        torch.tensor([len(row) for row in rows]),
        torch.tensor([number[own.label] for own in series]),
    )


def _rows(series: Iterable[Series]) -> list[Row]:
    return [Row(n, (_key(own),), own.label) for n, own in enumerate(series)]


def _key(series: Series) -> str:
    return hashlib.sha256(np.ascontiguousarray(series.values).tobytes()).hexdigest()


def _mixed(series: Sequence[Series]) -> list[Series]:
    return [series[row.number] for row in partition.mix(_rows(series))]


def _shared(splits: Mapping[str, Sequence[Series]]) -> int:
    """How many distinct series stand in more than one split; one that is also another counts 0."""
    apart = {split: _rows(part) for split, part in splits.items() if part is not splits[TRAIN]}
    return partition.shared({**apart, TRAIN: _rows(splits[TRAIN])})

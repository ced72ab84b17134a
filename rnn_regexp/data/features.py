"""Sequences of feature vectors: padding, scaling, and what is held out of an official train split.

Series are told apart by a hash of their values, so splits do not depend on their order in a file.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from rnn_regexp.data import partition
from rnn_regexp.data.partition import TEST, TRAIN, VALID, Row
from rnn_regexp.data.sequences import SequenceData, Split
from rnn_regexp.data.text import targets

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
    values = {split: [own.values for own in series] for split, series in mixed.items()}
    scaled = standardized(values) if standardize else values
    classes = sorted({own.label for own in mixed[TRAIN]})
    train, valid, test = (
        Split(*padded(scaled[split]), targets((own.label for own in mixed[split]), classes, split))
        for split in (TRAIN, VALID, TEST)
    )
    return SequenceData(
        train,
        valid,
        test,
        classes=tuple(classes),
        provenance={**provenance, "sequences_in_two_splits": str(_shared(splits))},
    )


def standardized(splits: Mapping[str, Sequence[Values]]) -> dict[str, list[Values]]:
    """Each feature less its mean, by its deviation, over all steps of ``train``.

    A feature that is constant there is only centred.
    """
    steps = np.concatenate(splits[TRAIN], dtype=np.float64)  # (sum of T, D)
    mean, deviation = steps.mean(axis=0), steps.std(axis=0)
    deviation = np.where(deviation > 0, deviation, 1.0)
    return {split: [(own - mean) / deviation for own in part] for split, part in splits.items()}


def padded(values: Iterable[Values]) -> tuple[Tensor, Tensor]:
    """Inputs (N, T, D), 0 behind a sequence's end, and lengths (N,)."""
    rows = [torch.tensor(own, dtype=torch.float32) for own in values]  # (T, D) each
    return pad_sequence(rows, batch_first=True), torch.tensor([len(row) for row in rows])


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

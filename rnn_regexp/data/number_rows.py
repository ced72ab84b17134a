"""The user's own sequences of numbers: rows of lists, checked, split, cut and padded."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from rnn_regexp.data import partition
from rnn_regexp.data.features import Series, Values, feature_data
from rnn_regexp.data.partition import Row
from rnn_regexp.data.sequences import DataError, SequenceData


class NumberRow(NamedTuple):
    """A sequence as its file holds it, its row counted from 1, its class and its split."""

    number: int
    values: Any  # T numbers, or T lists of D numbers
    label: Any
    split: str | None = None  # None: drawn


def number_data(
    rows: Iterable[NumberRow],
    fractions: Mapping[str, float],
    max_length: int,
    standardize: bool,
    name: str,
    provenance: Mapping[str, str],
) -> SequenceData:
    """Split, cut behind ``max_length`` steps, scale and pad the rows of the file ``name``.

    Raises ``DataError`` with the row at fault: no step, no number, another number of features.
    """
    keyed, words = [], []
    for row in rows:
        keyed.append(_keyed(row, name))
        words.append(row.split)
    _check_features(keyed, name)
    named = None if None in words else [str(word) for word in words]
    splits = partition.chosen(keyed, named, fractions, name)
    partition.check(splits, name)
    cut = {
        split: [Series(row.item[:max_length], row.label) for row in own]
        for split, own in splits.items()
    }
    longer = sum(len(row.item) > max_length for row in keyed)
    return feature_data(cut, {**provenance, "truncated_sequences": str(longer)}, standardize)


def _keyed(row: NumberRow, name: str) -> Row:
    """The row with its values (T, D), told from others by them."""
    where = f"row {row.number} of {name}"
    if row.label is None or not str(row.label).strip():
        raise DataError(f"dataset.label_column: {where} has no label")
    values = values_of(row.values, where)
    key = hashlib.sha256(values.tobytes()).hexdigest()
    return Row(row.number, (key,), str(row.label).strip(), values)


def values_of(raw: Any, where: str) -> Values:
    """The features (T, D) of a list. Raises ``DataError``."""
    if raw is None or (hasattr(raw, "__len__") and not len(raw)):
        raise DataError(f"{where} has no step: a sequence has at least one")
    try:
        values = np.asarray(raw, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError(f"{where} is no list of numbers, nor of lists of one length") from None
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim != 2 or not values.shape[1]:
        raise DataError(f"{where} is no list of numbers, nor of lists of one length")
    if not np.isfinite(values).all():
        step, feature = (int(at) for at in np.argwhere(~np.isfinite(values))[0])
        at = f"step {step + 1}, feature {feature + 1}"
        raise DataError(f"{where}, {at}: {values[step, feature]} is no finite number")
    return values.astype(np.float32)


def _check_features(rows: Sequence[Row], name: str) -> None:
    if not rows:
        raise DataError(f"dataset.path: {name} has no rows")
    for row in rows:
        if row.item.shape[1] != rows[0].item.shape[1]:
            here, first = (f"{own.item.shape[1]} features" for own in (row, rows[0]))
            raise DataError(
                f"row {row.number} of {name} has {here}, row {rows[0].number} has {first}"
            )

"""Sequences of letters (DNA, proteins, names) as token ids: one step a letter."""

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from rnn_regexp.data.partition import TEST, TRAIN, VALID, Row, Splits, mix, shared
from rnn_regexp.data.sequences import SequenceData, Split
from rnn_regexp.data.text import targets

BASES = "ACGT"
AMINO_ACIDS = "ACDEFGHIKLMNPQRSTVWY"
SPECIALS = ("<pad>", "<unk>")
UNKNOWN = SPECIALS.index("<unk>")


def letter_rows(pairs: Iterable[tuple[str, str]]) -> list[Row]:
    """Sequences with their labels as rows whose tokens are letters."""
    return [Row(number, tuple(letters), label) for number, (letters, label) in enumerate(pairs)]


def letter_data(
    splits: Splits, alphabet: Sequence[str], max_length: int, provenance: Mapping[str, str]
) -> SequenceData:
    """Encode ``train``, ``valid`` and ``test``; a letter outside ``alphabet`` is <unk>.

    Sequences are cut behind ``max_length`` letters. ``provenance`` counts both.
    """
    classes = sorted({row.label for row in splits[TRAIN]})
    ids = places(alphabet)
    every = [row for rows in splits.values() for row in rows]
    counts = {
        "truncated_sequences": sum(len(row.tokens) > max_length for row in every),
        "unknown_letters": sum(letter not in ids for row in every for letter in row.tokens),
        "sequences_in_two_splits": shared(splits),
    }
    train, valid, test = (
        _labelled(split, mix(splits[split]), ids, classes, max_length)
        for split in (TRAIN, VALID, TEST)
    )
    return SequenceData(
        train,
        valid,
        test,
        classes=tuple(classes),
        vocabulary=(*SPECIALS, *alphabet),
        provenance={**provenance, **{name: str(count) for name, count in counts.items()}},
    )


def places(alphabet: Sequence[str]) -> dict[str, int]:
    """The token id of each letter."""
    return {letter: number for number, letter in enumerate(alphabet, len(SPECIALS))}


def encoded(words: Iterable[Sequence[str]], ids: Mapping[str, int]) -> tuple[Tensor, Tensor]:
    """Inputs (N, T), 0 behind a sequence's end, and lengths (N,)."""
    rows = [torch.tensor([ids.get(letter, UNKNOWN) for letter in word]) for word in words]
    return pad_sequence(rows, batch_first=True), torch.tensor([len(row) for row in rows])


def _labelled(
    split: str,
    rows: Sequence[Row],
    ids: Mapping[str, int],
    classes: Sequence[str],
    max_length: int,
) -> Split:
    cut = (row.tokens[:max_length] for row in rows)
    return Split(*encoded(cut, ids), targets((row.label for row in rows), classes, split))

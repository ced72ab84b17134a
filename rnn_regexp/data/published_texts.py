"""Published sets of labelled texts, with their official splits, what leaks across them removed.

Two texts are one if they share their words, whatever their case and marks. A training text that
stands in test, or in an official validation split, is left out, and so is a validation text that
stands in test; how many is recorded. The test split stays as published.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from rnn_regexp.data import encoded, partition
from rnn_regexp.data.files import FileDataset, Present, provenance
from rnn_regexp.data.partition import TEST, TRAIN, VALID
from rnn_regexp.data.sequences import DataError, SequenceData
from rnn_regexp.data.text_settings import Labelled, TextSettings
from rnn_regexp.fields import VOLATILE, plain, structural

Texts = dict[str, list[Labelled]]


@dataclass
class PublishedTexts(TextSettings, FileDataset):
    """Text -> class, for sets with an official test split."""

    examples: int | None = structural(None, "[2, inf)")  # training texts, classes in equal parts
    valid_fraction: float = structural(0.1, "(0, 1)")  # of train, where no split is official

    def load(self) -> SequenceData:
        """Read and encode the texts; the first time takes seconds, then it is cached.

        Raises ``DataError`` with one line for each file that is missing or wrong.
        """
        found = self.present()
        key = (plain(self, without=(VOLATILE,)), [own.sha256 for own in found.values()])
        return encoded.kept((*key, self.named_files()), lambda: self._encode(found))

    def read(self, found: Mapping[str, Present]) -> Texts:
        """The official splits ``train``, perhaps ``valid``, and ``test``, as they are published."""
        raise NotImplementedError

    def _encode(self, found: Mapping[str, Present]) -> SequenceData:
        official = self.read(found)
        splits, left_out = separate(official, self.valid_fraction)
        if self.examples is not None:
            if self.examples > len(splits[TRAIN]):
                most = len(splits[TRAIN])
                raise DataError(f"dataset.examples must be at most {most}, got {self.examples}")
            splits[TRAIN] = splits[TRAIN][: self.examples]
        told = {**provenance(found.values()), "texts_in_two_splits_left_out": str(left_out)}
        return self.encode(splits, told)


def separate(official: Texts, valid_fraction: float) -> tuple[Texts, int]:
    """Splits without a common text, in hash order, and how many rows were left out for that."""
    splits: partition.Splits = {}
    seen: set[tuple[str, ...]] = set()
    for split in (TEST, VALID, TRAIN):
        rows = [own.row() for own in official.get(split, [])]
        splits[split] = rows if split == TEST else [row for row in rows if row.tokens not in seen]
        seen |= {row.tokens for row in splits[split]}
    left_out = sum(len(rows) - len(splits[split]) for split, rows in official.items())
    if VALID not in official:
        splits |= partition.draw(splits[TRAIN], {VALID: valid_fraction})
    mixed = {split: partition.mix(splits[split]) for split in (TRAIN, VALID, TEST)}
    return {split: [row.item for row in rows] for split, rows in mixed.items()}, left_out

"""Rows into train, valid and test: by a column of the file or by fractions."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from rnn_regexp.data.rank import interleave, rank
from rnn_regexp.data.sequences import DataError

TRAIN, VALID, TEST = "train", "valid", "test"
SYNONYMS = {"training": TRAIN, "validation": VALID, "val": VALID, "dev": VALID, "testing": TEST}


class Row(NamedTuple):
    """A labelled text and the row of the file it stands in, as an editor counts them."""

    number: int
    tokens: tuple[str, ...]  # or a hash of what makes two rows one
    label: str
    item: Any = None  # what the row is about, where tokens are a hash


Splits = dict[str, list[Row]]


def named(rows: Iterable[tuple[Row, str]], name: str) -> Splits:
    """Each row in the split it names. Raises ``DataError`` for another word than is allowed."""
    splits: Splits = {TRAIN: [], VALID: [], TEST: []}
    for row, word in rows:
        split = SYNONYMS.get(word.lower(), word.lower())
        if split not in splits:
            raise DataError(
                f"dataset.split_column: row {row.number} of {name} says {word!r}; allowed are "
                "train (or training), valid (or validation, val, dev), test (or testing)"
            )
        splits[split].append(row)
    return splits


def draw(rows: Iterable[Row], fractions: Mapping[str, float]) -> Splits:
    """Draw a fraction of each class for each split named; what is left is ``train``.

    Rows with the same tokens go together. Which ones are drawn depends on their tokens alone, not
    on their place in the file.
    """
    alike: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in rows:
        alike[row.tokens].append(row)
    classes: dict[str, list[list[Row]]] = defaultdict(list)
    for group in sorted(alike.values(), key=lambda group: rank(*group[0].tokens)):
        classes[min(row.label for row in group)].append(group)
    splits: Splits = {split: [] for split in (TRAIN, *fractions)}
    for groups in classes.values():
        start = 0
        for split, fraction in fractions.items():
            stop = start + round(fraction * len(groups))
            splits[split] += [row for group in groups[start:stop] for row in group]
            start = stop
        splits[TRAIN] += [row for group in groups[start:] for row in group]
    return splits


def chosen(
    rows: Sequence[Row], words: Sequence[str] | None, fractions: Mapping[str, float], name: str
) -> Splits:
    """Rows in the splits that ``words`` name; a split that is never named is drawn from train."""
    if words is None:
        return draw(rows, fractions)
    splits = named(zip(rows, words, strict=True), name)
    missing = {split: part for split, part in fractions.items() if not splits[split]}
    return {**splits, **draw(splits[TRAIN], missing)}


def check_fractions(valid: float, test: float) -> None:
    """Refuse fractions that leave nothing for train. Raises ``DataError``."""
    if valid + test >= 1:
        raise DataError(
            "dataset.valid_fraction + dataset.test_fraction must be below 1, "
            f"got {valid:g} + {test:g}"
        )


def shared(splits: Splits) -> int:
    """How many distinct texts stand in more than one split."""
    places = Counter(text for rows in splits.values() for text in {row.tokens for row in rows})
    return sum(count > 1 for count in places.values())


def mix(rows: Iterable[Row]) -> list[Row]:
    """The rows in hash order, the first of each class at the front, however the file is sorted."""
    return interleave(rows, lambda row: rank(*row.tokens, row.label), lambda row: row.label)


def check(splits: Splits, name: str) -> None:
    """Refuse splits that no classifier can be trained and judged on. Raises ``DataError``."""
    labels = {row.label for rows in splits.values() for row in rows}
    if len(labels) == 1:
        raise DataError(
            f"dataset.label_column: {name} has only the class {labels.pop()!r}; "
            "a classifier needs two or more"
        )
    for split in (TRAIN, VALID, TEST):
        if not splits[split]:
            key = "path" if split == TRAIN else f"{split}_fraction"
            raise DataError(f"dataset.{key}: {name} has too few rows, none is left for {split}")
    learned = {row.label for row in splits[TRAIN]}
    for split in (VALID, TEST):
        for row in splits[split]:
            if row.label not in learned:
                raise DataError(
                    f"dataset.label_column: the class {row.label!r} in row {row.number} of {name} "
                    f"occurs in {split} and never in train"
                )

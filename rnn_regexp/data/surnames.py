"""Surnames by language, a letter at a time: the classical task of character-level classifiers."""

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from rnn_regexp.data import installed
from rnn_regexp.data.letters import letter_data, letter_rows
from rnn_regexp.data.partition import TEST, TRAIN, VALID, draw
from rnn_regexp.data.sequences import DataError, Dataset, SequenceData
from rnn_regexp.fields import structural

# Languages with 150 names or more, in Latin letters: other scripts give themselves away.
LANGUAGES = ("cs da de en fi fr hr hu is it nl no pl sv tr").split()
MARKS = " -'’"


@dataclass
class Surnames(Dataset):
    """Surname -> language, one of 15 in Latin letters, as listed by mimesis.

    A name found in two languages is left out, and so is one with other marks than hyphen, blank
    and apostrophe (a few are garbled). Where women's and men's forms are listed, men's are taken:
    the pair would cross the splits.
    """

    valid_fraction: float = structural(0.15, "(0, 0.5)")
    test_fraction: float = structural(0.15, "(0, 0.5)")
    max_length: int = structural(30, "[1, inf)")  # letters kept of a name; the longest has 26

    package: ClassVar[str] = "mimesis"
    source: ClassVar[str] = "lists of mimesis, extra [data]"

    def load(self) -> SequenceData:
        """Read, split and encode the names. Raises ``DataError`` if mimesis is missing."""
        root, version = installed.folder("mimesis", "surnames")
        names = {language: read(root, language) for language in LANGUAGES}
        pairs = unambiguous(names)
        splits = draw(letter_rows(pairs), {TEST: self.test_fraction, VALID: self.valid_fraction})
        alphabet = sorted({letter for row in splits[TRAIN] for letter in row.tokens})
        left_out = sum(map(len, names.values())) - len(pairs)
        provenance = {"mimesis": version, "names_left_out": str(left_out)}
        return letter_data(splits, alphabet, self.max_length, provenance)


def read(root: Path, language: str) -> list[str]:
    """The surnames of a language, each once. Raises ``DataError`` for an unknown layout."""
    path = root / "datasets" / language / "person.json"
    try:
        names = json.loads(path.read_text(encoding="utf-8"))["surnames"]
        return sorted(set(names["male"] if isinstance(names, dict) else names))
    except (OSError, ValueError, KeyError) as error:
        raise DataError(
            f"dataset=surnames: this version of mimesis keeps no surnames in {path} ({error!r})"
        ) from None


def unambiguous(names: dict[str, list[str]]) -> list[tuple[str, str]]:
    """Names of one language alone, with it; capitals do not tell names apart."""
    places = defaultdict(set)
    for language, own in names.items():
        for name in own:
            places[name.casefold()].add((name, language))
    alone = (next(iter(same)) for same in places.values() if len(same) == 1)
    return sorted((name, language) for name, language in alone if _readable(name))


def _readable(name: Iterable[str]) -> bool:
    return all(letter.isalpha() or letter in MARKS for letter in name)

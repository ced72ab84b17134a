"""Multi30k: 31,014 descriptions of photographs in English and German, sentence by sentence.

Elliott et al. 2016, Multi30K: Multilingual English-German Image Descriptions; raw text, test 2016.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import ClassVar

from rnn_regexp.data.files import Present
from rnn_regexp.data.parallel_texts import parallel
from rnn_regexp.data.partition import TEST, TRAIN, VALID
from rnn_regexp.data.published import DataFile
from rnn_regexp.data.published_texts import PublishedTexts, Texts
from rnn_regexp.data.sequences import DataError, SequenceData
from rnn_regexp.data.text_settings import Labelled, TextSettings
from rnn_regexp.fields import structural

FOLDER = (
    "https://raw.githubusercontent.com/multi30k/dataset/"
    "a3d2e0d26b56f3846f66a952536ffed4e401d05a/data/task1/raw"
)
LICENCE = "non-commercial research and educational use (Flickr30k)"
PARTS = {TRAIN: "train", VALID: "val", TEST: "test_2016_flickr"}
FILES = tuple(
    DataFile(f"multi30k/{name}", f"{FOLDER}/{name}.gz", (f"sha256:{sha256}",), size)
    for name, sha256, size in (
        ("train.en", "460a15fbd157e34a7a9957ee388c1ca247fe47af3ef25fb50442af6c274e0fc6", 1801238),
        ("train.de", "2c2b73fd2b548fbcde3a875e0a78d6ee94d498bfdee6bd3eae3945779e9ddf72", 2110398),
        ("val.en", "1f2a23d992769b5b3d209b0a10dd0b77c08cceb1f20dfb97ed0aafa49d107227", 63297),
        ("val.de", "660e09eb7e1da2f856ea13ee5ad3cf6d36b3d5b0b733c857e94c5747a3dfc660", 75981),
        (
            "test_2016_flickr.en",
            "399a4382932c1aadd3ceb9bef1008d388a64c76d4ae4e9d4728c6f4301cac182",
            62076,
        ),
        (
            "test_2016_flickr.de",
            "4be6b5b3236b79c25475c6bb829800a7ce559e9ba7a1f6c2394fe4d40be46d16",
            70649,
        ),
    )
)


class Direction(Enum):
    """From which language into which."""

    en_de = "en_de"
    de_en = "de_en"


@dataclass
class Multi30k(PublishedTexts):
    """English description of a photograph -> German, or the reverse: 29,000 pairs to learn from.

    1,014 are for validation, 1,000 for test; a training pair whose source stands there is left
    out.  Either language has a vocabulary of its own, of at most ``vocabulary`` tokens.
    ``vectors`` are the source's.
    """

    direction: Direction = structural(Direction.en_de)
    beam: int = structural(1, "[1, inf)")  # hypotheses of a search; 1: greedy
    length_normalization: float = structural(0.0, "[0, inf)")  # alpha of Wu et al. 2016
    vocabulary: int = structural(8000, "[3, inf)")
    max_length: int = structural(50, "[1, inf)")

    task: ClassVar[str] = "translate"
    source: ClassVar[str] = "Multi30k, task 1 (Elliott et al. 2016), test 2016"
    licence: ClassVar[str] = LICENCE
    published: ClassVar[tuple[DataFile, ...]] = FILES

    def read(self, found: Mapping[str, Present]) -> Texts:
        languages = self.direction.name.split("_")
        return {
            split: [
                Labelled(f"row {row} of multi30k/{name}", left, right)
                for row, (left, right) in enumerate(pairs(found, split, *languages), start=1)
            ]
            for split, name in PARTS.items()
        }

    def encode(
        self, splits: Mapping[str, Sequence[Labelled]], provenance: Mapping[str, str]
    ) -> SequenceData:
        """Both languages, each with tokens and vocabulary of its own train split."""
        sides = self.direction.name.split("_")
        source = TextSettings.encode(self, _side(splits, sides[0], "text"), {})
        plain = replace(self, vectors=None)
        target = TextSettings.encode(plain, _side(splits, sides[1], "label"), {})
        told = {
            f"{language}_{key}": value
            for language, own in zip(sides, (source, target), strict=True)
            for key, value in own.provenance.items()
        }
        return parallel(
            source,
            target,
            {name: [own.label for own in rows] for name, rows in splits.items()},
            {**provenance, **told},
            beam=self.beam,
            length_normalization=self.length_normalization,
        )


def _side(
    splits: Mapping[str, Sequence[Labelled]], language: str, field: str
) -> dict[str, list[Labelled]]:
    """The texts of one language, all of one class: here a translation is no label."""
    return {
        name: [Labelled(f"{own.where}.{language}", getattr(own, field), "") for own in rows]
        for name, rows in splits.items()
    }


def pairs(
    found: Mapping[str, Present], split: str, source: str, target: str
) -> list[tuple[str, str]]:
    """The sentences of a split in two of the languages ``en`` and ``de``.

    Raises ``DataError`` if one file has more lines than the other.
    """
    files = [found[f"{PARTS[split]}.{language}"] for language in (source, target)]
    left, right = (file.text().strip("\n").split("\n") for file in files)
    if len(left) != len(right):
        names = " and ".join(file.file.name for file in files)
        raise DataError(f"{names} have {len(left)} and {len(right)} lines: they are no pairs")
    return list(zip(left, right, strict=True))

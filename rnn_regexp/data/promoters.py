"""Promoters: does transcription of a gene start here? Bacteria and thale cress."""

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import groupby
from pathlib import Path
from typing import BinaryIO, ClassVar

from rnn_regexp.data.archives import members
from rnn_regexp.data.drawn_letters import DrawnLetters
from rnn_regexp.data.published import DataFile
from rnn_regexp.fields import structural

LABELS = {"+": "promoter", "1": "promoter", "-": "other", "0": "other"}
CNNPROM = (
    "https://github.com/solovictor/CNNPromoterData/archive/"
    "b4d2949e9bc5206f3049b35a488b036125ccc653.tar.gz"
)


class Genome(Enum):
    """The set and its file."""

    uci = "promoters"  # E. coli, 53 and 53 of 57 bases
    ecoli = "cnnprom_ecoli"  # 839 and 3,000 of 81 bases
    arabidopsis = "cnnprom_arabidopsis_tata"  # 1,497 and 2,879 of 251 bases, TATA promoters


def tidy(published: Path, content: BinaryIO) -> None:
    """UCI's file with a header and without the tabs before its sequences."""
    content.write(b"label,name,sequence\n")
    with published.open(encoding="utf-8", newline="") as stream:
        for row in csv.reader(stream):
            content.write((",".join(field.strip() for field in row) + "\n").encode())


def flatten(promoters: str, others: str) -> Callable[[Path, BinaryIO], None]:
    """``unpack`` of two FASTA files of an archive: rows of ``label,sequence``."""

    def unpack(archive: Path, content: BinaryIO) -> None:
        found = {name.rpartition("/")[2]: data for name, data in members(archive, "*.fa")}
        content.write(b"label,sequence\n")
        for label, name in (("1", promoters), ("0", others)):
            for sequence in fasta(found[name].decode("ascii")):
                content.write(f"{label},{sequence}\n".encode())

    return unpack


def fasta(text: str) -> Iterator[str]:
    """The sequences of a FASTA file, each of which may run over several lines."""
    lines = (line.strip() for line in text.splitlines())
    for is_title, part in groupby((line for line in lines if line), lambda line: line[0] == ">"):
        if not is_title:
            yield "".join(part)


def _cnnprom(name: str, promoters: str, others: str, sha256: str, size: int) -> DataFile:
    unpack = flatten(promoters, others)
    return DataFile(f"promoters/{name}.csv", CNNPROM, (f"sha256:{sha256}",), size, unpack)


@dataclass
class Promoters(DrawnLetters):
    """57, 81 or 251 bases -> promoter or other, by ``dataset.genome``.

    UCI's others are windows of one piece of phage DNA, most of which overlap their neighbours; so
    do some promoters of E. coli. Overlapping ones may cross the splits, as in published protocols.

    Source: ``uci``: Towell, Shavlik and Noordewier 1990, UCI 67. Else: Umarov and Solovyev 2017,
    "Recognition of prokaryotic and eukaryotic promoters using convolutional ... networks".
    """

    genome: Genome = structural(Genome.ecoli)

    source: ClassVar[str] = "Umarov & Solovyev 2017; UCI 67: dataset.genome=ecoli"
    licence: ClassVar[str] = "uci: CC BY 4.0 at UCI; ecoli, arabidopsis: none stated, for research"
    published: ClassVar[tuple[DataFile, ...]] = (
        DataFile(
            "promoters/promoters.csv",
            "https://raw.githubusercontent.com/farhan-137/dna-promoter-classifier/"
            "585478d4bcbeb8a6293f777d9d1abfae91c6db59/data/promoters.data",
            ("sha256:6cc277db7baee928753a9dda32dfb715cd4fba7cad61f3e73ce6b54978795542",),
            6922,
            unpack=tidy,
        ),
        _cnnprom(
            "cnnprom_ecoli",
            "Ecoli_prom.fa",
            "Ecoli_non_prom.fa",
            "ae8d838b993da181713e08001824b8cdd339e74b733d0a9567d405cbe163a940",
            322491,
        ),
        _cnnprom(
            "cnnprom_arabidopsis_tata",
            "Arabidopsis_tata.fa",
            "Arabidopsis_non_prom.fa",
            "138a5980ce1c0b640b9b4d8d3107414f11fcc2bc5d9c4641bca24b673b97cb35",
            1111519,
        ),
    )

    def files(self) -> Sequence[DataFile]:
        return [f for f in self.published if f.name == f"promoters/{self.genome.value}.csv"]

    def pairs(self, text: str) -> Iterator[tuple[str, str]]:
        for sequence, label in super().pairs(text):
            yield sequence, LABELS[label]

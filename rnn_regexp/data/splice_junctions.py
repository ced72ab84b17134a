"""Primate splice junctions: does an exon end, begin, or neither, in the middle of 60 bases?"""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, ClassVar

from rnn_regexp.data.drawn_letters import DrawnLetters
from rnn_regexp.data.published import DataFile


def tidy(published: Path, content: BinaryIO) -> None:
    """The published CSV file without the blanks that pad its columns."""
    content.write(b"label,name,sequence\n")
    with published.open(encoding="utf-8", newline="") as stream:
        for row in list(csv.reader(stream))[1:]:
            content.write((",".join(field.strip() for field in row) + "\n").encode())


@dataclass
class SpliceJunctions(DrawnLetters):
    """60 bases -> EI (donor, 767), IE (acceptor, 768) or N (neither, 1,655).

    185 of the 3,190 sequences repeat another one, so they are drawn by their bases; one stands in
    two classes. 15 hold letters for uncertain bases: N, D, R, S.

    Source: Noordewier, Towell and Shavlik 1991, UCI 69 (from GenBank 64.1).
    """

    source: ClassVar[str] = "UCI 69 (Noordewier, Towell & Shavlik 1991)"
    licence: ClassVar[str] = "CC BY 4.0 at UCI"
    published: ClassVar[tuple[DataFile, ...]] = (
        DataFile(
            "splice/splice.csv",
            "https://raw.githubusercontent.com/pauldhein/splice-junction-detector/"
            "715e34e0c271c2c000fdbd54279b91a8b7b801a4/data/splice.csv",
            ("sha256:c1f5b3c33a1c201bf55012bd602105d50d6de2dcb8324f565f7a84012d99e58e",),
            263668,
            unpack=tidy,
        ),
    )

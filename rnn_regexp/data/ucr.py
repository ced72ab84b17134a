"""Short sets of the UCR and UEA archive, the yardstick of time series classification."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from rnn_regexp.data.archive_series import ArchiveSeries, parts
from rnn_regexp.data.published import DataFile
from rnn_regexp.fields import structural


class UcrSet(Enum):
    """Train and test series, channels, steps, classes."""

    GunPoint = "50 and 150, 1, 150, 2"
    ArrowHead = "36 and 175, 1, 251, 3"
    ItalyPowerDemand = "67 and 1,029, 1, 24, 2"
    BasicMotions = "40 and 40, 6, 100, 4"


@dataclass
class Ucr(ArchiveSeries):
    """A series of 24 to 251 steps -> its class, by ``dataset.problem``; official splits.

    Source: Dau et al. 2019, the UCR time series archive; Bagnall et al. 2018, the UEA archive.
    """

    problem: UcrSet = structural(UcrSet.GunPoint)

    source: ClassVar[str] = "UCR and UEA archive, from files or sktime: dataset.problem=GunPoint"
    published: ClassVar[tuple[DataFile, ...]] = (
        *parts(
            "ucr",
            "GunPoint",
            ("sha256:f842401779fd9800d247d8b33121a1a4643710a19b24917dbdd9a060ca8630d5", 84188),
            ("sha256:79332750788a6227b325b96bd0d70130c8eb707b9731f8d7dec62b7a7d36017e", 252305),
        ),
        *parts(
            "ucr",
            "ArrowHead",
            ("sha256:a83c470aaf611a5f5284377cce27a5fc9f6292bc3d110257b0fd4905ced5ee72", 100357),
            ("sha256:5417dab42626d41df5e435bb22458c2df40dfad4bcd3b59559bbe72e20e84904", 484894),
        ),
        *parts(
            "ucr",
            "ItalyPowerDemand",
            ("sha256:341269cb7e6cef96846b30e774580beec79addb93848ba360145219115a74b7c", 18300),
            ("sha256:26122451f87dd0387ef90b18bc8a86c041371b8a1c068004922b939971247144", 274054),
        ),
        *parts(
            "ucr",
            "BasicMotions",
            ("sha256:8dc43cc6306cb679c888c01e26f91772ac4441a916da43bac8b79734a538b9d6", 227790),
            ("sha256:79213102bc6fca1a398ad98ce1185dff0208fa3d1465e687f48288946b0ff8dc", 227713),
        ),
    )

    def files(self) -> Sequence[DataFile]:
        return [
            file for file in self.published if file.name.startswith(f"ucr/{self.problem.name}_")
        ]

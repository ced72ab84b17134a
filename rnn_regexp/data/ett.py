"""Electricity transformer temperature, the standard set of multivariate forecasting."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from rnn_regexp.data import files
from rnn_regexp.data.files import FileDataset
from rnn_regexp.data.forecasting import Forecasting
from rnn_regexp.data.published import DataFile
from rnn_regexp.data.sequences import SequenceData
from rnn_regexp.data.table import records
from rnn_regexp.data.time_series import numbers
from rnn_regexp.fields import structural

MONTH = 30 * 24  # hours
COLUMNS = ("HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT")
BORDERS = {
    "train": range(12 * MONTH),
    "valid": range(12 * MONTH, 16 * MONTH),
    "test": range(16 * MONTH, 20 * MONTH),
}
PUBLISHED = (
    "https://raw.githubusercontent.com/zhouhaoyi/ETDataset/"
    "1d16c8f4f943005d613b5bc962e9eeb06058cf07/ETT-small"
)


class Station(Enum):
    """Which transformer station, an hour a step."""

    ETTh1 = "ETTh1"
    ETTh2 = "ETTh2"


def _file(name: str, sha256: str, size: int) -> DataFile:
    return DataFile(f"ett/{name}.csv", f"{PUBLISHED}/{name}.csv", (f"sha256:{sha256}",), size)


@dataclass
class Ett(FileDataset, Forecasting):
    """Six loads and the oil temperature (OT), hourly -> their next hours; 17,420 hours.

    Train, validation and test are 12, 4 and 4 months of 30 days, as in the paper; the last 3,020
    hours are not used. Source: Zhou et al. 2021, Informer.
    """

    station: Station = structural(Station.ETTh1)
    season: int = structural(24, "[1, inf)")

    source: ClassVar[str] = "Zhou et al. 2021 (Informer): dataset.station=ETTh1"
    licence: ClassVar[str] = "CC BY-ND 4.0"
    published: ClassVar[tuple[DataFile, ...]] = (
        _file("ETTh1", "f18de3ad269cef59bb07b5438d79bb3042d3be49bdeecf01c1cd6d29695ee066", 2589657),
        _file("ETTh2", "a3dc2c597b9218c7ce1cd55eb77b283fd459a1d09d753063f944967dd6b9218b", 2417960),
    )

    def files(self) -> Sequence[DataFile]:
        return [file for file in self.published if self.station.name in file.name]

    def load(self) -> SequenceData:
        (found,) = self.present().values()
        series = numbers(found.path.name, records(found.text(), found.path.name), COLUMNS)
        return self.windowed(series, BORDERS, files.provenance([found]))

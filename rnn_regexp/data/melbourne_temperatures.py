"""The coldest temperature of each day in Melbourne, 1981 to 1990."""

from dataclasses import dataclass
from typing import ClassVar

from rnn_regexp.data import files
from rnn_regexp.data.files import FileDataset
from rnn_regexp.data.forecasting import Forecasting
from rnn_regexp.data.published import DataFile
from rnn_regexp.data.sequences import SequenceData
from rnn_regexp.data.table import records
from rnn_regexp.data.time_series import numbers
from rnn_regexp.fields import structural

YEAR = 365  # the two leap days are left out where it is published
BORDERS = {
    "train": range(8 * YEAR),
    "valid": range(8 * YEAR, 9 * YEAR),
    "test": range(9 * YEAR, 10 * YEAR),
}


@dataclass
class MelbourneTemperatures(FileDataset, Forecasting):
    """Daily minimum temperature -> that of the next days; 3,650 days.

    Train is 1981 to 1988, validation 1989, test 1990. Source: Australian Bureau of Meteorology, in
    the Time Series Data Library.
    """

    window: int = structural(60, "[1, inf)")
    horizon: int = structural(7, "[1, inf)")

    source: ClassVar[str] = "Australian Bureau of Meteorology"
    licence: ClassVar[str] = "none stated"
    published: ClassVar[tuple[DataFile, ...]] = (
        DataFile(
            "weather/daily-min-temperatures.csv",
            "https://raw.githubusercontent.com/jbrownlee/Datasets/"
            "d20fcb6402ae34e653d4513b00f39257bb37ed7f/daily-min-temperatures.csv",
            ("sha256:8b9de63ed6789492bf497625e7f9beb96a63d367b4b0a21754006f749fa5e5da",),
            67921,
        ),
    )

    def load(self) -> SequenceData:
        (found,) = self.present().values()
        series = numbers(found.path.name, records(found.text(), found.path.name), ["Temp"])
        return self.windowed(series, BORDERS, files.provenance([found]))

"""Fine dust in the air of Beijing, with the weather, hour by hour."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from rnn_regexp.data import files
from rnn_regexp.data.files import FileDataset
from rnn_regexp.data.forecasting import Forecasting
from rnn_regexp.data.published import DataFile
from rnn_regexp.data.sequences import SequenceData
from rnn_regexp.data.table import records
from rnn_regexp.data.time_series import Gaps, TimeSeries, numbers
from rnn_regexp.fields import structural

COLUMNS = ("pm2.5", "DEWP", "TEMP", "PRES", "Iws", "Is", "Ir")
WINDS = ("NW", "NE", "SE", "cv")  # of the column cbwd; cv: calm and variable
HOURS = 365 * 24
BORDERS = {  # 2010 to 2012, of which the last has a leap day; 2013; 2014
    "train": range(3 * HOURS + 24),
    "valid": range(3 * HOURS + 24, 4 * HOURS + 24),
    "test": range(4 * HOURS + 24, 5 * HOURS + 24),
}


@dataclass
class BeijingPm25(FileDataset, Forecasting):
    """PM2.5, six measures of weather and the wind's direction -> PM2.5 of the next hours.

    43,824 hours; train is 2010 to 2012, validation 2013, test 2014. PM2.5 is missing in 2,067
    hours: where it is known, the last value is carried on, and no missing value is asked for.
    The direction of the wind becomes four columns of 0 and 1. Source: Liang et al. 2015, UCI 381.
    """

    window: int = structural(48, "[1, inf)")
    horizon: int = structural(12, "[1, inf)")
    target: str | None = structural("pm2.5")
    gaps: Gaps = structural(Gaps.fill)

    source: ClassVar[str] = "UCI 381 (Liang et al. 2015)"
    licence: ClassVar[str] = "CC BY 4.0 at UCI"
    published: ClassVar[tuple[DataFile, ...]] = (
        DataFile(
            "weather/beijing_pm25.csv",
            "https://raw.githubusercontent.com/jbrownlee/Datasets/"
            "d20fcb6402ae34e653d4513b00f39257bb37ed7f/pollution.csv",
            ("sha256:892e9559205d16d32623135c127a3951c12e46ea1e0b3093e107ce89a9fd60e2",),
            2010492,
        ),
    )

    def load(self) -> SequenceData:
        (found,) = self.present().values()
        rows = records(found.text(), found.path.name)
        measured = numbers(found.path.name, rows, COLUMNS)
        place = rows[0][1].index("cbwd")
        winds = np.array([[record[place] == wind for wind in WINDS] for _, record in rows[1:]])
        series = TimeSeries(
            measured.name,
            (*COLUMNS, *WINDS),
            np.hstack([measured.values, winds]),
            measured.rows,
        )
        return self.windowed(series, BORDERS, files.provenance([found]))

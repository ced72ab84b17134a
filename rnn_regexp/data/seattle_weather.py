"""The weather of Seattle, day by day, 2012 to 2015."""

from dataclasses import dataclass
from typing import ClassVar

from rnn_regexp.data import installed
from rnn_regexp.data.forecasting import Forecasting
from rnn_regexp.data.sequences import SequenceData
from rnn_regexp.data.table import records
from rnn_regexp.data.time_series import numbers
from rnn_regexp.fields import structural

FILE = "_data/seattle-weather.csv"
COLUMNS = ("precipitation", "temp_max", "temp_min", "wind")
BORDERS = {"train": range(731), "valid": range(731, 1096), "test": range(1096, 1461)}


@dataclass
class SeattleWeather(Forecasting):
    """Rain, warmest and coldest temperature, wind -> those of the next days; 1,461 days.

    Train is 2012 and 2013, validation 2014, test 2015. Source: NOAA, in vega_datasets.
    """

    window: int = structural(30, "[1, inf)")
    horizon: int = structural(3, "[1, inf)")

    package: ClassVar[str] = "vega_datasets"
    source: ClassVar[str] = "NOAA, as given in vega_datasets, extra [data]"

    def load(self) -> SequenceData:
        text, provenance = installed.read(self.package, "seattle_weather", FILE)
        rows = records(text, "seattle-weather.csv")
        return self.windowed(numbers("seattle-weather.csv", rows, COLUMNS), BORDERS, provenance)

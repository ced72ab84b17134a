"""Sunspots a year since 1700: the oldest series in statistics."""

from dataclasses import dataclass
from typing import ClassVar

from rnn_regexp.data import installed
from rnn_regexp.data.forecasting import Forecasting, fractions
from rnn_regexp.data.sequences import SequenceData
from rnn_regexp.data.table import records
from rnn_regexp.data.time_series import numbers
from rnn_regexp.fields import structural

FILE = "datasets/sunspots/sunspots.csv"


@dataclass
class Sunspots(Forecasting):
    """Sunspots of past years -> those of the next; 309 years, 70, 15 and 15 % in time.

    The activity swings in about eleven years, by which the naive forecast goes. Source: Yule 1927;
    data of the US National Geophysical Data Center in statsmodels.
    """

    window: int = structural(33, "[1, inf)")
    horizon: int = structural(5, "[1, inf)")
    season: int = structural(11, "[1, inf)")

    package: ClassVar[str] = "statsmodels"
    source: ClassVar[str] = "NOAA, as given in statsmodels, extra [data]"

    def load(self) -> SequenceData:
        text, provenance = installed.read(self.package, "sunspots", FILE)
        rows = records(text, "sunspots.csv")
        series = numbers("sunspots.csv", rows, ["SUNACTIVITY"])
        return self.windowed(series, fractions(len(series.values), 0.15, 0.15), provenance)

"""Carbon dioxide in the air over Mauna Loa, week by week, 1958 to 2001."""

from dataclasses import dataclass
from typing import ClassVar

from rnn_regexp.data import installed
from rnn_regexp.data.forecasting import Forecasting, fractions
from rnn_regexp.data.sequences import SequenceData
from rnn_regexp.data.table import records
from rnn_regexp.data.time_series import Gaps, numbers
from rnn_regexp.fields import structural

FILE = "datasets/co2/co2.csv"


@dataclass
class Co2(Forecasting):
    """Parts per million -> those of the next weeks; 2,284 weeks, 70, 15 and 15 % in time.

    59 weeks are missing: the last value is carried on, and no missing one is asked for. The
    series rises, so test lies above all of train. Source: Keeling and Whorf, in statsmodels.
    """

    window: int = structural(104, "[1, inf)")
    horizon: int = structural(13, "[1, inf)")
    relative: bool = structural(True)
    season: int = structural(52, "[1, inf)")
    gaps: Gaps = structural(Gaps.fill)

    package: ClassVar[str] = "statsmodels"
    source: ClassVar[str] = "Keeling & Whorf, as given in statsmodels, extra [data]"

    def load(self) -> SequenceData:
        text, provenance = installed.read(self.package, "co2", FILE)
        series = numbers("co2.csv", records(text, "co2.csv"), ["co2"])
        return self.windowed(series, fractions(len(series.values), 0.15, 0.15), provenance)

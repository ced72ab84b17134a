"""The S&P 500 stock index, day by day, 1999 to 2018: what it gained, or how far it swung."""

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

import numpy as np

from rnn_regexp.data import installed
from rnn_regexp.data.forecasting import Forecasting, fractions
from rnn_regexp.data.sequences import SequenceData
from rnn_regexp.data.table import records
from rnn_regexp.data.time_series import TimeSeries, numbers
from rnn_regexp.fields import structural

FILE = "data/sp500/sp500.csv.gz"


class Measure(Enum):
    """What is forecast; prices themselves rise from split to split."""

    swing = "swing"  # 100 log(high / low), which can be forecast (Parkinson 1980)
    gain = "gain"  # 100 log(close / close of the day before), which hardly can


@dataclass
class Sp500(Forecasting):
    """Daily swing or gain in percent -> those of the next days; 70, 15 and 15 % in time."""

    window: int = structural(60, "[1, inf)")
    horizon: int = structural(5, "[1, inf)")
    measure: Measure = structural(Measure.swing)

    package: ClassVar[str] = "arch"
    source: ClassVar[str] = "Yahoo, as given in arch, extra [data]"

    def load(self) -> SequenceData:
        text, provenance = installed.read(self.package, "sp500", FILE)
        prices = numbers("sp500.csv", records(text, "sp500.csv"), ["High", "Low", "Adj Close"])
        high, low, close = np.log(prices.values).T  # (T,) each
        days = high - low if self.measure is Measure.swing else np.diff(close)
        rows = prices.rows[-len(days) :]
        series = TimeSeries("sp500.csv", (self.measure.name,), 100 * days[:, None], rows)
        return self.windowed(series, fractions(len(days), 0.15, 0.15), provenance)

"""The daily exchange rates of eight currencies, 1990 to 2016."""

from dataclasses import dataclass
from typing import ClassVar

from rnn_regexp.data import files
from rnn_regexp.data.files import FileDataset
from rnn_regexp.data.forecasting import Forecasting, fractions
from rnn_regexp.data.published import DataFile
from rnn_regexp.data.sequences import SequenceData
from rnn_regexp.data.table import records
from rnn_regexp.data.time_series import numbers
from rnn_regexp.fields import structural

COLUMNS = "australia britain canada switzerland china japan new_zealand singapore".split()


@dataclass
class ExchangeRates(FileDataset, Forecasting):
    """Rates of eight countries -> those of the next days; 7,588 days.

    Train, validation and test are 60, 20 and 20 % in time, as in the paper. To beat the naive
    forecast, the last rate, is hard. Source: Lai, Chang, Yang and Liu 2018, LSTNet.
    """

    relative: bool = structural(True)

    source: ClassVar[str] = "Lai et al. 2018 (LSTNet)"
    licence: ClassVar[str] = "none stated"
    published: ClassVar[tuple[DataFile, ...]] = (
        DataFile(
            "finance/exchange_rate.txt",
            "https://raw.githubusercontent.com/laiguokun/multivariate-time-series-data/"
            "7f402f185cc2435b5e66aed13a3b560ed142e023/exchange_rate/exchange_rate.txt.gz",
            ("sha256:0127465b51e3cd3c360f8eb2be30cfd294689a2a55903eb8245aafc396626c7f",),
            546336,
        ),
    )

    def load(self) -> SequenceData:
        (found,) = self.present().values()
        rows = [(0, COLUMNS), *records(found.text(), found.path.name)]  # the file has no header
        series = numbers(found.path.name, rows, COLUMNS)
        return self.windowed(series, fractions(len(rows) - 1, 0.2, 0.2), files.provenance([found]))

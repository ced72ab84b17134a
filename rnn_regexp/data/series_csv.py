"""The user's own series: a CSV or TSV file with a row for each step, in time order."""

from dataclasses import dataclass
from typing import ClassVar

from rnn_regexp.data.forecasting import Forecasting, fractions
from rnn_regexp.data.partition import check_fractions
from rnn_regexp.data.sequences import DataError, SequenceData
from rnn_regexp.data.table import Table, read_table
from rnn_regexp.data.time_series import MISSING, TimeSeries, numbers
from rnn_regexp.fields import structural


@dataclass
class SeriesCsv(Forecasting):
    """Columns of numbers -> their next steps, from a file with a header; ``.gz`` is decompressed.

    Rows must stand in time order. The last ones are the test split, those before validation.
    """

    path: str = structural("")  # two files, two datasets: such runs share no cohort
    columns: list[str] | None = structural(None)  # None: all that hold numbers alone
    valid_fraction: float = structural(0.15, "(0, 1)")
    test_fraction: float = structural(0.15, "(0, 1)")
    delimiter: str | None = structural(None)  # None: a tab in .tsv and .tsv.gz, else a comma
    quoted: bool = structural(True)  # whether "..." encloses a field

    source: ClassVar[str] = "your own CSV or TSV file: dataset.path=load.csv"

    def load(self) -> SequenceData:
        """Read and cut the file. Raises ``DataError`` that names the setting, row and column."""
        if not self.path:
            raise DataError(
                "dataset.path is not set: name a CSV or TSV file, as in dataset.path=load.csv"
            )
        check_fractions(self.valid_fraction, self.test_fraction)
        table = read_table(self.path, self.delimiter, self.quoted)
        series = self._series(table)
        borders = fractions(len(series.values), self.valid_fraction, self.test_fraction)
        return self.windowed(series, borders, {table.name: table.sha256[:16]})

    def _series(self, table: Table) -> TimeSeries:
        rows = [(1, table.columns), *table.rows]
        columns = self.columns or [own for own in table.columns if _is_numeric(table, own)]
        if not columns:
            raise DataError(f"dataset.columns: {table.name} has no column of numbers")
        return numbers(table.name, rows, columns)


def _is_numeric(table: Table, column: str) -> bool:
    """Whether each word is a number or missing, and one is a number."""
    place = table.columns.index(column)
    words = {record[place].strip() for _, record in table.rows}
    known = [word for word in words if word.lower() not in MISSING]
    return bool(known) and all(_is_number(word) for word in known)


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True

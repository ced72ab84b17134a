"""The user's own texts: a CSV or TSV file with a column of texts and a column of classes."""

from dataclasses import dataclass
from typing import ClassVar

from rnn_regexp.data import partition
from rnn_regexp.data.partition import TEST, VALID, Row, Splits
from rnn_regexp.data.sequences import DataError, Dataset, SequenceData
from rnn_regexp.data.table import Table, read_table
from rnn_regexp.data.text import tokenize
from rnn_regexp.data.text_settings import Labelled, TextSettings
from rnn_regexp.fields import structural


@dataclass
class TextCsv(TextSettings, Dataset):
    """Text -> class, from a file with a header: CSV, or TSV by its name; ``.gz`` is decompressed.

    Without ``split_column``, a fraction of each class is drawn for validation and test, rows with
    the same words together. A split that the column never names is drawn from its train rows.
    """

    path: str = structural("")  # two files, two datasets: such runs share no cohort
    text_column: str = structural("text")
    label_column: str = structural("label")
    split_column: str | None = structural(None)  # its values: train, valid, test
    valid_fraction: float = structural(0.15, "(0, 1)")
    test_fraction: float = structural(0.15, "(0, 1)")
    delimiter: str | None = structural(None)  # None: a tab in .tsv and .tsv.gz, else a comma
    quoted: bool = structural(True)  # whether "..." encloses a field

    source: ClassVar[str] = "your own CSV or TSV file: dataset.path=reviews.csv"

    def load(self) -> SequenceData:
        """Read, split and encode the file.

        Raises ``DataError`` with one line that names the setting, the file and the row at fault.
        """
        self._check()
        table = read_table(self.path, self.delimiter, self.quoted)
        splits = self._splits(table, self._rows(table))
        partition.check(splits, table.name)
        texts = self._texts(table, splits)
        provenance = {
            table.name: table.sha256[:16],
            "texts_in_two_splits": str(partition.shared(splits)),
        }
        return self.encode(texts, provenance)

    def _check(self) -> None:
        if not self.path:
            raise DataError(
                "dataset.path is not set: name a CSV or TSV file, as in dataset.path=reviews.csv"
            )
        partition.check_fractions(self.valid_fraction, self.test_fraction)

    def _rows(self, table: Table) -> list[Row]:
        text = table.column("dataset.text_column", self.text_column)
        label = table.column("dataset.label_column", self.label_column)
        rows = []
        for number, record in table.rows:
            tokens = tuple(tokenize(record[text]))
            if not tokens:
                what = f"no word in {record[text]!r}" if record[text].strip() else "empty text"
                raise DataError(f"dataset.text_column: row {number} of {table.name}: {what}")
            if not record[label].strip():
                raise DataError(f"dataset.label_column: row {number} of {table.name} has no label")
            rows.append(Row(number, tokens, record[label].strip()))
        return rows

    def _splits(self, table: Table, rows: list[Row]) -> Splits:
        fractions = {TEST: self.test_fraction, VALID: self.valid_fraction}
        words = None
        if self.split_column is not None:
            place = table.column("dataset.split_column", self.split_column)
            words = [record[place].strip() for _, record in table.rows]
        return partition.chosen(rows, words, fractions, table.name)

    def _texts(self, table: Table, splits: Splits) -> dict[str, list[Labelled]]:
        place = table.column("dataset.text_column", self.text_column)
        texts = {number: record[place] for number, record in table.rows}
        return {
            split: [
                Labelled(f"row {row.number} of {table.name}", texts[row.number], row.label)
                for row in partition.mix(rows)
            ]
            for split, rows in splits.items()
        }

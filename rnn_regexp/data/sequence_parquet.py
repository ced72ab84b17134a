"""The user's own sequences: a Parquet file with a column of lists of numbers."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rnn_regexp.data import content
from rnn_regexp.data.number_rows import NumberRow, number_data
from rnn_regexp.data.partition import TEST, VALID, check_fractions
from rnn_regexp.data.sequences import DataError, Dataset, SequenceData
from rnn_regexp.data.table import place, unreadable
from rnn_regexp.fields import structural

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetFile

BATCH = 1024  # rows that are Python objects at one time


@dataclass
class SequenceParquet(Dataset):
    """Sequence -> class; a row holds T numbers, or T lists of D numbers, and a label.

    Without ``split_column``, a fraction of each class is drawn for validation and test, equal
    sequences together. A split that the column never names is drawn from its train rows.
    """

    path: str = structural("")  # two files, two datasets: such runs share no cohort
    sequence_column: str = structural("sequence")
    label_column: str = structural("label")
    split_column: str | None = structural(None)  # its values: train, valid, test
    valid_fraction: float = structural(0.15, "(0, 1)")
    test_fraction: float = structural(0.15, "(0, 1)")
    max_length: int = structural(1000, "[1, inf)")  # steps kept of a sequence
    standardize: bool = structural(True)  # by mean and deviation of each feature in train

    source: ClassVar[str] = "your own Parquet file: dataset.path=sensors.parquet"

    def load(self) -> SequenceData:
        """Read and split the file. Raises ``DataError`` that names the setting or the row."""
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile

        if not self.path:
            raise DataError(
                "dataset.path is not set: name a Parquet file, as in dataset.path=sensors.parquet"
            )
        check_fractions(self.valid_fraction, self.test_fraction)
        try:
            with ParquetFile(Path(self.path).expanduser()) as file:
                return self._data(file)
        except (OSError, ArrowException) as error:
            raise unreadable(self.path, error) from None

    def _data(self, file: "ParquetFile") -> SequenceData:
        path = Path(self.path).expanduser()
        return number_data(
            self._rows(file, path.name),
            {TEST: self.test_fraction, VALID: self.valid_fraction},
            self.max_length,
            self.standardize,
            path.name,
            {path.name: content.verify(path, (), size=1 << 50)[:16]},
        )

    def _rows(self, file: "ParquetFile", name: str) -> Iterator[NumberRow]:
        columns = [self.sequence_column, self.label_column]
        columns += [self.split_column] if self.split_column else []
        keys = ("dataset.sequence_column", "dataset.label_column", "dataset.split_column")
        for key, column in zip(keys, columns, strict=False):
            place(key, column, file.schema_arrow.names, name)
        number = 0
        for batch in file.iter_batches(BATCH, columns=columns):
            lists = (batch[own].to_pylist() for own in columns)
            for values, label, *split in zip(*lists, strict=True):
                number += 1
                yield NumberRow(number, values, label, str(split[0]).strip() if split else None)

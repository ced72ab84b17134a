"""Sets of the UCR and UEA archive: ``.ts`` files with official train and test splits.

After lines that start with ``#`` or ``@`` and the word ``@data``, a line holds channels separated
by ``:``, values by ``,``, and at the end the class. A missing value, ``?`` or NaN, is refused.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from rnn_regexp.data import content, files, installed, published
from rnn_regexp.data.features import Series, Values, feature_data, held_out
from rnn_regexp.data.files import FileDataset, Present
from rnn_regexp.data.published import DataFile
from rnn_regexp.data.sequences import DataError, SequenceData
from rnn_regexp.fields import structural

PUBLISHED = "https://raw.githubusercontent.com/aeon-toolkit/aeon/v1.6.0/aeon/datasets/data"


def parts(
    folder: str, name: str, train: tuple[str, int], test: tuple[str, int]
) -> tuple[DataFile, ...]:
    """The train and the test file of a set, given sha256 and size of each."""
    return tuple(
        DataFile(f"{folder}/{name}_{part}.ts", f"{PUBLISHED}/{name}/{name}_{part}.ts", (sha,), size)
        for part, (sha, size) in (("TRAIN", train), ("TEST", test))
    )


@dataclass
class ArchiveSeries(FileDataset):
    """Official splits, from files under the root, else from sktime, else downloaded.

    A fraction of each class of the train split is held out for validation. With 0, all of it is
    trained on, and validation figures are those of the training split: for published protocols.
    """

    valid_fraction: float = structural(0.2, "[0, 0.5]")
    standardize: bool = structural(False)  # by mean and deviation of each channel in train

    package: ClassVar[str] = "sktime"
    licence: ClassVar[str] = "none stated; cite the UCR/UEA archive (packaged under BSD-3-Clause)"

    def load(self) -> SequenceData:
        """Read and split the series. Raises ``DataError`` for a file that is missing or damaged."""
        found = self._found()
        train, test = (parse(own.text(), own.path.name) for own in found)
        splits = held_out(train, test, self.valid_fraction)
        return feature_data(splits, files.provenance(found), self.standardize)

    def _found(self) -> list[Present]:
        """The train file and the test file."""
        root = published.root_of(self.root)
        if all(published.find(file, root) for file in self.files()):
            return list(self.present().values())
        return self._packaged() or list(self.present().values())

    def _packaged(self) -> list[Present]:
        """The files as sktime brings them along, or none."""
        package = installed.find("sktime")
        if package is None:
            return []
        names = [file.name.rpartition("/")[2] for file in self.files()]
        folder = package[0] / "datasets" / "data" / names[0].rpartition("_")[0]
        if not all((folder / name).is_file() for name in names):
            return []
        return [
            Present(file, folder / name, content.verify(folder / name, file.hashes, file.size))
            for file, name in zip(self.files(), names, strict=True)
        ]


def parse(text: str, name: str) -> list[Series]:
    """The series of the file ``name``; each value and each length is checked.

    Raises ``DataError`` with the line of the file, the channel and the step at fault.
    """
    lines = list(files.rows(text))
    start = next((at for at, (_, line) in enumerate(lines) if line.strip() == "@data"), None)
    if start is None:
        raise DataError(f"{name} is no .ts file: it has no line @data")
    series = [_series(line, f"line {number} of {name}") for number, line in lines[start + 1 :]]
    if not series:
        raise DataError(f"{name} has no series behind @data")
    widths = sorted({own.values.shape[1] for own in series})
    if len(widths) > 1:
        raise DataError(f"{name} has series of {widths[0]} and of {widths[-1]} channels")
    return series


def _series(line: str, place: str) -> Series:
    *channels, label = line.strip().split(":")
    if not channels or not label:
        raise DataError(f"{place} has no class behind the last colon")
    columns = [_channel(text, f"{place}, channel {at}") for at, text in enumerate(channels, 1)]
    lengths = sorted({len(column) for column in columns})
    if len(lengths) > 1:
        raise DataError(f"{place} has channels of {lengths[0]} and of {lengths[-1]} steps")
    return Series(np.stack(columns, axis=1), label)  # (T, D)


def _channel(text: str, place: str) -> Values:
    return np.array(
        [_value(own, f"{place}, step {at}") for at, own in enumerate(text.split(","), 1)]
    )


def _value(text: str, place: str) -> float:
    try:
        value = float("nan" if text.strip() == "?" else text)
    except ValueError:
        raise DataError(f"{place}: {text!r} is no number") from None
    if not np.isfinite(value):
        raise DataError(f"{place}: {text!r}, but a series must be complete to be classified")
    return value

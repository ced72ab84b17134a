"""A dataset of Hugging Face's ``datasets`` library, in a local folder or on the hub."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar

from rnn_regexp.data import partition
from rnn_regexp.data.number_rows import NumberRow, number_data
from rnn_regexp.data.partition import SYNONYMS, TEST, TRAIN, VALID, Row
from rnn_regexp.data.published import OFFLINE
from rnn_regexp.data.sequences import DataError, Dataset, SequenceData
from rnn_regexp.data.table import place
from rnn_regexp.data.text_settings import Labelled, TextSettings
from rnn_regexp.fields import structural

UNLABELLED = -1  # the class index of a split whose labels are kept secret


@dataclass
class Hf(TextSettings, Dataset):
    """Text, or sequence of numbers -> class: a folder, or a dataset on the hub by its name.

    A folder holds what ``save_to_disk`` wrote, or files that ``load_dataset`` reads. A split
    without labels, as some test splits on the hub, is left out; one that is missing is drawn from
    train, a fraction of each class, equal rows together.
    """

    path: str = structural("")  # a local folder, or a name on the hub: stanfordnlp/imdb
    configuration: str | None = structural(None)  # its name, where a dataset has several
    revision: str | None = structural(None)  # of the hub's repository; None: the newest
    column: str = structural("text")  # a text, a list of numbers, or a list of lists of numbers
    label_column: str = structural("label")
    valid_fraction: float = structural(0.15, "(0, 1)")
    test_fraction: float = structural(0.15, "(0, 1)")
    standardize: bool = structural(True)  # numbers, by mean and deviation of each feature in train

    package: ClassVar[str] = "datasets"
    source: ClassVar[str] = "Hugging Face datasets, extra [hf]: dataset.path=folder or name"

    def load(self) -> SequenceData:
        """Read, split and encode the dataset. Raises ``DataError`` that names what is at fault."""
        if not self.path:
            raise DataError(
                "dataset.path is not set: name a folder, or a dataset on the hub, "
                "as in dataset.path=stanfordnlp/imdb"
            )
        partition.check_fractions(self.valid_fraction, self.test_fraction)
        found = self._labelled(open_dataset(self.path, self.configuration, self.revision))
        fractions = {TEST: self.test_fraction, VALID: self.valid_fraction}
        told = {"datasets": version("datasets")}
        if self._holds_text(found):
            return self._texts(found, fractions, told)
        rows = self._numbers(found)
        length, scaled = self.max_length, self.standardize
        return number_data(rows, fractions, length, scaled, self.path, told)

    def _labelled(self, found: Mapping[str, Any]) -> dict[str, Any]:
        """The splits by our names, without those that have no labels."""
        splits = {}
        for split, own in found.items():
            for key, column in (("column", self.column), ("label_column", self.label_column)):
                place(f"dataset.{key}", column, own.column_names, f"{self.path} ({split})")
            if any(label != UNLABELLED for label in own[self.label_column]):
                splits[SYNONYMS.get(split, split)] = own
        if TRAIN not in splits:
            names = ", ".join(found)
            raise DataError(f"dataset.path: {self.path} has no labelled split train ({names})")
        return {split: splits[split] for split in (TRAIN, VALID, TEST) if split in splits}

    def _holds_text(self, found: Mapping[str, Any]) -> bool:
        return getattr(found[TRAIN].features[self.column], "dtype", "") in (
            "string",
            "large_string",
        )

    def _texts(
        self, found: Mapping[str, Any], fractions: Mapping[str, float], told: dict[str, str]
    ) -> SequenceData:
        rows = list(self._text_rows(found))
        words = [split for split, own in found.items() for _ in range(len(own))]
        splits = partition.chosen(rows, words, fractions, self.path)
        partition.check(splits, self.path)
        told = {**told, "texts_in_two_splits": str(partition.shared(splits))}
        mixed = {split: partition.mix(own) for split, own in splits.items()}
        return self.encode({split: [row.item for row in own] for split, own in mixed.items()}, told)

    def _text_rows(self, found: Mapping[str, Any]) -> Iterator[Row]:
        for split, number, text, label in self._records(found):
            where = f"row {number} of {self.path} ({split})"
            yield Labelled(where, text or "", label).row(number)

    def _numbers(self, found: Mapping[str, Any]) -> Iterator[NumberRow]:
        for split, number, values, label in self._records(found):
            yield NumberRow(number, values, label, split)

    def _records(self, found: Mapping[str, Any]) -> Iterator[tuple[str, int, Any, str]]:
        """Split, row counted from 1, input and the label's name."""
        for split, own in found.items():
            names = getattr(own.features[self.label_column], "names", None)
            for number, record in enumerate(own, 1):
                label = record[self.label_column]
                if label is None or label == UNLABELLED:
                    where = f"row {number} of {self.path} ({split})"
                    raise DataError(f"dataset.label_column: {where} has no label")
                yield split, number, record[self.column], str(names[label] if names else label)


def open_dataset(path: str, configuration: str | None, revision: str | None) -> Mapping[str, Any]:
    """The splits of a dataset by their names. Raises ``DataError``, in one line."""
    library, folder = _library(), Path(path).expanduser()
    if folder.is_file():
        raise DataError(f"dataset.path: {path} is a file: see dataset=text_csv, sequence_parquet")
    if os.environ.get(OFFLINE) and not folder.is_dir():
        raise DataError(f"dataset.path: no such folder: {path} ({OFFLINE} is set)")
    try:
        if (folder / "dataset_dict.json").exists() or (folder / "state.json").exists():
            found = library.load_from_disk(str(folder))
        else:
            found = library.load_dataset(path, configuration, revision=revision)
    except Exception as error:  # the library raises all kinds of them
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise DataError(f"dataset.path: cannot load {path}: {reason}") from None
    return found if isinstance(found, Mapping) else {TRAIN: found}


def _library() -> Any:
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    try:
        import datasets
    except ImportError:
        raise DataError("dataset=hf needs datasets: pip install 'rnn-regexp[hf]'") from None
    datasets.disable_progress_bars()
    return datasets

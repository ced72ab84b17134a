"""Datasets of Hugging Face's library in a local folder; the hub is not asked."""

import sys
from pathlib import Path
from typing import Any

import pytest

from rnn_regexp.data import Hf
from rnn_regexp.data.sequences import DataError, SequenceData, Split

datasets: Any = pytest.importorskip("datasets", reason="extra [hf] is not installed")

TEXTS = [f"film {n} is {'fine' if n % 2 else 'dull'}" for n in range(60)]
LABELS = [n % 2 for n in range(60)]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RNN_REGEXP_OFFLINE", "1")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))


def named(columns: dict[str, list[Any]], names: list[str]) -> Any:
    made = datasets.Dataset.from_dict(columns)
    return made.cast_column("label", datasets.ClassLabel(names=names))


def saved(folder: Path, **splits: Any) -> str:
    datasets.DatasetDict(splits).save_to_disk(str(folder / "saved"))
    return str(folder / "saved")


def texts(data: SequenceData, split: Split) -> set[str]:
    rows = zip(split.inputs, split.lengths, strict=True)
    return {" ".join(data.vocabulary[token] for token in row[:length]) for row, length in rows}


def refusal(**settings: Any) -> str:
    with pytest.raises(DataError) as error:
        Hf(**settings).load()
    assert "\n" not in str(error.value)
    return str(error.value)


def test_texts_with_named_classes(tmp_path: Path):
    train = named({"text": TEXTS, "label": LABELS}, ["dull", "fine"])
    path = saved(
        tmp_path, train=train, validation=train.select(range(6)), test=train.select([7, 8])
    )
    data = Hf(path=path, vocabulary=100).load()
    assert data.classes == ("dull", "fine")
    assert texts(data, data.valid) == set(TEXTS[:6])
    assert texts(data, data.test) == set(TEXTS[7:9])
    for text, target in zip(data.train.inputs, data.train.targets, strict=True):
        assert data.vocabulary[text[3]] == data.classes[target]
    assert data.provenance["texts_in_two_splits"] == "8"


def test_a_split_without_labels_is_drawn_from_train(tmp_path: Path):
    train = named({"text": TEXTS, "label": LABELS}, ["dull", "fine"])
    secret = named({"text": ["secret"] * 3, "label": [-1] * 3}, ["dull", "fine"])
    data = Hf(path=saved(tmp_path, train=train, test=secret), test_fraction=0.2).load()
    assert (len(data.train), len(data.valid), len(data.test)) == (40, 8, 12)
    assert "secret" not in data.vocabulary
    assert data.provenance["texts_in_two_splits"] == "0"


@pytest.mark.parametrize("kind", ["csv", "json", "parquet"])
def test_a_folder_of_files(tmp_path: Path, kind: str):
    folder = tmp_path / "files"
    folder.mkdir()
    made = datasets.Dataset.from_dict({"body": TEXTS, "stars": [str(own) for own in LABELS]})
    getattr(made, f"to_{kind}")(str(folder / f"train.{kind}"))
    data = Hf(path=str(folder), column="body", label_column="stars").load()
    assert data.classes == ("0", "1")
    assert len(data.train) + len(data.valid) + len(data.test) == 60


@pytest.mark.parametrize("features", [1, 2])
def test_numbers(tmp_path: Path, features: int):
    rows = [[n / 10] if features == 1 else [[n / 10, 1.0]] for n in range(60)]
    path = saved(tmp_path, train=datasets.Dataset.from_dict({"x": rows, "label": LABELS}))
    data = Hf(path=path, column="x", standardize=False).load()
    assert data.features == features
    assert data.train.inputs.shape == (44, 1, features)
    for values, target in zip(data.test.inputs, data.test.targets, strict=True):
        assert round(float(values[0, 0]) * 10) % 2 == target


@pytest.mark.parametrize(
    ("columns", "settings", "message"),
    [
        (
            {"body": TEXTS, "label": LABELS},
            {},
            "dataset.column: no column 'text' in {path} (train)",
        ),
        (
            {"text": TEXTS, "labels": LABELS},
            {},
            "dataset.label_column: no column 'label' in {path} (train) "
            "(columns: text, labels; did you mean labels?)",
        ),
        (
            {"text": TEXTS, "label": [None, *map(str, LABELS[1:])]},
            {},
            "dataset.label_column: row 1 of {path} (train) has no label",
        ),
        ({"text": ["", *TEXTS[1:]], "label": LABELS}, {}, "row 1 of {path} (train): empty text"),
        ({"text": [[], *[[1.0]] * 59], "label": LABELS}, {}, "row 1 of {path} has no step"),
        (
            {"text": TEXTS, "label": [-1] * 60},
            {},
            "dataset.path: {path} has no labelled split train (train)",
        ),
    ],
)
def test_refuses(tmp_path: Path, columns: dict[str, Any], settings: dict[str, Any], message: str):
    path = saved(tmp_path, train=datasets.Dataset.from_dict(columns))
    assert refusal(path=path, **settings).startswith(message.replace("{path}", path))


def test_paths(tmp_path: Path):
    assert refusal().startswith("dataset.path is not set: name a folder, or a dataset on the hub")
    assert refusal(path="nobody/nothing") == (
        "dataset.path: no such folder: nobody/nothing (RNN_REGEXP_OFFLINE is set)"
    )
    (tmp_path / "a.csv").write_text("text,label\n")
    assert refusal(path=str(tmp_path / "a.csv")) == (
        f"dataset.path: {tmp_path}/a.csv is a file: see dataset=text_csv, sequence_parquet"
    )
    (tmp_path / "empty").mkdir()
    assert refusal(path=str(tmp_path / "empty")).startswith(
        f"dataset.path: cannot load {tmp_path}/empty: "
    )


def test_without_the_library(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    assert refusal(path="x") == "dataset=hf needs datasets: pip install 'rnn-regexp[hf]'"

"""The user's own sequences of numbers: what is read, how it is split, and what is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from rnn_regexp.data import SequenceParquet
from rnn_regexp.data.sequences import DataError

ROWS = [[float(n % 7), float(n), 1.0][: n % 3 + 1] for n in range(40)]
LABELS = [n % 2 for n in range(40)]
Write = Callable[..., str]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    monkeypatch.chdir(tmp_path)

    def file(sequence: Any = ROWS, label: Any = LABELS, **columns: Any) -> str:
        parquet.write_table(
            pa.table({"sequence": sequence, "label": label, **columns}), "a.parquet"
        )
        return "a.parquet"

    return file


def refusal(**settings: Any) -> str:
    with pytest.raises(DataError) as error:
        SequenceParquet(**settings).load()
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_number_a_step(write: Write):
    data = SequenceParquet(path=write(), standardize=False).load()
    assert data.classes == ("0", "1")
    assert data.features == 1
    assert len(data.train) + len(data.valid) + len(data.test) == 40
    for split in (data.train, data.valid, data.test):
        for values, length in zip(split.inputs, split.lengths, strict=True):
            assert values[:length, 0].tolist() in ROWS
            assert not values[length:].any()


@pytest.mark.parametrize(
    "kind", [pa.list_(pa.list_(pa.float32())), pa.list_(pa.list_(pa.int8(), 2))]
)
def test_several_numbers_a_step(write: Write, kind: pa.DataType):
    rows = pa.array([[[n, 2], [3, 4]] for n in range(40)], kind)
    data = SequenceParquet(path=write(rows), standardize=False).load()
    assert data.train.inputs.shape[1:] == (2, 2)
    assert data.train.inputs[:, 1].unique(dim=0).tolist() == [[3, 4]]


def test_labels_stay_with_their_sequences(write: Write):
    rows = [[float(n), float(n % 2)] for n in range(40)]
    data = SequenceParquet(
        path=write(rows, ["ab"[n % 2] for n in range(40)]), standardize=False
    ).load()
    for split in (data.train, data.valid, data.test):
        assert split.inputs[:, 1, 0].tolist() == split.targets.tolist()


def test_scaling_is_measured_on_train(write: Write):
    rows = [[[float(n), n * n / 7]] * 2 for n in range(40)]
    plain, scaled = (SequenceParquet(path=write(rows), standardize=own).load() for own in (0, 1))
    train = plain.train.inputs.double().numpy().reshape(-1, 2)
    for split, other in ((plain.test, scaled.test), (plain.train, scaled.train)):
        expected = (split.inputs.double().numpy() - train.mean(axis=0)) / train.std(axis=0)
        np.testing.assert_allclose(other.inputs.numpy(), expected, rtol=1e-5, atol=1e-6)


def test_split_column_and_order(write: Write):
    words = ["train"] * 30 + ["dev"] * 6 + ["test"] * 4
    data = SequenceParquet(path=write(part=words), split_column="part").load()
    assert (len(data.train), len(data.valid), len(data.test)) == (30, 6, 4)
    other = SequenceParquet(
        path=write(ROWS[::-1], LABELS[::-1], part=words[::-1]), split_column="part"
    ).load()
    assert other.digest() == data.digest()


def test_equal_sequences_stay_together(write: Write):
    rows = [[float(n // 4), 1.0] for n in range(80)]
    data = SequenceParquet(path=write(rows, [n // 4 % 2 for n in range(80)])).load()
    assert {len(split) % 4 for split in (data.train, data.valid, data.test)} == {0}
    assert data.provenance["sequences_in_two_splits"] == "0"


def test_longer_sequences_are_cut_and_counted(write: Write):
    data = SequenceParquet(path=write(), max_length=2).load()
    assert data.train.inputs.shape[1] == 2
    assert data.provenance["truncated_sequences"] == str(sum(len(row) > 2 for row in ROWS))
    assert len(data.provenance["a.parquet"]) == 16


def changed(row: int, value: Any) -> list[Any]:
    return [value if n == row else own for n, own in enumerate(ROWS)]


@pytest.mark.parametrize(
    ("columns", "settings", "message"),
    [
        ({"sequence": changed(4, [])}, {}, "row 5 of a.parquet has no step"),
        ({"sequence": changed(4, None)}, {}, "row 5 of a.parquet has no step"),
        (
            {"sequence": changed(4, [1.0, float("nan")])},
            {},
            "row 5 of a.parquet, step 2, feature 1: nan is no finite number",
        ),
        ({"sequence": [["x"]] * 40}, {}, "row 1 of a.parquet is no list of numbers"),
        ({"sequence": [1.0] * 40}, {}, "row 1 of a.parquet is no list of numbers"),
        (
            {"sequence": [[[1.0, 2.0], [3.0][: n != 3]] for n in range(40)]},
            {},
            "row 1 of a.parquet is no list of numbers, nor of lists of one length",
        ),
        (
            {"sequence": [[[1.0] * (2 if n == 6 else 3)] for n in range(40)]},
            {},
            "row 7 of a.parquet has 2 features, row 1 has 3 features",
        ),
        (
            {"label": [None if n == 8 else "a" for n in range(40)]},
            {},
            "dataset.label_column: row 9 of a.parquet has no label",
        ),
        (
            {"label": ["a"] * 40},
            {},
            "dataset.label_column: a.parquet has only the class 'a'",
        ),
        (
            {},
            {"sequence_column": "sequences"},
            "dataset.sequence_column: no column 'sequences' in a.parquet "
            "(columns: sequence, label; did you mean sequence?)",
        ),
        (
            {},
            {"split_column": "part"},
            "dataset.split_column: no column 'part' in a.parquet (columns: sequence, label)",
        ),
        (
            {},
            {"valid_fraction": 0.5, "test_fraction": 0.5},
            "dataset.valid_fraction + dataset.test_fraction must be below 1, got 0.5 + 0.5",
        ),
        (
            {"label": ["c" if n == 39 else "ab"[n % 2] for n in range(40)],
             "part": ["train"] * 38 + ["test"] * 2},
            {"split_column": "part"},
            "dataset.label_column: the class 'c' in row 40 of a.parquet occurs in test "
            "and never in train",
        ),
        ({"sequence": [], "label": []}, {}, "dataset.path: a.parquet has no rows"),
    ],
)  # fmt: skip
def test_refuses(write: Write, columns: dict[str, Any], settings: dict[str, Any], message: str):
    assert refusal(path=write(**columns), **settings).startswith(message)


def test_files_that_cannot_be_read(write: Write):
    path = Path(write())
    raw = path.read_bytes()
    path.write_bytes(raw[:-30])
    assert refusal(path="a.parquet").startswith("dataset.path: cannot read a.parquet: ")
    path.write_bytes(b"text,label\n")
    assert refusal(path="a.parquet").startswith("dataset.path: cannot read a.parquet: ")
    assert refusal(path="b.parquet") == (
        "dataset.path: no such file: b.parquet (did you mean a.parquet?)"
    )
    assert refusal().startswith("dataset.path is not set: name a Parquet file")


def test_a_split_may_be_kept_as_a_dictionary(write: Write):
    part = pa.array(["train"] * 30 + ["valid"] * 5 + ["test"] * 5).dictionary_encode()
    data = SequenceParquet(path=write(part=part), split_column="part").load()
    assert (len(data.train), len(data.valid), len(data.test)) == (30, 5, 5)

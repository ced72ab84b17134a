"""Pretrained vectors: the rows of the vocabulary, whatever the file's kind, and what is refused."""

import gzip
from pathlib import Path

import numpy as np
import pytest
import torch

from rnn_regexp.data.sequences import DataError
from rnn_regexp.data.vectors import coverage, load_vectors

VOCABULARY = ("<pad>", "<unk>", "the", "naïve", "3", "cat")
GLOVE = "the 0.1 -2 3e-1\n, 1 1 1\nnaïve 4 5 6\n<unk> 9 9 9\nno\u00a0break 7 7 7\nthe 8 8 8\n"
FAST_TEXT = "5 3\n3 7 8 9\n" + GLOVE


def write(folder: Path, text: str, name: str = "v.txt") -> str:
    raw = text.encode()
    (folder / name).write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
    return str(folder / name)


@pytest.mark.parametrize(("text", "extra"), [(GLOVE, False), (FAST_TEXT, True)])
@pytest.mark.parametrize("name", ["v.txt", "v.vec", "v.txt.gz"])
def test_reads_the_rows_of_the_vocabulary(tmp_path: Path, text: str, extra: bool, name: str):
    vectors = load_vectors(write(tmp_path, text, name), VOCABULARY)
    expected = np.full((6, 3), np.nan)
    expected[2], expected[3] = [0.1, -2, 0.3], [4, 5, 6]
    expected[4] = [7, 8, 9] if extra else np.nan
    assert vectors.dtype is torch.float32
    np.testing.assert_allclose(vectors.numpy(), expected, rtol=1e-6)
    assert coverage(vectors) == ("3 of 4 tokens (75.0%)" if extra else "2 of 4 tokens (50.0%)")


def test_leaves_nothing_beside_the_file(tmp_path: Path):
    load_vectors(write(tmp_path, GLOVE), VOCABULARY)
    assert [path.name for path in tmp_path.iterdir()] == ["v.txt"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dog 1 2 3\n", "{path} has no token of the vocabulary"),
        ("the 1 2\n", "{path} is no text file of word vectors"),
        ("", "{path} has no token of the vocabulary"),
        ("the 1 2 3\ncat 1 2\n", "row 2 of v.txt has 2 numbers, the first one 3"),
        ("the 1 2 3\ncat 1 two 3\n", "row 2 of v.txt is not a token and its numbers"),
        ("2 3\nthe 1 2 3\ncat 1 nan 3\n", "row 3 of v.txt has a number that is not finite"),
    ],
)
def test_refuses(tmp_path: Path, text: str, message: str):
    path = write(tmp_path, text)
    with pytest.raises(DataError) as error:
        load_vectors(path, VOCABULARY)
    assert str(error.value) == "dataset.vectors: " + message.replace("{path}", path)


def test_a_packed_file_that_is_cut_short(tmp_path: Path):
    path = write(tmp_path, GLOVE, "v.txt.gz")
    Path(path).write_bytes(Path(path).read_bytes()[:-12])
    with pytest.raises(DataError, match=rf"^dataset\.vectors: cannot read {path}: "):
        load_vectors(path, VOCABULARY)

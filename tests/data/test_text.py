"""Tokens, vocabulary and padded ids."""

import ssl
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from rnn_regexp.data.sequences import DataError, SequenceData
from rnn_regexp.data.text import Text, build_vocabulary, read_vectors, text_data, tokenize

WORDS = st.lists(st.sampled_from("a b c <pad> <unk>".split()), min_size=1, max_size=9)


def encode(texts: Sequence[Sequence[str]], size: int = 10, max_length: int = 9) -> SequenceData:
    split = [Text(text, "x") for text in texts]
    return text_data({"train": split, "valid": split, "test": split}, size, max_length, {})


def test_tokens_are_lower_case_words_and_marks():
    assert tokenize("Don't panic, it's (mostly) harmless!") == (
        "don ' t panic , it ' s ( mostly ) harmless !".split()
    )


def test_most_frequent_words_first_then_the_alphabet():
    texts = ["d d d b c a".split(), "c b a e".split()]
    counts = Counter(token for text in texts for token in text)
    expected = ["<pad>", "<unk>", "d", "a", "b", "c", "e"]
    assert build_vocabulary(counts, 100).itos == expected
    assert build_vocabulary(Counter(reversed(list(counts.elements()))), 100).itos == expected
    assert build_vocabulary(counts, 5).itos == expected[:5]


def test_encodes_by_hand():
    splits = {
        "train": [Text("a a b".split(), "x"), Text(["b"], "y")],
        "valid": [Text("b a x b".split(), "y"), Text(["a"], "x")],
        "test": [Text(["<pad>", "<unk>"], "x")],
    }
    data = text_data(splits, 10, 3, {})  # <pad> <unk> a b
    assert data.valid.inputs.tolist() == [[3, 2, 1], [2, 0, 0]]
    assert data.valid.lengths.tolist() == [3, 1]
    assert data.valid.targets.tolist() == [1, 0]
    assert data.test.inputs.tolist() == [[1, 1]]
    assert data.test.lengths.tolist() == [2]
    assert data.valid.inputs.dtype == data.valid.lengths.dtype == torch.int64
    assert data.provenance["unknown_tokens"] == "train 0.0%, valid 25.0%, test 100.0%"


@given(texts=st.lists(WORDS, min_size=1, max_size=9), max_length=st.integers(1, 12))
def test_zero_is_padding_and_padding_alone(texts: list[list[str]], max_length: int):
    data = encode([*texts, ["c"]], size=5, max_length=max_length)
    inputs: Tensor = data.test.inputs
    lengths = data.test.lengths
    assert lengths.tolist() == [min(len(text), max_length) for text in texts] + [1]
    behind = torch.arange(inputs.shape[1]) >= lengths[:, None]
    assert torch.equal(inputs == 0, behind)
    assert inputs.shape == (len(texts) + 1, lengths.max())
    assert inputs.max() < 5


def test_vocabulary_and_classes_come_from_train_alone():
    splits = {
        "train": [Text(["good"], "pos"), Text(["bad", "bad"], "neg")],
        "valid": [Text(["fine"], "pos")],
        "test": [Text(["awful", "good", "x"], "neg")],
    }
    data = text_data(splits, size=10, max_length=2, provenance={"file": "1"})
    assert data.vocabulary == ("<pad>", "<unk>", "bad", "good")
    assert data.classes == ("neg", "pos")
    assert data.train.targets.tolist() == [1, 0]
    assert data.test.inputs.tolist() == [[1, 3]]
    assert data.test.targets.tolist() == [0]
    assert data.provenance["file"] == "1"
    assert data.provenance["truncated_texts"] == "1"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"test": [Text(["a"], "x"), Text([], "x")]}, "text 1 of test has no token"),
        ({"valid": [Text(["a"], "z")]}, "the class 'z' occurs in valid and never in train"),
        (
            {"train": [Text(["<unk>"], "x"), Text(["<pad>", "<unk>"], "y")]},
            "the training texts hold no token but <unk>: there is nothing to learn from",
        ),
    ],
)
def test_refuses(change: dict[str, list[Text]], message: str):
    splits = {name: [Text(["a"], "x"), Text(["b"], "y")] for name in ("train", "valid", "test")}
    with pytest.raises(DataError) as error:
        text_data({**splits, **change}, 10, 5, {})
    assert str(error.value) == message


def test_reading_vectors_leaves_https_verified(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    before = ssl._create_default_https_context
    (tmp_path / "v.txt").write_text("a 1 2 3\nb 4 5 6\n")
    tokens, vectors = read_vectors(tmp_path / "v.txt")
    assert tokens == ["a", "b"]
    assert vectors.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert ssl._create_default_https_context is before
    assert capsys.readouterr() == ("", "")

"""Tokens, vocabulary and padded ids."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rnn_regexp.data.sequences import DataError
from rnn_regexp.data.text import Text, build_vocabulary, encode, text_data, tokenize

WORDS = st.lists(st.sampled_from("a b c <pad> <unk>".split()), min_size=1, max_size=9)


def test_tokens_are_lower_case_words_and_marks():
    assert tokenize("Don't panic, it's (mostly) harmless!") == (
        "don ' t panic , it ' s ( mostly ) harmless !".split()
    )


def test_most_frequent_words_first_then_the_alphabet():
    texts = ["d d d b c a".split(), "c b a e".split()]
    expected = ["<pad>", "<unk>", "d", "a", "b", "c", "e"]
    assert build_vocabulary(texts, 100).itos == expected
    assert build_vocabulary(reversed(texts), 100).itos == expected
    assert build_vocabulary(texts, 5).itos == expected[:5]


def test_encodes_by_hand():
    vocabulary = build_vocabulary(["a a b".split()], 10)  # <pad> <unk> a b
    inputs, lengths = encode(["b a x b".split(), ["a"]], vocabulary, max_length=3)
    assert inputs.tolist() == [[3, 2, 1], [2, 0, 0]]
    assert lengths.tolist() == [3, 1]
    assert inputs.dtype == lengths.dtype == torch.int64


@given(texts=st.lists(WORDS, min_size=1, max_size=9), max_length=st.integers(1, 12))
def test_zero_is_padding_and_padding_alone(texts: list[list[str]], max_length: int):
    inputs, lengths = encode(texts, build_vocabulary(texts, 5), max_length)
    assert lengths.tolist() == [min(len(text), max_length) for text in texts]
    behind = torch.arange(inputs.shape[1]) >= lengths[:, None]
    assert torch.equal(inputs == 0, behind)
    assert inputs.shape == (len(texts), lengths.max())
    assert inputs.max() < 5


def test_unknown_words_do_not_grow_the_vocabulary():
    vocabulary = build_vocabulary([["a"]], 10)
    encode([["x", "y"]], vocabulary, 5)
    assert set(vocabulary.stoi) == {"<pad>", "<unk>", "a"}


def test_a_text_without_tokens_is_refused():
    with pytest.raises(DataError) as error:
        encode([["a"], []], build_vocabulary([["a"]], 10), 5)
    assert str(error.value) == "text 1 has no token"


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
    assert data.provenance == {"file": "1", "truncated_texts": "1"}

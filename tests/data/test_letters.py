"""Sequences of letters as token ids."""

import pytest

from rnn_regexp.data.letters import letter_data, letter_rows
from rnn_regexp.data.partition import TEST, TRAIN, VALID, Splits
from rnn_regexp.data.sequences import DataError


def splits(train: list[str], valid: list[str], test: list[str]) -> Splits:
    named = {TRAIN: train, VALID: valid, TEST: test}
    return {split: letter_rows((own, own[0]) for own in part) for split, part in named.items()}


def test_a_letter_is_its_place_in_the_alphabet():
    data = letter_data(splits(["ACGT", "CA"], ["ACA"], ["CCA"]), "ACGT", 10, {"from": "here"})
    assert data.vocabulary == ("<pad>", "<unk>", "A", "C", "G", "T")
    assert sorted(data.train.inputs.tolist()) == [[2, 3, 4, 5], [3, 2, 0, 0]]
    assert sorted(data.train.lengths.tolist()) == [2, 4]
    assert data.classes == ("A", "C")
    assert data.test.targets.tolist() == [1]
    assert data.provenance["from"] == "here"


def test_a_letter_outside_the_alphabet_is_unknown_and_counted():
    data = letter_data(splits(["ANNT", "CA"], ["ARA"], ["CCA"]), "ACGT", 10, {})
    assert [2, 1, 1, 5] in data.train.inputs.tolist()
    assert data.valid.inputs.tolist() == [[2, 1, 2]]
    assert data.provenance["unknown_letters"] == "3"


def test_long_sequences_are_cut_and_counted():
    data = letter_data(splits(["ACGT", "CA"], ["ACGTT"], ["CCA"]), "ACGT", 3, {})
    assert data.train.inputs.shape == (2, 3)
    assert data.valid.inputs.tolist() == [[2, 3, 4]]
    assert data.valid.lengths.tolist() == [3]
    assert data.provenance["truncated_sequences"] == "2"


def test_sequences_in_two_splits_are_counted():
    data = letter_data(splits(["AC", "CA", "AC"], ["AC"], ["CA"]), "ACGT", 3, {})
    assert data.provenance["sequences_in_two_splits"] == "2"


def test_a_class_that_train_does_not_have_is_refused():
    with pytest.raises(DataError, match=r"^the class 'G' occurs in test and never in train$"):
        letter_data(splits(["ACGT", "CA"], ["ACA"], ["GCA"]), "ACGT", 10, {})

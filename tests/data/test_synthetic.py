"""Generated problems: keyed numbers, splits without a common sequence."""

import pytest
import torch

from rnn_regexp.data import Parity, TemporalOrder
from rnn_regexp.data.sequences import DataError, Split
from rnn_regexp.data.synthetic import PADDING, Synthetic, one_hot

PROBLEMS = [TemporalOrder, Parity]


def rows(split: Split) -> set[bytes]:
    return {row.numpy().tobytes() for row in split.inputs}


@pytest.mark.parametrize("problem", PROBLEMS)
def test_the_same_settings_give_the_same_data(problem: type[Synthetic]):
    one, other = (problem(examples=50).load() for _ in range(2))
    assert one.digest() == other.digest()
    assert problem(examples=50, seed=1).load().digest() != one.digest()


@pytest.mark.parametrize("problem", PROBLEMS)
def test_no_sequence_stands_in_two_splits(problem: type[Synthetic]):
    data = problem(length=11, examples=400, valid_examples=100, test_examples=100).load()
    train, valid, test = (rows(split) for split in (data.train, data.valid, data.test))
    assert (len(train), len(valid), len(test)) == (400, 100, 100)
    assert not train & valid
    assert not train & test
    assert not valid & test


@pytest.mark.parametrize("problem", PROBLEMS)
def test_a_smaller_split_is_part_of_a_larger_one_and_changes_no_other(problem: type[Synthetic]):
    large, small = problem(examples=200).load(), problem(examples=50).load()
    assert rows(small.train) <= rows(large.train)
    assert torch.equal(small.test.inputs, large.test.inputs)
    assert torch.equal(small.valid.inputs, large.valid.inputs)


@pytest.mark.parametrize("problem", PROBLEMS)
def test_the_size_of_a_split_changes_no_other(problem: type[Synthetic]):
    few, many = (problem(examples=50, test_examples=count).load() for count in (20, 90))
    assert torch.equal(few.valid.inputs, many.valid.inputs)
    assert torch.equal(few.train.inputs, many.train.inputs)


def test_too_few_different_sequences():
    with pytest.raises(DataError) as error:
        Parity(length=8, examples=300, valid_examples=8, test_examples=8).load()
    assert str(error.value) == (
        "dataset.length: there are too few different sequences for 300 more in train; "
        "ask for a greater length or for fewer examples"
    )


def test_all_the_sequences_there_are():
    data = Parity(length=8, examples=240, valid_examples=8, test_examples=8).load()
    assert len(rows(data.train) | rows(data.valid) | rows(data.test)) == 2**8


def test_one_hot_leaves_padding_zero():
    found = one_hot(torch.tensor([[0, 2, PADDING]]), 3)
    assert found.tolist() == [[[1, 0, 0], [0, 0, 1], [0, 0, 0]]]


@pytest.mark.parametrize(("length", "shortest"), [(32, None), (40, 5), (7, 7)])
def test_parity_is_that_of_the_ones(length: int, shortest: int | None):
    counts = {"examples": 60, "valid_examples": 8, "test_examples": 8}
    data = Parity(length=length, shortest=shortest, **counts).load()
    for row, steps, target in zip(data.train.inputs, data.train.lengths, data.train.targets):
        signs = [int(value) for value in row[:steps, 0]]
        assert set(signs) <= {1, -1}
        assert data.classes[target] == ("odd" if signs.count(1) % 2 else "even")
        assert not row[steps:].any()
    assert data.train.lengths.max() <= length
    assert data.train.lengths.min() >= (shortest or length)


def test_parity_of_every_length_asked_for():
    data = Parity(length=20, shortest=10, examples=500).load()
    assert set(data.train.lengths.tolist()) == set(range(10, 21))


def test_parity_shortest_above_length():
    with pytest.raises(DataError) as error:
        Parity(length=10, shortest=11).load()
    assert str(error.value) == "dataset.shortest must be at most dataset.length=10, got 11"

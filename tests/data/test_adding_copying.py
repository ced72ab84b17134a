"""The adding and the copying problem, checked against the papers' definitions."""

import math

import pytest
import torch

from rnn_regexp.data import Adding, Copying
from rnn_regexp.data.adding import Rule
from rnn_regexp.data.sequences import SequenceData
from rnn_regexp.models.forward import Reads
from rnn_regexp.tasks import task_of


@pytest.fixture(scope="module")
def le() -> SequenceData:
    return Adding(length=20, examples=4000).load()


@pytest.fixture(scope="module")
def hochreiter() -> SequenceData:
    return Adding(length=40, rule=Rule.hochreiter, examples=4000).load()


def test_le_marks_two_steps_and_asks_for_their_sum(le: SequenceData):
    pairs = set()
    for row, target in zip(le.train.inputs.double(), le.train.targets):
        places = [at for at, mark in enumerate(row[:, 1].tolist()) if mark == 1]
        assert len(places) == 2
        assert row[:, 1].sum() == 2
        assert target.item() == pytest.approx(float(row[places[0], 0] + row[places[1], 0]))
        pairs.add(tuple(places))
    assert len(pairs) == 20 * 19 / 2  # every pair of steps
    assert set(le.train.lengths.tolist()) == {20}


def test_le_numbers_are_spread_over_zero_to_one(le: SequenceData):
    numbers = le.train.inputs[..., 0]
    assert numbers.min() >= 0
    assert numbers.max() < 1
    assert numbers.mean().item() == pytest.approx(1 / 2, abs=0.01)
    assert numbers.var().item() == pytest.approx(1 / 12, abs=0.002)
    assert (le.train.targets - 1).square().mean().item() == pytest.approx(1 / 6, abs=0.01)


def test_hochreiter_marks_where_the_paper_does(hochreiter: SequenceData):
    firsts, seconds, lengths = set(), set(), set()
    split = hochreiter.train
    for row, length, target in zip(split.inputs.double(), split.lengths.tolist(), split.targets):
        marks = row[:, 1].tolist()
        assert marks[0] == marks[length - 1] == -1
        assert not row[length:].any()
        places = [at for at, mark in enumerate(marks) if mark == 1]
        assert len(places) == (1 if row[0, 0] == 0 else 2)
        total = sum(float(row[at, 0]) for at in places)
        assert target.item() == pytest.approx(0.5 + total / 4, abs=1e-6)
        assert all(mark in (0, 1, -1) for mark in marks)
        assert sum(mark == -1 for mark in marks) == 2
        firsts.add(min(places))
        seconds.add(max(places))
        lengths.add(length)
    assert lengths == set(range(40, 45))
    assert min(firsts) == 1  # where the first pair is chosen, it keeps its -1 and its number is 0
    assert max(seconds) == 19
    assert (split.inputs[:, 0, 0] == 0).float().mean().item() == pytest.approx(0.15, abs=0.02)


def test_hochreiter_numbers_are_spread_over_minus_one_to_one(hochreiter: SequenceData):
    numbers = hochreiter.train.inputs[:, 5, 0]
    assert numbers.min() >= -1
    assert numbers.min() < -0.9
    assert numbers.max() < 1
    assert numbers.mean().item() == pytest.approx(0, abs=0.05)


def test_the_naive_answer_is_the_mean_of_train(le: SequenceData):
    targets = le.train.targets
    expected = (targets - targets.mean()).abs().mean().item()
    assert le.constants["naive"].tolist() == pytest.approx([expected])


def test_the_sum_is_a_forecast_of_one_number(le: SequenceData):
    task = task_of(le)
    assert task.outputs == 1
    assert task.reads is Reads.sequence


def test_copying_asks_for_the_symbols_after_the_pause():
    data = Copying(length=30, examples=300).load()
    assert data.train.inputs.shape == (300, 50, 10)
    assert data.classes[0] == "blank"
    for row, target in zip(data.train.inputs, data.train.targets):
        word = row.argmax(dim=1).tolist()
        assert row.sum(dim=1).tolist() == [1] * 50
        assert set(word[:10]) <= set(range(1, 9))
        assert word[10:39] == [0] * 29
        assert word[39] == 9
        assert word[40:] == [0] * 10
        assert target.tolist() == [0] * 40 + word[:10]
    symbols = data.train.targets[:, 40:].flatten().bincount(minlength=9)
    assert symbols[0] == 0
    assert symbols[1:].min() > 300


def test_copying_without_the_blanks():
    data = Copying(length=30, blanks=False, examples=50).load()
    assert (data.train.targets[:, :40] == -1).all()
    assert (data.train.targets[:, 40:] > 0).all()


@pytest.mark.parametrize(
    ("blanks", "expected"), [(True, 10 * math.log(8) / 50), (False, math.log(8))]
)
def test_to_forget_costs_what_the_paper_says(blanks: bool, expected: float):
    """Sure of the blanks, and all eight symbols equally likely where they are asked for."""
    targets = Copying(length=30, blanks=blanks, examples=50).load().train.targets
    p = torch.full((50, 50, 9), 0.0)
    p[:, :40, 0] = 1
    p[:, 40:, 1:] = 1 / 8
    judged = targets >= 0
    losses = -p.gather(2, targets.clamp(min=0)[..., None])[..., 0].log()
    assert losses[judged].mean().item() == pytest.approx(expected, rel=1e-6)

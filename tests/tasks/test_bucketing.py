"""Batches of like lengths, cut to their longest sequence, change no result."""

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor

from rnn_regexp.data import batches
from rnn_regexp.data.batches import Batch
from rnn_regexp.data.sequences import SequenceData, Split
from rnn_regexp.models import GRU
from rnn_regexp.tasks.base import Task
from rnn_regexp.training.evaluate import evaluate
from rnn_regexp.training.record import Outcome
from tests.tasks.test_tag import tagged
from tests.tasks.test_transduce import strings
from tests.training.tiny import cohort, run, sentences, translations, watch

DATA: dict[str, Callable[[], SequenceData]] = {
    "classify": lambda: sentences(9, train=23, valid=37),
    "tag": tagged,
    "transduce": strings,
    "translate": lambda: translations(9, train=23, valid=37),
}


@pytest.fixture(params=DATA)
def data(request: pytest.FixtureRequest) -> SequenceData:
    return DATA[request.param]()


def one_by_one(task: Task, split: Split, runs: int) -> Iterator[Batch]:
    """The sequences as they stand in the file, each by itself and with all of its padding."""
    for row in range(len(split)):
        inputs = split.inputs[row : row + 1].transpose(0, 1).expand(runs, -1, -1)  # (K, T, 1)
        lengths = split.lengths[row : row + 1].expand(runs, -1)
        yield Batch(inputs, lengths, split.targets[row : row + 1].expand(runs, 1, *_rest(split)))


def _rest(split: Split) -> tuple[int, ...]:
    return tuple(split.targets.shape[1:])


def test_evaluation_in_buckets_is_that_of_each_sequence_by_itself(
    data: SequenceData, monkeypatch: pytest.MonkeyPatch
):
    own = cohort(run(), run(seed=1), data=data, model=GRU(3, 4, bidirectional=True))
    bucketed = evaluate(own, own.split("valid"))
    monkeypatch.setattr(type(own.task), "evaluation", one_by_one)
    alone = evaluate(own, own.split("valid"))
    torch.testing.assert_close(bucketed, alone, rtol=1e-12, atol=0)


def test_training_on_batches_cut_to_their_longest_is_training_on_padded_ones(
    data: SequenceData, monkeypatch: pytest.MonkeyPatch
):
    cut, steps = _trained(data)
    monkeypatch.setattr(batches, "gather", uncut)
    whole, padded_steps = _trained(data)
    torch.testing.assert_close(steps, padded_steps, rtol=1e-12, atol=1e-15)
    for own, other in zip(cut, whole, strict=True):
        assert own.metrics == pytest.approx(other.metrics, rel=1e-10)


def _trained(data: SequenceData) -> tuple[list[Outcome], list[Tensor]]:
    outcomes, journal = watch(
        cohort(run(), run(seed=1), data=data, model=GRU(3, 4), epochs=2, batch_size=2)
    )
    return outcomes, journal.weights


def uncut(split: Split, rows: Tensor, longest: int | None = None) -> Batch:
    """Batches with all of their padding."""
    inputs = split.inputs[rows].transpose(1, 2)  # (K, T, B)
    return Batch(inputs, split.lengths[rows], split.targets[rows])

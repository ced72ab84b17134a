"""Mini-batches hold each sequence once, whole, and no more padding than the longest needs."""

import pytest
import torch

from rnn_regexp.data.batches import Batch, gather, shuffled, sorted_by_length
from rnn_regexp.data.sequences import Split
from rnn_regexp.noise import Noise
from tests.training.tiny import pixels, sentences

RUNS = 3
SPLITS = {"tokens": sentences(longest=9, train=23).train, "features": pixels(9, train=23).train}


@pytest.fixture(params=SPLITS)
def split(request: pytest.FixtureRequest) -> Split:
    return SPLITS[request.param]


def orders(split: Split) -> torch.Tensor:
    return Noise(torch.arange(RUNS), 1).permutation("order", len(split))


@pytest.mark.parametrize("batch_size", [1, 5, 23, 64])
def test_shuffled_gives_each_run_each_sequence_once_in_its_own_order(split: Split, batch_size: int):
    order = orders(split)
    batches = list(shuffled(split, order, batch_size))
    assert [batch.lengths.shape[1] for batch in batches[:-1]] == [batch_size] * (len(batches) - 1)
    assert sum(batch.lengths.shape[1] for batch in batches) == 23
    for k in range(RUNS):
        targets = torch.cat([batch.targets[k] for batch in batches])
        assert torch.equal(targets, split.targets[order[k]])
    assert not torch.equal(order[0], order[1])


def whole(batch: Batch, k: int, b: int, split: Split, row: int) -> bool:
    """Whether sequence ``b`` of run ``k`` is a row of the split, and zero behind its length."""
    length = int(split.lengths[row])
    steps, source = batch.inputs[k, :, b], split.inputs[row]
    same = torch.equal(steps[:length], source[:length]) and not steps[length:].any()
    return same and batch.lengths[k, b] == length and batch.targets[k, b] == split.targets[row]


def test_a_batch_holds_the_asked_sequences_and_ends_with_the_longest(split: Split):
    rows = torch.tensor([[0, 5, 5], [22, 1, 3], [7, 8, 9]])
    batch = gather(split, rows)
    assert batch.inputs.shape == (RUNS, int(split.lengths[rows].max()), 3, *split.inputs.shape[2:])
    assert all(whole(batch, k, b, split, int(rows[k, b])) for k in range(RUNS) for b in range(3))


def test_a_batch_of_short_sequences_is_short(split: Split):
    rows = split.lengths.argsort()[:2].expand(RUNS, 2)
    assert gather(split, rows).inputs.shape[1] == split.lengths.sort().values[1] < 9


def test_sorted_by_length_gives_all_runs_each_sequence_once(split: Split):
    batches = list(sorted_by_length(split, RUNS, 5))
    lengths = torch.cat([batch.lengths for batch in batches], dim=1)
    assert torch.equal(lengths, split.lengths.sort().values.expand(RUNS, -1))
    order = split.lengths.argsort(stable=True)
    targets = torch.cat([batch.targets for batch in batches], dim=1)
    assert torch.equal(targets, split.targets[order].expand(RUNS, -1))
    first = [whole(batches[0], k, b, split, int(order[b])) for k in range(RUNS) for b in range(5)]
    assert all(first)

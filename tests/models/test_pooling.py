"""Pooling reads valid steps alone, and is what its formula says."""

import pytest
import torch

from rnn_regexp.models import Pooling
from rnn_regexp.models.pooling import pool, pooling_specs
from tests.training.tiny import GRU, cohort, run, sentences, watch

K, T, B, N = 2, 6, 4, 3
LENGTHS = torch.tensor([[6, 1, 3, 5], [2, 6, 4, 1]])


def example() -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    generator = torch.Generator().manual_seed(0)
    outputs = torch.randn(K, T, B, N, generator=generator, dtype=torch.double)
    specs = pooling_specs(Pooling.attention, N)
    return outputs, {
        spec.name: torch.randn(K, *spec.shape, generator=generator, dtype=torch.double)
        for spec in specs
    }


@pytest.mark.parametrize("how", Pooling)
def test_each_sequence_is_pooled_over_its_own_steps(how: Pooling):
    outputs, weights = example()
    last = torch.randn(K, B, N).double()
    found = pool(how, outputs, last, LENGTHS, weights)
    for k in range(K):
        for b in range(B):
            h = outputs[k, : LENGTHS[k, b], b]  # (T_b, N)
            keys = torch.tanh(h @ weights["pool.W"][k].T + weights["pool.b"][k])
            shares = (keys @ weights["pool.u"][k, 0]).softmax(dim=0)
            expected = {
                Pooling.last: last[k, b],
                Pooling.mean: h.mean(dim=0),
                Pooling.max: h.amax(dim=0),
                Pooling.attention: shares @ h,
            }[how]
            torch.testing.assert_close(found[k, b], expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("how", Pooling)
def test_models_learn_with_it(how: Pooling):
    own = cohort(
        run(), run(seed=1), data=sentences(9), model=GRU(3, 4, pooling=how, bidirectional=True)
    )
    assert ("pool.u" in own.weights) is (how is Pooling.attention)
    _, journal = watch(own)
    moved = own.weights.at(journal.weights[-1] - journal.weights[0])
    assert all(tensor.any() for tensor in moved.values())
    assert journal.losses[-1].mean() < journal.losses[0].mean()

"""A stream that is reset goes on as if it began, and the others do not notice."""

import torch
from torch import Tensor

from rnn_regexp.models import LSTM
from rnn_regexp.models.forward import States
from rnn_regexp.noise import Noise
from rnn_regexp.regularizers.state_reset import StateReset
from rnn_regexp.training.cohort import Cohort
from tests.regularizers.test_contracts import carried_states, first_batch
from tests.training.tiny import cohort, run, stream, watch

MODEL = LSTM(3, 4, layers=2)


def streams(*techniques: StateReset) -> Cohort:
    return cohort(run(*techniques), data=stream(), model=MODEL, window=5)


def logits(own: Cohort, states: States, noise: Noise | None) -> Tensor:
    return own.task.forward(own.network(noise), first_batch(own), states).logits


def test_each_stream_goes_on_or_begins_in_all_layers():
    own = streams(StateReset(0.5))
    states, noise = carried_states(own), Noise(own.seeds, 4)
    found = logits(own, states, noise)  # (1, T, B, C)
    goes_on, begins = logits(own, states, None), logits(own, (), None)
    kept = noise.uniform("state_reset", (4, 1))[0, :, 0] >= 0.5
    assert 0 < kept.sum() < 4
    for b, stays in enumerate(kept):
        assert torch.equal(found[:, :, b], (goes_on if stays else begins)[:, :, b])
        assert not torch.equal(goes_on[:, :, b], begins[:, :, b])


def test_the_first_window_has_nothing_to_reset():
    own = streams(StateReset(0.9))
    assert torch.equal(logits(own, (), Noise(own.seeds, 4)), logits(own, (), None))


def test_windows_differ_and_evaluation_resets_nothing():
    own = streams(StateReset(0.5))
    states = carried_states(own)
    found = [logits(own, states, Noise(own.seeds, step)) for step in range(6)]
    assert len({tuple(one.flatten().tolist()) for one in found}) > 3
    (outcome,), journal = watch(streams(StateReset(0.5)))
    (plain,), without = watch(streams())
    assert torch.equal(journal.weights[1], without.weights[1])  # after the first window
    assert not torch.equal(journal.weights[2], without.weights[2])
    assert outcome.metrics["train/epochs"] == plain.metrics["train/epochs"] == 7

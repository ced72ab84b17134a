"""Windows with carried states equal one long sequence."""

import pytest
import torch

from rnn_regexp.recurrence.backends import Backend
from rnn_regexp.recurrence.cells import ALL, LSTM, Cell
from rnn_regexp.recurrence.layer import carried, layer
from tests.recurrence.examples import BY_HAND, T, close, example

each_cell = pytest.mark.parametrize("cell", ALL, ids=lambda cell: cell.name)
each_backend = pytest.mark.parametrize("backend", [Backend.cells, Backend.native, *BY_HAND])


@each_backend
@each_cell
def test_two_windows_equal_one(cell: Cell, backend: Backend):
    own = example(cell, runs=2)
    whole, ends = carried(cell, own.inputs, None, own.weights, own.states, backend)
    first, states = carried(cell, own.inputs[:, :2], None, own.weights, own.states, backend)
    second, last = carried(cell, own.inputs[:, 2:], None, own.weights, states, backend)
    joined = [torch.cat((first, second), dim=1), *last[0]]
    wanted = [whole, *ends[0]]
    close(joined + own.gradients(joined), wanted + own.gradients(wanted))


@pytest.mark.parametrize("backend", [Backend.cells, Backend.auto, *BY_HAND])
@each_cell
def test_ragged_windows_equal_one(cell: Cell, backend: Backend):
    """A sequence that has ended keeps its state through the windows that follow."""
    own = example(cell, runs=2)
    _, wanted = carried(cell, own.inputs, own.lengths, own.weights, own.states, backend)
    states = own.states
    for start in range(0, T, 2):
        window = own.inputs[:, start : start + 2]
        lengths = (own.lengths - start).clamp(0, 2)
        _, states = carried(cell, window, lengths, own.weights, states, backend)
    close(list(states[0]), list(wanted[0]))


@each_cell
def test_zero_states_are_the_default(cell: Cell):
    own = example(cell, runs=2, directions=2)
    outputs, lasts = carried(cell, own.inputs, own.lengths, own.weights)
    same, last = layer(cell, own.inputs, own.lengths, own.weights)
    close([outputs, torch.cat([state[0] for state in lasts], -1)], [same, last], 1e-12)


def test_native_lstm_refuses_c_at_own_lengths():
    own = example(LSTM, runs=1)
    with pytest.raises(ValueError, match="native has no state c at each sequence's own length"):
        carried(LSTM, own.inputs, own.lengths, own.weights, own.states, Backend.native)

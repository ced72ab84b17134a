"""Per-gate recurrent dropout equals that of Keras on its torch backend, where it is installed."""

import os

import pytest
import torch

from rnn_regexp.recurrence.backends import Backend
from rnn_regexp.recurrence.cells import GRU, LSTM, Cell
from rnn_regexp.recurrence.layer import run
from tests.recurrence.examples import BY_HAND, B, D, H, T, close, drawn, example

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras", reason="keras is not installed: extra [oracles]")

ORDER = {"gru": (1, 0, 2), "lstm": (0, 1, 2, 3)}  # Keras stacks z, r, h and i, f, c, o


def keras_cell(cell: Cell):
    kind = keras.layers.GRUCell if cell is GRU else keras.layers.LSTMCell
    settings = {"reset_after": True} if cell is GRU else {}
    own = kind(H, recurrent_dropout=0.4, dtype="float64", **settings)
    own.implementation = 1
    own.build((B, D))
    return own


def as_keras(cell: Cell, weight: torch.Tensor) -> torch.Tensor:
    """(G*H, ...) in torch's order to (..., G*H) in Keras's."""
    gates = weight.detach().chunk(cell.gates)
    return torch.cat([gates[k] for k in ORDER[cell.name]]).t()


@pytest.mark.parametrize("backend", [Backend.cells, *BY_HAND])
@pytest.mark.parametrize("cell", [GRU, LSTM], ids=lambda cell: cell.name)
def test_recurrent_dropout(cell: Cell, backend: Backend):
    own, noise = example(cell, runs=1), drawn(cell, 1)["h per gate fixed"]
    outputs, _ = run(cell, own.inputs, own.states[0], own.weights[0], backend, noise)
    theirs = keras_cell(cell)
    W_hx, W_hh, b_hx, b_hh = (as_keras(cell, weight[0]) for weight in own.weights[0])
    theirs.set_weights([W_hx, W_hh, torch.stack((b_hx, b_hh)) if cell is GRU else b_hx + b_hh])
    theirs._recurrent_dropout_mask = [noise.h[0, 0, :, k] for k in ORDER[cell.name]]
    state, wanted = [s[0] for s in own.states[0]], []
    for t in range(T):
        h, state = theirs.call(own.inputs[0, t], state, training=True)
        wanted.append(h)
    close([outputs[0]], [torch.stack(wanted)], tolerance=2e-6)  # Keras multiplies in float32

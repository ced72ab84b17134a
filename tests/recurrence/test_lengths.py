"""A padded sequence gives the numbers of the unpadded one, whatever stands on the padding."""

import pytest
import torch
from torch import Tensor

from rnn_regexp.recurrence import layer as layers
from rnn_regexp.recurrence.backends import Backend
from rnn_regexp.recurrence.cells import ALL, LSTM, TANH, Cell
from rnn_regexp.recurrence.layer import layer
from rnn_regexp.recurrence.lengths import at_length, turn
from rnn_regexp.recurrence.perturbation import RecurrentNoise
from tests.recurrence.examples import BY_HAND, B, D, Example, H, T, close, drawn, example

each_cell = pytest.mark.parametrize("cell", ALL, ids=lambda cell: cell.name)
each_backend = pytest.mark.parametrize("backend", [Backend.cells, Backend.native, *BY_HAND])
LONG = 2000


def of_one(noise: RecurrentNoise | None, b: int, length: int) -> RecurrentNoise | None:
    """The noise of sequence b alone, without its padding."""
    if noise is None:
        return None
    return RecurrentNoise(**{n: m[:, :length, b : b + 1] for n, m in noise.present().items()})


def alone(own: Example, b: int, backend: Backend, noise: RecurrentNoise | None) -> Tensor:
    """The gradients of sequence b's last state, computed without padding and neighbours."""
    length = int(own.lengths[0, b])
    inputs = own.inputs[:, :length, b : b + 1]
    _, last = layer(own.cell, inputs, None, own.weights, backend, of_one(noise, b, length))
    return last


@pytest.mark.parametrize(
    ("backend", "noisy"),
    [(backend, False) for backend in (Backend.cells, Backend.native, *BY_HAND)]
    + [(backend, True) for backend in (Backend.cells, *BY_HAND)],
)
@each_cell
def test_padded_equals_unpadded(cell: Cell, backend: Backend, noisy: bool):
    own = example(cell, runs=1, directions=2)
    noise = drawn(cell, 1)["all"] if noisy else None
    _, last = layer(cell, own.inputs, own.lengths, own.weights, backend, noise)
    apart = torch.cat([alone(own, b, backend, noise) for b in range(B)], dim=1)
    leaves = [own.inputs, *sum(own.weights, ())]
    pull = torch.randn_like(last)
    close(
        [last, *torch.autograd.grad(last, leaves, pull)],
        [apart, *torch.autograd.grad(apart, leaves, pull)],
        tolerance=1e-12,
    )


@each_backend
@each_cell
def test_padding_is_never_read(cell: Cell, backend: Backend):
    own = example(cell, runs=2, directions=2)
    padding = torch.arange(T)[:, None] >= own.lengths[:, None]  # (K, T, B)
    found = []
    for content in (0.0, 1e3):
        inputs = own.inputs.detach().masked_fill(padding[..., None], content).requires_grad_()
        _, last = layer(cell, inputs, own.lengths, own.weights, backend)
        leaves = [inputs, *sum(own.weights, ())]
        found.append([last, *torch.autograd.grad(last.sum(), leaves)])
    for a, b in zip(*found):
        assert torch.equal(a, b)
    assert found[0][1][padding].abs().max() == 0


def growing(cell: Cell) -> Example:
    """An example with a recurrence that doubles its state at every step where the cell lets it."""
    own = example(cell, runs=1)
    with torch.no_grad():
        own.weights[0][1].copy_(2 * torch.eye(H).repeat(cell.gates, 1)[None])
        own.weights[0][2].fill_(3.0)
    return own


@pytest.mark.parametrize(
    ("cell", "backend", "noise"),
    [
        *((cell, backend, "") for cell in ALL for backend in (Backend.cells, Backend.native)),
        *((cell, backend, "") for cell in ALL for backend in BY_HAND),
        *((cell, backend, "state") for cell in ALL for backend in BY_HAND),
        *((LSTM, backend, "cell") for backend in BY_HAND),
    ],
    ids=lambda value: getattr(value, "name", value),
)
@pytest.mark.parametrize("sorting", [True, False])
def test_long_padding_stays_finite(
    cell: Cell, backend: Backend, noise: str, sorting: bool, monkeypatch: pytest.MonkeyPatch
):
    if not sorting:
        monkeypatch.setattr(layers, "ragged", lambda lengths, T, W_hh: None)
    own = growing(cell)
    own.inputs.requires_grad_(False)
    mask = torch.full((1, 1, B, H), 2.0, dtype=torch.float64)
    masks = {noise: mask, "zoneout_h": mask / 2 if noise == "state" else None} if noise else {}
    disturbed = RecurrentNoise(**masks)
    long = torch.cat((own.inputs, own.inputs.new_ones(1, LONG - T, B, D)), dim=1)
    results = []
    for inputs in (own.inputs, long):
        _, last = layer(cell, inputs, own.lengths, own.weights, backend, disturbed)
        results.append([last, *torch.autograd.grad(last.sum(), list(own.weights[0]))])
    close(results[1], results[0])


def test_turn_is_its_own_inverse_and_moves_within_lengths():
    own = example(TANH, runs=2)
    turned = turn(own.inputs, own.lengths)
    for k, b in ((0, 2), (1, 0)):
        length = int(own.lengths[k, b])
        close([turned[k, :length, b]], [own.inputs[k, :length, b].flip(0)], 0.0)
        close([turned[k, length:, b]], [own.inputs[k, length:, b]], 0.0)
    assert torch.equal(turn(turned, own.lengths), own.inputs)
    assert torch.autograd.gradcheck(lambda x: turn(x, own.lengths), own.inputs)
    assert torch.autograd.gradgradcheck(lambda x: turn(x, own.lengths), own.inputs)


def test_at_length_of_an_empty_sequence_is_the_state_before():
    steps = torch.arange(12.0).view(1, 3, 2, 2)
    before = torch.full((1, 2, 2), -1.0)
    found = at_length(steps, torch.tensor([[0, 3]]), before)
    assert found.tolist() == [[[-1.0, -1.0], [10.0, 11.0]]]

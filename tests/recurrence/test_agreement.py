"""Every backend gives the numbers of the specification: outputs, states and every gradient."""

import pytest
import torch

from rnn_regexp.recurrence.backends import Backend
from rnn_regexp.recurrence.cells import ALL, LSTM, Cell
from rnn_regexp.recurrence.layer import carried
from rnn_regexp.recurrence.lengths import valid
from rnn_regexp.recurrence.perturbation import NONE
from tests.recurrence.examples import BY_HAND, D, H, T, close, computed, drawn, example

each_cell = pytest.mark.parametrize("cell", ALL, ids=lambda cell: cell.name)
KINDS = [(cell, kind, 3) for cell in ALL for kind in drawn(cell, 1)]
KINDS += [(cell, "all", 1) for cell in ALL]


@pytest.mark.parametrize("ragged", [True, False], ids=["ragged", "full"])
@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("runs", [1, 3])
@each_cell
def test_plain(cell: Cell, runs: int, directions: int, ragged: bool):
    own, none = example(cell, runs, directions), (None,) * directions
    wanted = computed(own, Backend.cells, none, ragged)
    for backend in BY_HAND:
        close(computed(own, backend, none, ragged), wanted)
    if not (ragged and cell is LSTM):  # native LSTM has the last c alone
        close(computed(own, Backend.native, none, ragged), wanted)
    close(computed(own, Backend.auto, none, ragged), wanted)


@pytest.mark.parametrize(
    ("cell", "kind", "runs"), KINDS, ids=lambda value: str(getattr(value, "name", value))
)
def test_with_noise(cell: Cell, kind: str, runs: int):
    own = example(cell, runs, directions=2)
    noise = drawn(cell, runs)[kind], drawn(cell, runs, seed=12)[kind]
    wanted = computed(own, Backend.cells, noise)
    for backend in BY_HAND:
        close(computed(own, backend, noise), wanted)
    plain = computed(own, Backend.cells, (None, None))
    assert (plain[0] - wanted[0]).abs().max() > 1e-3


@each_cell
def test_noise_in_one_direction(cell: Cell):
    own, noise = example(cell, 2, directions=2), drawn(cell, 2)["all"]
    both = computed(own, Backend.scan, (None, noise))
    close(both, computed(own, Backend.cells, (None, noise)))
    H = both[0].shape[-1] // 2
    plain = computed(own, Backend.scan, (None, None))[0]
    close([both[0][..., :H]], [plain[..., :H]])
    assert (both[0] - plain)[..., H:].abs().max() > 1e-3


STACKS = [(cell, kind) for cell in ALL for kind in ("none", *drawn(cell, 1))]


@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("layers", [2, 3])
@pytest.mark.parametrize(
    ("cell", "kind"), STACKS, ids=lambda value: str(getattr(value, "name", value))
)
def test_layers_upon_layers(cell: Cell, kind: str, layers: int, directions: int):
    """Each reads what the one below gives, with noise of its own; ragged and full."""
    widths = [D, *[directions * H] * (layers - 1)]
    each = [example(cell, 2, directions, width) for width in widths]
    noises = [
        tuple(drawn(cell, 2, 10 * at + side).get(kind, NONE) for side in range(directions))
        for at in range(layers)
    ]
    leaves = sum((own.leaves[1:] for own in each), each[0].leaves[:1])

    def stacked(backend: Backend, lengths: torch.Tensor | None) -> list[torch.Tensor]:
        x = each[0].inputs
        for own, noise in zip(each, noises):
            x, _ = carried(cell, x, lengths, own.weights, own.states, backend, noise)
        read = x if lengths is None else x * valid(lengths, T)[..., None]
        return [read, *torch.autograd.grad(read.square().sum(), leaves)]

    for lengths in (None, each[0].lengths):
        wanted = stacked(Backend.cells, lengths)
        for backend in BY_HAND:
            close(stacked(backend, lengths), wanted)

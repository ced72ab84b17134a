"""torch's kernel in two pieces gives what it gives in one."""

import pytest
import torch

from rnn_regexp.recurrence import layer as layers
from rnn_regexp.recurrence import native
from rnn_regexp.recurrence.backends import Backend
from rnn_regexp.recurrence.cells import ALL, Cell
from rnn_regexp.recurrence.layer import layer
from rnn_regexp.recurrence.lengths import valid
from tests.recurrence.examples import Example, H, T, close, example


def results(own: Example) -> list[torch.Tensor]:
    outputs, last = layer(own.cell, own.inputs, own.lengths, own.weights, Backend.native)
    seen = [outputs * valid(own.lengths, T)[..., None], last]
    leaves = [own.inputs, *sum(own.weights, ())]
    generator = torch.Generator().manual_seed(1)
    pulls = [torch.randn(x.shape, generator=generator, dtype=x.dtype) for x in seen]
    return [*seen, *torch.autograd.grad(seen, leaves, pulls)]


@pytest.mark.parametrize("runs", [1, 2])
@pytest.mark.parametrize("cell", ALL, ids=lambda cell: cell.name)
@pytest.mark.parametrize("worth", [1, 9 * H**2, 10_000])
@pytest.mark.parametrize(
    "lengths", [(6, 1, 4, 2), (0, 3, 0, 5), (5, 5, 5, 4), (0, 0, 0, 0), (6, 1, 1, 1)]
)
def test_pieces_give_the_whole(
    cell: Cell, runs: int, worth: int, lengths: tuple, monkeypatch: pytest.MonkeyPatch
):
    own = example(cell, runs, directions=2)
    own.lengths = torch.stack([torch.tensor(lengths).roll(k) for k in range(runs)])
    monkeypatch.setattr(native, "_WORTH_A_CALL", worth)
    found = results(own)
    monkeypatch.setattr(layers, "may_ask", lambda device: False)
    close(found, results(own), tolerance=1e-12)


def test_the_cut_saves_most(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(native, "_WORTH_A_CALL", 15)
    lengths = torch.tensor([[2, 9, 3, 2], [7, 7, 7, 7], [1, 4, 4, 4]])
    one, even, small = native.cut(lengths, 1)  # saved: (9 - 3) * 3 = 18 against (9 - 2) * 2
    assert (one.step, one.end, one.rows.tolist()) == (3, 9, [1])
    assert (even.step, even.end) == (7, 7)
    assert (small.step, small.end) == (4, 4)

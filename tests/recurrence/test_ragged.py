"""Steps over the sequences that still go on give what steps over all of them give."""

import pytest
import torch
from torch import Tensor

from rnn_regexp.recurrence import layer as layers
from rnn_regexp.recurrence.backends import Backend
from rnn_regexp.recurrence.cells import ALL, Cell
from rnn_regexp.recurrence.layer import carried
from rnn_regexp.recurrence.lengths import valid
from rnn_regexp.recurrence.ragged import ragged
from tests.recurrence.examples import BY_HAND, Example, T, close, drawn, example

RUNS = 2


def cases() -> list[tuple[Cell, str]]:
    return [(cell, name) for cell in ALL for name in ("", *drawn(cell, RUNS))]


def results(own: Example, name: str, backend: Backend) -> list[Tensor]:
    """Outputs on valid steps, last states, and all gradients, both directions."""
    noise = drawn(own.cell, RUNS)[name] if name else None
    outputs, ends = carried(
        own.cell, own.inputs, own.lengths, own.weights, own.states, backend, noise
    )
    seen = [outputs * valid(own.lengths, T)[..., None], *sum(ends, ())]
    return [*seen, *own.gradients(seen)]


@pytest.mark.parametrize(("cell", "name"), cases(), ids=lambda value: getattr(value, "name", value))
@pytest.mark.parametrize("backend", BY_HAND)
@pytest.mark.parametrize("lengths", [(6, 1, 4, 2), (0, 3, 0, 5), (1, 1, 1, 6), (2, 0, 0, 1)])
def test_it_is_what_padding_gives(
    cell: Cell, name: str, lengths: tuple, backend: Backend, monkeypatch: pytest.MonkeyPatch
):
    own = example(cell, RUNS, directions=2)
    own.lengths = torch.stack([torch.tensor(lengths).roll(k) for k in range(RUNS)])
    assert ragged(own.lengths, T, own.weights[0][1]) is not None
    found = results(own, name, backend)
    monkeypatch.setattr(layers, "ragged", lambda lengths, T, W_hh: None)
    close(found, results(own, name, backend), tolerance=1e-12)


@pytest.mark.parametrize("seed", range(20))
def test_each_step_takes_as_many_rows_as_the_fullest_run_needs(seed: int):
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(0, 40, (1 + seed % 3, 2 + seed), generator=generator)
    own = ragged(lengths, 60, torch.empty(1))
    assert own is not None
    going = valid(lengths, 60).sum(dim=2).amax(dim=0)  # (T,)
    assert own.steps.sizes == going[going > 0].tolist()
    seen = own.unpack(own.pack(torch.ones(*lengths.shape, 60, 1).transpose(1, 2)))[..., 0]
    assert (seen >= valid(lengths, 60)).all()


def test_outputs_behind_the_last_step_are_zero():
    own = example(ALL[0], RUNS)  # lengths 6, 1, 4, 2
    outputs, _ = carried(own.cell, own.inputs, own.lengths, own.weights, own.states, Backend.scan)
    assert outputs[0, 4:, 2].abs().max() == 0 < outputs[0, 3, 2].abs().max()


@pytest.mark.parametrize("lengths", [[[5, 5, 5, 5]], [[5, 5, 5, 4]], [[0, 0]]])
def test_where_little_is_left_out_nothing_is_sorted(lengths: list):
    assert ragged(torch.tensor(lengths), 5, torch.empty(1)) is None

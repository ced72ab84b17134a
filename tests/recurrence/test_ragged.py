"""Steps over the sequences that still go on give what steps over all of them give."""

from collections.abc import Iterator

import pytest
import torch

from rnn_regexp.recurrence import layer as layers
from rnn_regexp.recurrence.cells import ALL, Cell
from rnn_regexp.recurrence.layer import Backend, carried
from rnn_regexp.recurrence.lengths import valid
from rnn_regexp.recurrence.ragged import ragged, segments
from tests.recurrence.examples import Example, T, close, drawn, example

RUNS = 2


def cases() -> Iterator[tuple[Cell, str, Backend]]:
    for cell in ALL:
        yield cell, "", Backend.scan
        yield cell, "", Backend.native
        for name in drawn(cell, RUNS):
            yield cell, name, Backend.scan


def results(own: Example, name: str, backend: Backend) -> list[torch.Tensor]:
    """Outputs on valid steps, last states and all gradients, from given states, both directions."""
    noise = drawn(own.cell, RUNS)[name] if name else None
    states = own.states if backend is Backend.scan else ()  # native gives no c at given lengths
    if backend is Backend.native and own.cell.states == 2:
        outputs, h = layers.layer(own.cell, own.inputs, own.lengths, own.weights, backend, noise)
        lasts = [h]
    else:
        outputs, ends = carried(
            own.cell, own.inputs, own.lengths, own.weights, states, backend, noise
        )
        lasts = list(sum(ends, ()))
    seen = [outputs * valid(own.lengths, T)[..., None], *lasts]
    return [*seen, *own.gradients(seen)]


@pytest.mark.parametrize(
    ("cell", "name", "backend"), list(cases()), ids=lambda value: getattr(value, "name", value)
)
@pytest.mark.parametrize("lengths", [(6, 1, 4, 2), (0, 3, 0, 5), (1, 1, 1, 6)])
def test_it_is_what_padding_gives(
    cell: Cell, name: str, backend: Backend, lengths: tuple, monkeypatch: pytest.MonkeyPatch
):
    own = example(cell, RUNS, directions=2)
    own.lengths = torch.stack([torch.tensor(lengths).roll(k) for k in range(RUNS)])
    assert ragged(own.lengths, T) is not None
    found = results(own, name, backend)
    monkeypatch.setattr(layers, "ragged", lambda lengths, T: None)
    close(found, results(own, name, backend), tolerance=1e-12)


@pytest.mark.parametrize("seed", range(20))
def test_segments_hold_every_valid_step_and_at_most_twice_as_many(seed: int):
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(0, 60, (1 + seed % 3, 1 + seed), generator=generator)
    covered = torch.zeros(lengths.shape[1], 60, dtype=torch.bool)
    for start, stop, rows in segments(lengths):
        covered[:rows, start:stop] = True
    going = valid(lengths.sort(dim=1, descending=True).values, 60).transpose(1, 2)  # (K, B, 60)
    assert (going <= covered).all()
    assert covered.sum() <= 2 * going.any(dim=0).sum()


def test_outputs_that_no_segment_holds_are_zero():
    own = example(ALL[0], RUNS)  # lengths 6, 1, 4, 2: the first segment ends with the third longest
    outputs, _ = carried(own.cell, own.inputs, own.lengths, own.weights, own.states, Backend.scan)
    assert outputs[0, 2:, 1].abs().max() == 0 < outputs[0, 1, 1].abs().max()


@pytest.mark.parametrize("lengths", [[[5, 5, 5, 5]], [[5, 5, 5, 4]], [[0, 0]]])
def test_where_little_is_left_out_nothing_is_sorted(lengths: list):
    assert ragged(torch.tensor(lengths), 5) is None

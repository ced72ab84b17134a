"""A recorded step is a step: on CPU with a tape in the place of a CUDA graph."""

import pytest
import torch
from torch import Tensor

from rnn_regexp.training.graph import Graphed
from tests.training.tape import Taping


class Descent:
    """w <- w - 0.1 * dL/dw, L = sum (x w)^2: a step with state, and its loss."""

    def __init__(self) -> None:
        self.w = torch.linspace(1, 2, 4, dtype=torch.double)

    def step(self, inputs: tuple[Tensor, ...], _: object = None) -> tuple[Tensor, ...]:
        (x,) = inputs
        loss = (x * self.w).square().sum()
        self.w -= 0.1 * 2 * x.square().sum(0) * self.w
        return (loss,)


def batches(*sizes: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [0.3 * torch.randn(n, 4, generator=generator, dtype=torch.double) for n in sizes]


def test_steps_by_recordings_are_the_plain_steps():
    plain, played, record = Descent(), Descent(), Taping()
    graphed = Graphed(played.step, lambda: [played.w], record)
    for x in batches(3, 5, 3, 3, 5, 5, 3, 2):
        assert torch.equal(graphed((x,))[0], plain.step((x,))[0])
        assert torch.equal(played.w, plain.w)
    assert record.recordings == 2  # of 3 and of 5 sequences; of 2 they came once
    assert record.replays == 5  # all but the first of each


def test_results_are_not_overwritten_by_the_next_call():
    own = Descent()
    graphed = Graphed(own.step, lambda: [own.w], Taping())
    losses = [graphed((x,))[0] for x in batches(3, 3, 3, 3)]
    assert len({float(loss) for loss in losses}) == 4


def test_recordings_read_the_new_inputs_and_leave_the_callers_alone():
    graphed = Graphed(lambda own, _: (own[0] + 1,), list, Taping())
    inputs = batches(2, 2, 2)
    kept = [x.clone() for x in inputs]
    for x, before in zip(inputs, kept):
        assert torch.equal(graphed((x,))[0], before + 1)
    assert all(map(torch.equal, inputs, kept))


@pytest.mark.parametrize("change", [lambda x: x.float(), lambda x: x[:, :2]])
def test_types_and_shapes_have_recordings_of_their_own(change):
    record = Taping()
    graphed = Graphed(lambda own, _: (own[0].sum(),), list, record)
    (x,) = batches(3)
    for own in (x, x, change(x), change(x)):
        assert torch.equal(graphed((own,))[0], own.sum())
    assert record.recordings == 2


def test_beyond_the_most_shapes_steps_are_plain():
    record = Taping()
    graphed = Graphed(lambda own, _: (own[0].sum(),), list, record, most=1)
    for x in batches(1, 1, 2, 2, 2):
        assert torch.equal(graphed((x,))[0], x.sum())
    assert (record.recordings, record.replays) == (1, 1)


def test_on_cpu_every_step_is_plain():
    own = Descent()
    graphed = Graphed.on(torch.device("cpu"), own.step, lambda: [own.w])
    plain = Descent()
    for x in batches(3, 3, 3):
        assert torch.equal(graphed((x,))[0], plain.step((x,))[0])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device: no graph is recorded")
def test_on_cuda_steps_are_replayed():
    plain, graphed = Descent(), Descent()
    plain.w, graphed.w = plain.w.cuda(), graphed.w.cuda()
    step = Graphed.on(torch.device("cuda"), graphed.step, lambda: [graphed.w])
    for x in batches(3, 5, 3, 3, 5, 5):
        assert torch.equal(step(x.cuda())[0], plain.step(x.cuda())[0])
        assert torch.equal(graphed.w, plain.w)

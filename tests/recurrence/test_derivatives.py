"""The derivatives by hand against finite differences; second derivatives through the cells."""

import pytest
import torch
from torch import Tensor

from rnn_regexp.recurrence.backends import Backend
from rnn_regexp.recurrence.cells import ALL, Cell
from rnn_regexp.recurrence.layer import run
from rnn_regexp.recurrence.perturbation import RecurrentNoise
from tests.recurrence.examples import BY_HAND, drawn, example

each_cell = pytest.mark.parametrize("cell", ALL, ids=lambda cell: cell.name)
by_hand = pytest.mark.parametrize("backend", BY_HAND)


def as_function(cell: Cell, backend: Backend, noise: RecurrentNoise | None):
    def function(inputs: Tensor, *others: Tensor) -> tuple[Tensor, ...]:
        state, weights = others[: cell.states], others[cell.states :]
        outputs, last = run(cell, inputs, state, weights, backend, noise)
        return outputs, *last

    return function


@pytest.mark.parametrize("noisy", [False, True], ids=["plain", "noise"])
@by_hand
@each_cell
def test_against_finite_differences(cell: Cell, backend: Backend, noisy: bool):
    own = example(cell, runs=2)
    noise = drawn(cell, 2)["all"] if noisy else None
    function = as_function(cell, backend, noise)
    assert torch.autograd.gradcheck(function, own.leaves, fast_mode=True)


@each_cell
def test_second_derivatives_go_through_cells(cell: Cell):
    own = example(cell, runs=1)
    noise = drawn(cell, 1)["all"]
    function = as_function(cell, Backend.cells, noise)
    assert torch.autograd.gradgradcheck(function, own.leaves, fast_mode=True)


@by_hand
@each_cell
def test_second_derivatives_are_refused(cell: Cell, backend: Backend):
    own = example(cell, runs=1)
    outputs, _ = run(cell, own.inputs, own.states[0], own.weights[0], backend)
    for loss in (outputs.sum(), outputs.square().sum()):
        with pytest.raises(RuntimeError, match="no second derivatives: take backend cells"):
            torch.autograd.grad(loss, own.inputs, create_graph=True)


@each_cell
def test_only_the_last_state_is_used(cell: Cell):
    """A gradient that is absent is zero: of the outputs, or of the LSTM's c."""
    found = []
    for backend in (Backend.cells, *BY_HAND):
        own = example(cell, runs=2)
        _, last = run(cell, own.inputs, own.states[0], own.weights[0], backend)
        found.append(torch.autograd.grad(last[-1].sum(), own.leaves))
    for wanted, *others in zip(*found):
        for other in others:
            torch.testing.assert_close(other, wanted, rtol=1e-10, atol=1e-10)


@by_hand
@each_cell
def test_backward_twice_on_one_graph_gives_the_same(cell: Cell, backend: Backend):
    own = example(cell, runs=2)
    outputs, _ = run(cell, own.inputs, own.states[0], own.weights[0], backend)
    first, second = (
        torch.autograd.grad(outputs.sum(), own.leaves, retain_graph=True) for _ in range(2)
    )
    assert all(torch.equal(a, b) for a, b in zip(first, second))

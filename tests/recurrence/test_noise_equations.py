"""Every kind of noise equals the papers' equations, typed again in numpy."""

import numpy as np
import pytest
import torch

from rnn_regexp.recurrence.backends import Backend
from rnn_regexp.recurrence.cells import ALL, Cell
from rnn_regexp.recurrence.layer import run
from rnn_regexp.recurrence.perturbation import RecurrentNoise
from tests.recurrence import equations
from tests.recurrence.examples import BY_HAND, B, H, T, close, drawn, example

RUNS = 2
each_backend = pytest.mark.parametrize("backend", [Backend.cells, *BY_HAND])
KINDS = [(cell, kind) for cell in ALL for kind in ("none", *drawn(cell, 1))]


def array(tensor: torch.Tensor) -> equations.Array:
    return tensor.detach().numpy()


@each_backend
@pytest.mark.parametrize(("cell", "kind"), KINDS, ids=lambda value: getattr(value, "name", value))
def test_equals_the_equations(cell: Cell, kind: str, backend: Backend):
    own = example(cell, RUNS)
    noise = drawn(cell, RUNS).get(kind, RecurrentNoise())
    outputs, _ = run(cell, own.inputs, own.states[0], own.weights[0], backend, noise)
    for k in range(RUNS):
        for b in range(B):
            masks = {name: array(mask[k, :, b]) for name, mask in noise.present().items()}
            wanted = equations.outputs(
                cell.name,
                array(own.inputs[k, :, b]),
                [array(state[k, b]) for state in own.states[0]],
                [array(weight[k]) for weight in own.weights[0]],
                masks,
            )
            np.testing.assert_allclose(array(outputs[k, :, b]), wanted, rtol=1e-10, atol=1e-10)


@each_backend
@pytest.mark.parametrize("cell", ALL, ids=lambda cell: cell.name)
def test_neutral_noise_is_no_noise(cell: Cell, backend: Backend):
    own = example(cell, RUNS)
    one = torch.ones(RUNS, 1, B, H, dtype=torch.float64)
    neutral = {"h": one[:, :, :, None].expand(-1, -1, -1, cell.gates, -1), "state": one}
    neutral |= {"zoneout_h": 0 * one} | ({"candidate": one} if cell.gates > 1 else {})
    neutral |= {"cell": one, "zoneout_c": 0 * one} if cell.states > 1 else {}
    found = []
    for noise in (None, RecurrentNoise(), RecurrentNoise(**neutral)):
        outputs, _ = run(cell, own.inputs, own.states[0], own.weights[0], backend, noise)
        found.append([outputs, *own_gradients(own, outputs)])
    close(found[1], found[0], 0.0)
    close(found[2], found[0])


def own_gradients(own, outputs):
    return own.gradients([outputs])


def test_complete_zoneout_keeps_the_initial_state():
    for cell in ALL:
        own = example(cell, RUNS)
        ones = torch.ones(RUNS, T, B, H, dtype=torch.float64)
        noise = RecurrentNoise(zoneout_h=ones, zoneout_c=ones if cell.states > 1 else None)
        for backend in (Backend.cells, *BY_HAND):
            _, last = run(cell, own.inputs, own.states[0], own.weights[0], backend, noise)
            close(list(last), list(own.states[0]), 0.0)

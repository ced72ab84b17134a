"""The Mogrifier LSTM against the paper's equations in numpy, with all noise and exact lengths."""

import numpy as np
import pytest
import torch
from torch import Tensor

from rnn_regexp.recurrence.backends import Backend
from rnn_regexp.recurrence.cells import LSTM
from rnn_regexp.recurrence.layer import carried, layer
from rnn_regexp.recurrence.mogrifier import Factors, mogrifier
from rnn_regexp.recurrence.perturbation import RecurrentNoise
from tests.recurrence import equations
from tests.recurrence.equations import Array, sigmoid
from tests.recurrence.examples import D, Example, H, drawn, example

RUNS = 2
NOISES = drawn(LSTM, RUNS)


def rounds_of(count: int, rank: int | None = None) -> list[Factors]:
    generator = torch.Generator().manual_seed(5)

    def leaf(*shape: int) -> Tensor:
        return torch.randn(RUNS, *shape, generator=generator, dtype=torch.double).requires_grad_()

    sizes = [(H, D) if index % 2 else (D, H) for index in range(count)]
    if rank is None:
        return [(leaf(*size),) for size in sizes]
    return [(leaf(rows, rank), leaf(rank, columns)) for rows, columns in sizes]


def gated(x: Array, h: Array, rounds: list[Array]) -> tuple[Array, Array]:
    """Equations 1 and 2 of Melis et al. 2020, with x^{-1} = x and h^0 = h_prev."""
    xs, hs = {-1: x}, {0: h}
    for i, W in enumerate(rounds, start=1):
        if i % 2 == 1:
            xs[i] = 2 * sigmoid(W @ hs[i - 1]) * xs[i - 2]
        else:
            hs[i] = 2 * sigmoid(W @ xs[i - 1]) * hs[i - 2]
    return xs[max(xs)], hs[max(hs)]


def expected(
    x: Array, state: list[Array], weights: list[Array], rounds: list[Array], masks: dict[str, Array]
) -> tuple[Array, list[Array]]:
    """h_1 ... h_T, and the last h and c, of one sequence (T, D)."""
    (h, c), outputs = state, []
    for t, x_t in enumerate(x):
        now = {name: mask[t % len(mask)] for name, mask in masks.items()}
        inside = {n: m for n, m in now.items() if n not in ("zoneout_h", "zoneout_c", "state")}
        new_x, new_h = gated(x_t, h, rounds)
        h_new, c_new = equations.lstm(new_x, new_h, c, *weights, inside)
        h = equations.finish(h, h_new, now)
        c = equations.zoned_out("zoneout_c", c, c_new, now)
        outputs.append(h)
    return np.stack(outputs), [h, c]


def whole(factors: Factors, k: int) -> Array:
    parts = [W[k].detach().numpy() for W in factors]
    return parts[0] if len(parts) == 1 else parts[0] @ parts[1]


def cells_of(own: Example, rounds: list[Factors]):
    return tuple(mogrifier(rounds, W_hx, b_hx) for W_hx, _, b_hx, _ in own.weights)


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize(("count", "rank"), [(1, None), (2, None), (5, None), (6, 2)])
def test_it_is_the_papers(count: int, rank: int | None, noise: str):
    own, rounds, drawn_ = example(LSTM, RUNS, directions=2), rounds_of(count, rank), NOISES[noise]
    cells = cells_of(own, rounds)
    found, lasts = carried(
        cells, own.inputs, own.lengths, own.weights, own.states, Backend.auto, drawn_
    )
    for k, b, d in np.ndindex(RUNS, own.lengths.shape[1], 2):
        length = int(own.lengths[k, b])
        x = own.inputs[k, :length, b].detach().numpy()
        outputs, last = expected(
            x[::-1] if d else x,
            [s[k, b].detach().numpy() for s in own.states[d]],
            [W[k].detach().numpy() for W in own.weights[d]],
            [whole(factors, k) for factors in rounds],
            {name: mask[k, :, b].numpy() for name, mask in drawn_.present().items()},
        )
        every = found[k, :length, b, d * H : (d + 1) * H].detach().numpy()
        np.testing.assert_allclose(every[::-1] if d else every, outputs, rtol=1e-10, atol=1e-12)
        for state, wanted in zip(lasts[d], last):
            np.testing.assert_allclose(state[k, b].detach(), wanted, rtol=1e-10, atol=1e-12)


def test_without_rounds_it_is_the_lstm():
    own = example(LSTM, RUNS)
    found, _ = layer(cells_of(own, []), own.inputs, own.lengths, own.weights)
    wanted, _ = layer(LSTM, own.inputs, own.lengths, own.weights, Backend.cells)
    torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("rank", [None, 2])
def test_its_gradient_is_that_of_finite_differences(rank: int | None):
    own, rounds = example(LSTM, RUNS), rounds_of(3, rank)
    few = RecurrentNoise(**{n: m[:, :3, :2] for n, m in NOISES["all"].present().items()})
    lengths = own.lengths[:, :2].clamp_max(3)  # two sequences of at most three steps
    matrices = [W for factors in rounds for W in factors]
    width = len(rounds[0])

    def last(inputs: Tensor, *leaves: Tensor) -> Tensor:
        parts, rest = leaves[:4], leaves[4:]
        each = [rest[at : at + width] for at in range(0, len(rest), width)]
        return layer(mogrifier(each, parts[0], parts[2]), inputs, lengths, (parts,), noise=few)[1]

    inputs = own.inputs[:, :3, :2].detach().requires_grad_()
    assert torch.autograd.gradcheck(last, [inputs, *own.weights[0], *matrices])

"""float32 differs from float64 by rounding alone, whichever library multiplies; autocast."""

import pytest
import torch

from rnn_regexp.recurrence import products
from rnn_regexp.recurrence.backends import Backend, choose
from rnn_regexp.recurrence.cells import ALL, LSTM, Cell
from rnn_regexp.recurrence.layer import layer
from rnn_regexp.recurrence.perturbation import RecurrentNoise
from tests.recurrence.examples import BY_HAND, BY_NUMBA, example

WIDE = {"runs": 2, "steps": 3, "batch": 32, "hidden": 136}  # products large enough for oneDNN
NARROW = {"runs": 2, "steps": 7, "batch": 3, "hidden": 8}
ODD = {"runs": 2, "steps": 3, "batch": 5, "hidden": 37}  # not a multiple of any vector
each_cell = pytest.mark.parametrize("cell", ALL, ids=lambda cell: cell.name)


def computed(
    cell: Cell,
    backend: Backend,
    dtype: torch.dtype,
    noisy: bool,
    *,
    runs: int,
    steps: int,
    batch: int,
    hidden: int,
) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)

    def drawn(*shape: int, scale: float = 1.0) -> torch.Tensor:
        return (scale * torch.randn(shape, generator=generator, dtype=torch.float64)).to(dtype)

    G, scale = cell.gates * hidden, hidden**-0.5
    weights = tuple(
        drawn(runs, G, *rest, scale=scale).requires_grad_()
        for rest in ((hidden,), (hidden,), (), ())
    )
    inputs = drawn(runs, steps, batch, hidden).requires_grad_()
    mask = drawn(runs, 1, batch, cell.gates, hidden).gt(0).to(dtype)
    noise = RecurrentNoise(h=2 * mask) if noisy else None
    outputs, _ = layer(cell, inputs, None, (weights,), backend, noise)
    pull = drawn(*outputs.shape)
    return [outputs, *torch.autograd.grad(outputs, [inputs, *weights], pull)]


@pytest.mark.parametrize("onednn", [True, False], ids=["onednn", "mkl"])
@pytest.mark.parametrize("noisy", [False, True], ids=["plain", "noise"])
@pytest.mark.parametrize("size", [WIDE, NARROW, ODD], ids=["wide", "narrow", "odd"])
@each_cell
def test_float32(
    cell: Cell, size: dict[str, int], noisy: bool, onednn: bool, monkeypatch: pytest.MonkeyPatch
):
    if not onednn:
        monkeypatch.setattr(products, "_LINEAR", None)
    exact = computed(cell, Backend.cells, torch.float64, noisy, **size)
    for backend in (*BY_HAND, Backend.auto):
        rounded = computed(cell, backend, torch.float32, noisy, **size)
        for a, b in zip(rounded, exact):
            assert a.dtype is torch.float32
            assert (a - b).norm() < 3e-6 * b.norm()


@pytest.mark.skipif(products._LINEAR is None, reason="torch without oneDNN")
def test_only_large_products_of_float32_go_to_onednn():
    def chosen(rows: int, size: int, dtype: torch.dtype) -> bool:
        return rows >= products.Matrix(torch.zeros(2, size, size, dtype=dtype)).least

    assert chosen(32, 256, torch.float32)
    assert not chosen(32, 256, torch.float64)
    assert not chosen(32, 32, torch.float32)


@pytest.mark.parametrize("threads", [1, 4])
def test_auto_takes_the_kernel_of_torch_only_where_it_is_the_fastest(
    threads: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    x, double = torch.zeros(1), torch.zeros(1).double()
    ours = Backend.cpu if BY_NUMBA else Backend.scan
    slower = BY_NUMBA and threads == 1
    fused = Backend.native if torch.backends.mkldnn.is_available() and not slower else ours
    assert choose(Backend.auto, LSTM, x) is fused
    assert choose(Backend.auto, LSTM, double) is Backend.scan
    assert choose(Backend.auto, LSTM, x, noise=True) is ours
    assert choose(Backend.auto, LSTM, x, every_c=True) is ours
    for cell in ALL:
        assert choose(Backend.cells, cell, x) is Backend.cells
        if cell is not LSTM:
            assert choose(Backend.auto, cell, x) is ours


@pytest.mark.parametrize("backend", [Backend.cells, Backend.native, *BY_HAND])
@each_cell
def test_autocast_stays_outside(cell: Cell, backend: Backend):
    own = example(cell, runs=2, dtype=torch.float32)
    inputs = own.inputs.bfloat16()  # as a product under autocast leaves them
    plain, _ = layer(cell, inputs.float(), None, own.weights, backend)
    with torch.autocast("cpu", torch.bfloat16):
        inside, _ = layer(cell, inputs, None, own.weights, backend)
    assert torch.equal(inside, plain)
    for a, b in zip(own.gradients([inside]), own.gradients([plain])):
        assert torch.equal(a, b)

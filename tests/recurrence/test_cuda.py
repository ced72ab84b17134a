"""The Triton kernels give the numbers of the specification, in each way that they are launched.

Without a CUDA device they run in Triton's interpreter, on CPU tensors.
"""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

pytest.importorskip("triton", reason="Triton is not installed: its kernels are not tested")

from rnn_regexp.recurrence import cuda
from rnn_regexp.recurrence.backends import Backend
from rnn_regexp.recurrence.cells import ALL, GRU, LSTM, RELU, Cell, unroll
from rnn_regexp.recurrence.cuda import Sizes, fused
from rnn_regexp.recurrence.layer import layer, run
from rnn_regexp.recurrence.perturbation import RecurrentNoise
from tests.recurrence import examples
from tests.recurrence.examples import Example, close, computed, drawn, example

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
# One launch with W_hh held and two tiles of sequences, one launch with W_hh read in two parts, a
# launch for each step with two tiles of units.
WAYS = {
    "held": lambda gates, H, masks, _: (Sizes(H, gates, masks, 2, 16, True, "ieee"), True),
    "read": lambda gates, H, masks, _: (Sizes(H, gates, masks, 16, 64, False, "ieee"), True),
    "step": lambda gates, H, masks, _: (Sizes(H, gates, masks, 4, 4, False, "ieee"), False),
}
KINDS = [(cell, "held", kind) for cell in ALL for kind in ("none", *drawn(cell, 1))]
KINDS += [(cell, "read", kind) for cell in ALL for kind in ("none", "all")]
KINDS += [(cell, "step", kind) for cell in ALL for kind in ("none", "h tied per step", "all")]
each_cell = pytest.mark.parametrize("cell", ALL, ids=lambda cell: cell.name)


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three steps and sequences: the interpreter takes its time."""
    monkeypatch.setattr(examples, "T", 3)
    monkeypatch.setattr(examples, "B", 3)
    monkeypatch.setattr(examples, "LENGTHS", (3, 1, 2))


def on_device(noise: RecurrentNoise | None) -> RecurrentNoise | None:
    return noise and replace(noise, **{n: m.to(DEVICE) for n, m in noise.present().items()})


def by_kernels(own: Example, noise: tuple[RecurrentNoise | None, ...], ragged: bool = True):
    there = computed(own.to(DEVICE), Backend.cuda, tuple(map(on_device, noise)), ragged)
    return [tensor.cpu() for tensor in there]


@pytest.mark.parametrize(
    ("cell", "way", "kind"), KINDS, ids=lambda value: str(getattr(value, "name", value))
)
def test_agreement(cell: Cell, way: str, kind: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cuda, "tiling", WAYS[way])
    if way == "read":
        monkeypatch.setattr(examples, "H", 40)
    own, noise = example(cell, runs=2), (drawn(cell, 2).get(kind),)
    found = by_kernels(own, noise, ragged=False)
    close(found, computed(own, Backend.cells, noise, ragged=False))


@each_cell
def test_ragged_and_reversed(cell: Cell):
    own, noise = example(cell, runs=2, directions=2), (drawn(cell, 2)["all"], None)
    close(by_kernels(own, noise), computed(own, Backend.cells, noise))


@pytest.mark.parametrize("H", [40, 130])
@each_cell
def test_float32(cell: Cell, H: int, monkeypatch: pytest.MonkeyPatch):
    """As layers are cut into programs, in one launch and in a launch for each step."""
    monkeypatch.setattr(examples, "H", H)
    exact, rounded = example(cell, 1), example(cell, 1, dtype=torch.float32)
    _, whole = cuda.tiling(cell.gates, H, 1, torch.float32)
    assert whole == (H == 40)
    for a, b in zip(
        by_kernels(rounded, (None,), False), computed(exact, Backend.cells, (None,), False)
    ):
        assert a.dtype is torch.float32
        assert (a - b).norm() < 3e-6 * b.norm()


@each_cell
def test_only_the_last_state_is_used(cell: Cell):
    """A gradient that is absent is zero: of the outputs, or of the LSTM's c."""
    own, there = example(cell, runs=1), example(cell, runs=1).to(DEVICE)
    _, wanted = run(cell, own.inputs, own.states[0], own.weights[0], Backend.cells)
    _, found = run(cell, there.inputs, there.states[0], there.weights[0], Backend.cuda)
    for index in range(cell.states):
        a = torch.autograd.grad(wanted[index].sum(), own.leaves, retain_graph=True)
        b = torch.autograd.grad(found[index].sum(), there.leaves, retain_graph=True)
        close([tensor.cpu() for tensor in b], list(a))


def test_backward_twice_on_one_graph_gives_the_same():
    own = example(GRU, runs=1).to(DEVICE)
    outputs, _ = run(GRU, own.inputs, own.states[0], own.weights[0], Backend.cuda)
    first, second = (
        torch.autograd.grad(outputs.sum(), own.leaves, retain_graph=True) for _ in range(2)
    )
    assert all(torch.equal(a, b) for a, b in zip(first, second))


def test_inputs_without_gradient():
    own = example(LSTM, runs=1).to(DEVICE)
    outputs, _ = layer(LSTM, own.inputs.detach(), None, own.weights, Backend.cuda)
    with_inputs, _ = layer(LSTM, own.inputs, None, own.weights, Backend.cuda)
    close(
        list(torch.autograd.grad(outputs.sum(), own.weights[0])),
        list(torch.autograd.grad(with_inputs.sum(), own.weights[0])),
        0.0,
    )


def test_second_derivatives_are_refused():
    own = example(GRU, runs=1).to(DEVICE)
    outputs, _ = run(GRU, own.inputs, own.states[0], own.weights[0], Backend.cuda)
    with pytest.raises(RuntimeError, match="no second derivatives: take backend cells"):
        torch.autograd.grad(outputs.square().sum(), own.inputs, create_graph=True)


def test_autocast_stays_outside():
    own = example(GRU, runs=1, dtype=torch.float32).to(DEVICE)
    inputs = own.inputs.bfloat16()  # as a product under autocast leaves them
    plain, _ = layer(GRU, inputs.float(), None, own.weights, Backend.cuda)
    with torch.autocast(DEVICE, torch.bfloat16):
        inside, _ = layer(GRU, inputs, None, own.weights, Backend.cuda)
    assert torch.equal(inside, plain)


def test_half_precision_is_refused():
    own = example(GRU, runs=1, dtype=torch.bfloat16).to(DEVICE)
    with pytest.raises(
        ValueError, match=r"must be torch\.float32 or torch\.float64, got .*bfloat16"
    ):
        run(GRU, own.inputs, own.states[0], own.weights[0], Backend.cuda)


def test_a_run_that_is_not_finite_stays_so_and_alone():
    """A relu that dropped nan would hide that a run has diverged."""
    own = example(RELU, runs=2).to(DEVICE)
    with torch.no_grad():
        own.weights[0][0][1] = torch.nan

    def outputs(function) -> Tensor:
        return function(RELU, own.inputs, own.states[0], own.weights[0])[0]

    assert outputs(fused)[1].isnan().all()
    close([outputs(fused)[0].detach()], [outputs(unroll)[0].detach()])


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("cell", [GRU, LSTM], ids=lambda cell: cell.name)
def test_tensors_need_not_be_dense(cell: Cell, way: str, monkeypatch: pytest.MonkeyPatch):
    """Masks that are one for all sequences, weights that are parts of a larger tensor."""
    monkeypatch.setattr(cuda, "tiling", WAYS[way])
    if way == "read":
        monkeypatch.setattr(examples, "H", 40)
    own = example(cell, runs=2)
    one = (torch.arange(2 * examples.H).view(2, 1, 1, 1, -1) % 3 > 0).double()
    h = one.expand(-1, -1, examples.B, -1, -1)  # (K, 1, B, 1, H)
    masks = {"h": h, "state": h[:, :, :, 0]}

    def gradients(backend: Backend, device: str) -> list[Tensor]:
        there = own.to(device)
        W_hx, W_hh, *biases = there.weights[0]
        wide = torch.cat((W_hh, W_hh), dim=2)[:, :, : examples.H]
        noise = RecurrentNoise(**{name: mask.to(device) for name, mask in masks.items()})
        weights = (W_hx, wide, *biases)
        outputs, _ = run(cell, there.inputs, there.states[0], weights, backend, noise)
        expanded = torch.ones((), dtype=torch.float64, device=device).expand_as(outputs)
        found = torch.autograd.grad(outputs, there.leaves, expanded)
        return [outputs.detach().cpu(), *(tensor.cpu() for tensor in found)]

    close(gradients(Backend.cuda, DEVICE), gradients(Backend.cells, "cpu"))

"""On a CUDA device every backend agrees with the specification, which is computed on CPU."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from rnn_regexp.noise import Noise
from rnn_regexp.recurrence.backends import Backend, choose
from rnn_regexp.recurrence.cells import ALL, GRU, LSTM, Cell
from rnn_regexp.recurrence.layer import layer
from rnn_regexp.recurrence.perturbation import RecurrentNoise
from rnn_regexp.training.graph import Graphed
from tests.recurrence import examples
from tests.recurrence.examples import close, computed, drawn, example

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device is here")
each_cell = pytest.mark.parametrize("cell", ALL, ids=lambda cell: cell.name)
BACKENDS = (Backend.auto, Backend.cuda, Backend.scan, Backend.native)


@pytest.fixture(autouse=True)
def _larger(monkeypatch: pytest.MonkeyPatch) -> None:
    """More sequences than a program takes."""
    monkeypatch.setattr(examples, "B", 20)
    monkeypatch.setattr(examples, "LENGTHS", tuple(1 + b % examples.T for b in range(20)))


def there(noise: RecurrentNoise | None, dtype: torch.dtype) -> RecurrentNoise | None:
    return noise and replace(noise, **{n: m.to("cuda", dtype) for n, m in noise.present().items()})


@pytest.mark.parametrize("noisy", [False, True], ids=["plain", "noise"])
@pytest.mark.parametrize("H", [5, 32, 64, 100, 128, 200])
@each_cell
def test_agreement(cell: Cell, H: int, noisy: bool, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(examples, "H", H)
    noise = drawn(cell, 3)["all"] if noisy else None
    wanted = computed(example(cell, 3), Backend.cells, (noise,), ragged=False)
    for dtype, tolerance in ((torch.float64, 1e-10), (torch.float32, 1e-5)):
        own, masks = example(cell, 3, dtype=dtype).to("cuda"), (there(noise, dtype),)
        for backend in BACKENDS[: 3 if noisy else 4]:
            found = computed(own, backend, masks, ragged=False)
            for a, b in zip(found, wanted, strict=True):
                assert a.dtype is dtype
                assert (a.cpu() - b).norm() <= tolerance * b.norm(), backend


@each_cell
def test_ragged_and_reversed(cell: Cell):
    noise = drawn(cell, 2)["all"], drawn(cell, 2, seed=12)["all"]
    wanted = computed(example(cell, 2, directions=2), Backend.cells, noise)
    own = example(cell, 2, directions=2).to("cuda")
    found = computed(own, Backend.cuda, tuple(there(n, torch.float64) for n in noise))
    close([tensor.cpu() for tensor in found], wanted)


@each_cell
def test_a_run_alone_equals_the_run_in_a_cohort(cell: Cell, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(examples, "H", 64)
    own = example(cell, 3, dtype=torch.float32).to("cuda")
    together, _ = layer(cell, own.inputs, None, own.weights)
    for k in range(3):
        weights = tuple(w[k : k + 1] for w in own.weights[0])
        alone, _ = layer(cell, own.inputs[k : k + 1], None, (weights,))  # by cuDNN
        assert (alone[0] - together[k]).norm() < 3e-6 * together[k].norm()


def test_auto():
    x = torch.zeros(1, 2, 2, 2, device="cuda")
    assert choose(Backend.auto, LSTM, x) is Backend.native
    assert choose(Backend.auto, LSTM, x, noise=True) is Backend.cuda
    assert choose(Backend.auto, LSTM, x.expand(2, -1, -1, -1)) is Backend.cuda


def test_random_numbers_are_those_of_the_cpu():
    seeds, steps = torch.tensor([0, -1, 2**63 - 1]), torch.tensor([0, 5, 2**40])
    rate = torch.tensor([0.0, 0.3, 0.9], dtype=torch.double)
    here, cuda = Noise(seeds, steps), Noise(seeds.cuda(), steps.cuda())
    for shape in ((1,), (7, 3), (5000,)):
        assert torch.equal(cuda.uniform("a", shape).cpu(), here.uniform("a", shape))
        kept = cuda.keep("a", shape, rate.cuda())
        assert torch.equal(kept.cpu(), here.keep("a", shape, rate))
    assert torch.equal(cuda.permutation("a", 99).cpu(), here.permutation("a", 99))


@pytest.mark.parametrize("H", [32, 200])
@pytest.mark.parametrize("backend", [Backend.cuda, Backend.native])
def test_a_recorded_step_with_fresh_noise(
    backend: Backend, H: int, monkeypatch: pytest.MonkeyPatch
):
    """Masks keyed by a step that stands in a tensor are new at each replay."""
    monkeypatch.setattr(examples, "H", H)
    own = example(GRU, 2, dtype=torch.float32).to("cuda")
    seeds, rate = torch.tensor([1, 2], device="cuda"), torch.full((2,), 0.5, device="cuda")

    def function(inputs: Tensor, step: Tensor) -> tuple[Tensor, ...]:
        inputs = inputs.requires_grad_()
        kept = Noise(seeds, step).keep("h", (examples.B, H), rate)[:, None]
        noise = RecurrentNoise(state=kept.float()) if backend is Backend.cuda else None
        outputs, _ = layer(GRU, inputs, None, own.weights, backend, noise)
        return outputs.detach(), *torch.autograd.grad(outputs.sum(), (inputs, *own.weights[0]))

    graphed = Graphed.on(torch.device("cuda"), function, list)
    for index in range(4):
        step = torch.full((2,), index, device="cuda")
        inputs = own.inputs.detach() * (1 + index)
        found, wanted = graphed(inputs, step), function(inputs.clone(), step)
        for a, b in zip(found, wanted, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)

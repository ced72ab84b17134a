"""The kernel's random numbers are those of ``noise.py``, bit for bit."""

import pytest
import torch

pytest.importorskip("triton", reason="Triton is not installed: its kernels are not tested")

from rnn_regexp import noise_cuda
from rnn_regexp.noise import Noise, _site_key

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
SEEDS = torch.tensor([0, -1, 3, 2**63 - 1, -(2**63)])
STEPS = torch.tensor([0, 1, 2**40, 7, 5])
each_step = pytest.mark.parametrize("step", [0, 9, STEPS], ids=["0", "9", "each its own"])


def by_kernel(step: int | torch.Tensor, shape: tuple[int, ...], rate: torch.Tensor | None = None):
    step = step.to(DEVICE) if isinstance(step, torch.Tensor) else step
    rate = None if rate is None else rate.to(DEVICE)
    return noise_cuda.draw(SEEDS.to(DEVICE), _site_key("site"), step, shape, rate).cpu()


@pytest.mark.parametrize("shape", [(1,), (7,), (4, 3, 5), (2500,)])
@each_step
def test_uniform(step: int | torch.Tensor, shape: tuple[int, ...]):
    wanted = Noise(SEEDS, step).uniform("site", shape)
    assert torch.equal(by_kernel(step, shape), wanted)


@each_step
def test_keep(step: int | torch.Tensor):
    noise, shape = Noise(SEEDS, step), (3, 50)
    edge = noise.uniform("site", shape)[2, 1, 4].double()  # a rate that is drawn exactly is kept
    rate = torch.tensor([0.0, 0.1, edge, 0.5, 0.99], dtype=torch.double)
    kept = by_kernel(step, shape, rate)
    assert kept.dtype is torch.bool
    assert torch.equal(kept, noise.keep("site", shape, rate))
    assert kept[2, 1, 4]


@pytest.mark.parametrize("seeds", [SEEDS, SEEDS.repeat(2)[::2]], ids=["dense", "strided"])
def test_noise_takes_the_kernel_where_it_runs(seeds: torch.Tensor, monkeypatch: pytest.MonkeyPatch):
    own = Noise(seeds, 3).branched("second")
    rate = torch.full((len(seeds),), 0.3)
    wanted = own.uniform("a", (5, 3)), own.keep("a", (5, 3), rate), own.normal("a", (8,))
    monkeypatch.setattr("rnn_regexp.kernels.ready", lambda device: True)
    own = Noise(seeds.to(DEVICE), 3).branched("second")
    found = own.uniform("a", (5, 3)), own.keep("a", (5, 3), rate), own.normal("a", (8,))
    for a, b in zip(found, wanted):
        assert torch.equal(a.cpu(), b)

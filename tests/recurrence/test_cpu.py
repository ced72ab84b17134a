"""The steps that Numba compiles: what the agreement grid does not see."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

pytest.importorskip("numba", reason="Numba is not installed: its kernels are not tested")

from rnn_regexp.recurrence import cpu, fused
from rnn_regexp.recurrence.cells import ALL, LSTM, RELU, TANH, Cell, unroll
from rnn_regexp.recurrence.perturbation import NONE, RecurrentNoise
from rnn_regexp.recurrence.scan import scan
from tests.recurrence.examples import Example, close, drawn, example

each_cell = pytest.mark.parametrize("cell", ALL, ids=lambda cell: cell.name)


def results(own: Example, noise: RecurrentNoise = NONE, by=cpu.fused) -> list[torch.Tensor]:
    """States at every step and all gradients."""
    states = by(own.cell, own.inputs, own.states[0], own.weights[0], noise)
    return [*states, *own.gradients(list(states))]


@pytest.mark.parametrize("kind", ["none", "h tied per step", "all"])
@pytest.mark.parametrize("runs", [1, 3])
@each_cell
def test_products_of_torch_and_of_tiles_agree(
    cell: Cell, runs: int, kind: str, monkeypatch: pytest.MonkeyPatch
):
    own, noise = example(cell, runs), drawn(cell, runs).get(kind, NONE)
    found = {}
    for threads, tiled in ((1, True), (8, False)):  # of many torch makes more use
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        monkeypatch.setattr(cpu, "_WORTH_THREADS", 0)
        loop = cpu.CPULoop(cell, own.weights[0][1], noise, cpu.Even(*own.inputs.shape[1:3]))
        assert (loop.products is not None) == tiled
        found[tiled] = results(own, noise)
    close(found[True], found[False])
    close(found[True], results(own, noise, unroll))


@pytest.mark.parametrize("kind", ["none", "all"])
@each_cell
def test_runs_one_by_one_two_by_two_and_at_once_are_the_same(
    cell: Cell, kind: str, monkeypatch: pytest.MonkeyPatch
):
    own, noise = example(cell, 5), drawn(cell, 5).get(kind, NONE)
    T, B, H = own.inputs.shape[1], own.inputs.shape[2], own.states[0][0].shape[-1]
    each, found = 8 * T * B * cell.gates * H, []
    for runs, parts in ((1, 5), (2, 3), (9, 1)):
        monkeypatch.setattr(cpu, "_AT_ONCE", runs * each)
        assert len(fused._parts(5, each, cpu._AT_ONCE)) == parts
        found.append(results(own, noise))
    for other in found[1:]:
        assert all(map(torch.equal, found[0], other))


@each_cell
def test_numbers_that_are_none_or_infinite_are_seen(cell: Cell):
    """A run that diverges must not look well."""
    own = example(cell, runs=2, dtype=torch.float32)
    with torch.no_grad():
        own.inputs[0, 2, 1] = float("nan")
        own.inputs[1, 3, 2] = float("inf") if cell is RELU else 1e30
        own.weights[0][1][1] *= 1e4
    found, wanted = results(own), results(own, by=scan)
    for a, b in zip(found, wanted):
        assert torch.equal(a.isnan(), b.isnan())
        assert torch.equal(a.isfinite(), b.isfinite())
    assert found[0][0, 2:, 1].isnan().all()
    assert found[0][0, :, 0].isfinite().all()


def test_what_follows_an_infinite_state_of_relu_is_that_of_the_equations():
    """Absent noise must not make of infinity what is no number."""
    own = example(RELU, runs=1, dtype=torch.float32)
    with torch.no_grad():
        own.inputs[0, 1] = float("inf")
        own.weights[0][0][:] = 1.0
        own.weights[0][1][:] = -1.0
    found, wanted = (
        by(RELU, own.inputs, own.states[0], own.weights[0]) for by in (cpu.fused, unroll)
    )
    assert wanted[0].isinf().any()
    assert not wanted[0][:, 2:].isnan().any()
    assert torch.equal(found[0].isinf(), wanted[0].isinf())
    assert not found[0].isnan().any()


def test_a_default_device_does_not_matter():
    own = example(TANH, runs=1, dtype=torch.float32)
    wanted = unroll(TANH, own.inputs, own.states[0], own.weights[0])
    cpu._neutral.cache_clear()
    with torch.device("meta"):
        found = cpu.fused(TANH, own.inputs, own.states[0], own.weights[0])
    close(list(found), list(wanted), 1e-5)


def test_tiny_inputs_lose_nothing():
    """tanh(a) = a for a small a, to all the figures that there are."""
    own = example(TANH, runs=1, dtype=torch.float32)
    for scale in (1e-3, 1e-8, 1e-20):
        nothing = [torch.zeros_like(own.weights[0][2])] * 2
        weights = (own.weights[0][0] * scale, own.weights[0][1], *nothing)
        start = (torch.zeros_like(own.states[0][0]),)
        (found,), (wanted,) = (by(TANH, own.inputs, start, weights) for by in (cpu.fused, unroll))
        assert (found - wanted).abs().max() < 1e-6 * wanted.abs().max()


@pytest.mark.parametrize("scale", [1e-4, 1.0, 30.0, 1e4])
def test_float32_is_as_exact_as_torch(scale: float):
    """The nonlinearities are a polynomial: on all their range, against float64."""
    exact = example(LSTM, runs=4)
    with torch.no_grad():
        exact.inputs *= scale
    rounded = replace(exact, **{
        name: tuple(tuple(t.float() for t in own) for own in getattr(exact, name))
        for name in ("states", "weights")
    }, inputs=exact.inputs.float())  # fmt: skip
    wanted = unroll(LSTM, exact.inputs, exact.states[0], exact.weights[0])
    for by in (cpu.fused, scan):
        found = by(LSTM, rounded.inputs, rounded.states[0], rounded.weights[0])
        for a, b in zip(found, wanted):
            assert (a - b).abs().max() < 2e-6 * max(1, b.abs().max())


ALONE = """
import sys, torch
from rnn_regexp.recurrence.backends import Backend
from tests.recurrence.examples import close, computed, example
from rnn_regexp.recurrence.cells import GRU, TANH
torch.set_num_threads(1)
types = torch.float32, torch.float64
order = [(cell, dtype) for cell in (GRU, TANH) for dtype in types]
turn = int(sys.argv[1])  # two processes begin with one cell in two types, two with another
for cell, dtype in order[turn:] + order[:turn]:
    own = example(cell, 2, dtype=dtype)
    found, wanted = (computed(own, by, (None,)) for by in (Backend.cpu, Backend.cells))
    close(found, wanted, 1e-10 if dtype is torch.float64 else 1e-4)
"""


def test_processes_that_compile_at_once_do_not_mix_up(tmp_path: Path):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    for _ in range(2):  # compiling and keeping; then finding
        processes = [
            subprocess.Popen([sys.executable, "-c", ALONE, str(turn)], env=environment)
            for turn in range(4)
        ]
        assert [process.wait(timeout=300) for process in processes] == [0] * 4
    assert list(tmp_path.rglob("cpu_gru.forward_all*.nbc"))

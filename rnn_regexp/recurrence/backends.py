"""How the recurrence is computed: what there is, where it runs, and which is the fastest."""

from collections.abc import Callable
from enum import Enum

import torch
from torch import Tensor

from rnn_regexp import compiler, kernels
from rnn_regexp.recurrence.cells import ALL, LSTM, Cell, State, unroll
from rnn_regexp.recurrence.scan import scan


class Backend(Enum):
    """How the recurrence is computed; ``auto`` takes the fastest that computes what is asked."""

    auto = "auto"
    cells = "cells"
    scan = "scan"
    native = "native"
    cpu = "cpu"
    cuda = "cuda"


def obstacle(backend: Backend, device: torch.device) -> str | None:
    """Why ``backend`` does not run on ``device``, or None where it does."""
    if backend is Backend.cuda:
        return kernels.obstacle(device)
    return compiler.obstacle(device) if backend is Backend.cpu else None


def choose(
    backend: Backend, cell: Cell, inputs: Tensor, noise: bool = False, every_c: bool = False
) -> Backend:
    """The backend for ``auto``; ``every_c`` asks for the LSTM's c at every step.

    On CPU in float32 the kernels that Numba compiles are the fastest
    (``docs/benchmarks/recurrence.md``).  They have one thread: where torch has more, or Numba is
    absent, torch's LSTM, a oneDNN kernel, is taken where it computes what is asked.  Without Numba,
    and in float64, the scan does the rest.
    On CUDA cuDNN computes one run without noise, our kernels several runs or noise; without Triton
    cuDNN takes the runs one by one, the scan the noise, and a warning says so.
    A cell that a technique has changed is there as its equations alone.
    Raises ``ValueError`` where a forced backend does not compute what is asked.
    """
    if cell not in ALL:
        if backend not in (Backend.auto, Backend.cells):
            raise ValueError(f"backend {backend.name} has no cell {cell.name}: take auto or cells")
        return Backend.cells
    possible = not (noise or every_c)
    if backend is Backend.native and not possible:
        asked = "recurrent noise" if noise else "state c at each sequence's own length"
        raise ValueError(f"backend native has no {asked}: take auto, scan or cells")
    if why := obstacle(backend, inputs.device):
        raise ValueError(f"backend {backend.name} does not run here: {why}; take auto or scan")
    if backend is not Backend.auto:
        return backend
    return _on_cuda(inputs, possible) if inputs.is_cuda else _on_host(cell, inputs, possible)


def _on_cuda(inputs: Tensor, possible: bool) -> Backend:
    if not (possible and len(inputs) == 1) and kernels.ready(inputs.device):
        return Backend.cuda
    return Backend.native if possible else Backend.scan


def _on_host(cell: Cell, inputs: Tensor, possible: bool) -> Backend:
    if inputs.dtype is not torch.float32:
        return Backend.scan
    compiles = compiler.ready(inputs.device)
    fused = possible and cell is LSTM and torch.backends.mkldnn.is_available()
    if fused and not (compiles and torch.get_num_threads() == 1):
        return Backend.native
    return Backend.cpu if compiles else Backend.scan


def unrolling(backend: Backend) -> Callable[..., State]:
    """What computes the states at every step; compilers are imported where they are used."""
    if backend is Backend.cuda:
        from rnn_regexp.recurrence import cuda

        return cuda.fused
    if backend is Backend.cpu:
        from rnn_regexp.recurrence import cpu

        return cpu.fused
    return unroll if backend is Backend.cells else scan

"""All steps of K runs by kernels that Numba compiles for the CPU.

Each step is a product and one kernel for everything elementwise, all noise included, where ``scan``
has ten and more operators of torch.  The products are ours too, on the thread that calls; where
torch has several threads and the products are large, they are torch's.
"""

import math
from collections.abc import Iterator
from functools import cache, lru_cache
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rnn_regexp import compiler
from rnn_regexp.recurrence import cpu_elman, cpu_gru, cpu_lstm
from rnn_regexp.recurrence.cells import GRU, LSTM, RELU, TANH, Cell, LayerWeights, State
from rnn_regexp.recurrence.cpu_matrices import room
from rnn_regexp.recurrence.fused import all_steps
from rnn_regexp.recurrence.perturbation import NONE, RecurrentNoise
from rnn_regexp.recurrence.products import Matrix
from rnn_regexp.recurrence.steps import Even, Steps

_KERNELS: dict[Cell, ModuleType] = {
    TANH: cpu_elman,
    RELU: cpu_elman,
    GRU: cpu_gru,
    LSTM: cpu_lstm,
}
# N, M: rows of a run in arrays of steps, of states; room: numbers for a packed matrix
_COUNTS = "K H G B N M masks relu size room".split()
_ADDRESSES = "W packed zeros products seen gates hs cs a_n b_n d_a d_h_0 d_c_0 d_x_n".split()
_SHARES = ("zoneout_h_noise", "zoneout_c_noise", "d_outputs", "d_cells")  # absent: zeros, not ones
_ROWS = ("h_noise", "state_noise", "candidate_noise", "cell_noise", *_SHARES)
_FIELDS: list[tuple[Any, ...]] = [(name, np.int64) for name in _COUNTS + _ADDRESSES]
_FIELDS += [(name, np.int64, 4) for name in _ROWS]
_LAYOUTS = {
    dtype: np.dtype([*_FIELDS, ("one", str(dtype).removeprefix("torch."))])
    for dtype in (torch.float32, torch.float64)
}
_WORTH_THREADS = 1 << 22  # multiplications of a step
_AT_ONCE = 4 << 20  # bytes, which the caches of a core hold
Numbers = np.ndarray[Any, Any]
Way = tuple[int, int, int, int]  # the address, and how far apart runs, steps' rows, sequences are


def fused(
    cell: Cell,
    inputs: Tensor,
    state: State,
    weights: LayerWeights,
    noise: RecurrentNoise = NONE,
    steps: Steps | None = None,
) -> State:
    """What ``scan`` computes, where Numba compiles."""
    steps = steps or Even(*inputs.shape[1:3])
    return all_steps(CPULoop, cell, inputs, state, weights, noise, steps, _AT_ONCE)


class CPULoop:
    """A product and a kernel for each step of a cell, forward and backward."""

    def __init__(self, cell: Cell, W_hh: Tensor, noise: RecurrentNoise, steps: Steps) -> None:
        (self.K, wide, self.H), self.steps, self.mask = W_hh.shape, steps, noise.h
        self.masks = 1 if noise.h is None else noise.h.shape[-2]
        self.W = W_hh.contiguous().unflatten(1, (self.masks, -1)).flatten(0, 1)  # (K*M, G*H/M, H)
        self.kernels, self.dtype = _kernels(cell, W_hh.dtype), W_hh.dtype
        self.rows = _rows(tuple(steps.sizes), steps.B)
        self.noise = {f"{n}_noise": mask.contiguous() for n, mask in noise.present().items()}
        self.N, M = int(self.rows[-1, 1]), int(self.rows[-1, 3])
        counts = (self.K, self.H, cell.gates, steps.B, self.N, M, self.masks, cell is RELU)
        self.values: dict[str, Any] = dict(zip(_COUNTS, (*counts, W_hh.itemsize, 0), strict=True))
        self.values["one"] = 1
        self.neutral = _neutral(wide, W_hh.dtype)
        ones, zeros = (own.data_ptr() for own in self.neutral)
        self.values["zeros"] = zeros
        self.values |= {name: (zeros if name in _SHARES else ones, 0, 0, 0) for name in _ROWS}
        self.products: Tensor | None = None  # where the compiled loop has them
        if torch.get_num_threads() <= 2 or steps.B * self.W.numel() < _WORTH_THREADS:
            self._multiply_here(wide)

    def _multiply_here(self, wide: int) -> None:
        """Have the compiled loop make the products, with room for them and for W_hh packed."""
        like, of_mask = self.W, wide // self.masks
        most = max(room(self.H, of_mask, like.itemsize), room(of_mask, self.H, like.itemsize))
        self.packed = like.new_empty(len(like), most)
        self.products = like.new_empty(self.K, self.steps.B, max(wide, self.masks * self.H))
        own = {"W": like, "packed": self.packed, "products": self.products}
        self.values |= {name: tensor.data_ptr() for name, tensor in own.items()} | {"room": most}

    def forward(self, **arrays: Tensor) -> None:
        """Fill ``hs``, and ``cs`` or ``a_n``, from their step 0 on; ``gates`` in place."""
        if self.mask is not None:
            arrays["seen"] = self._seen(arrays["hs"], self.mask)
        layout = self._layout(arrays)
        if self.products is not None:
            return self.kernels.forward_all(layout, self.rows)
        W = Matrix(self.W)
        for t, h in enumerate(self._taken(arrays)):
            products = W.times(h)  # (K*M, n_t, G*H/M)
            self.kernels.forward(layout, self.rows, t, products.data_ptr())
        return None

    def backward(self, **arrays: Tensor | None) -> None:
        """Fill ``d_a``; take ``d_h_0``, and ``d_c_0``, from after the last step to before all."""
        there = {name: array for name, array in arrays.items() if array is not None}
        layout, d_h = self._layout(there), there["d_h_0"]
        if self.products is not None:
            self.kernels.backward_all(layout, self.rows)
            of_first = self.K * self.masks, self.steps.sizes[0], self.H
            products = self.products.flatten()[: math.prod(of_first)].view(of_first)
        else:
            products = self._backward(layout, there["d_a"])
        last = products.unflatten(0, (self.K, self.masks))
        if self.mask is not None:
            last = last * self.steps.first(self.mask).transpose(1, 2)
        d_h[:, : last.shape[2]] += last.sum(dim=1)

    def _backward(self, layout: Numbers, d_a: Tensor) -> Tensor:
        """Step by step; the products of the first, (K*M, n_0, H)."""
        W, products = Matrix(self.W.transpose(1, 2)), d_a
        for t, d_a_t in reversed(list(enumerate(self.steps.each(d_a)))):
            self.kernels.backward(layout, self.rows, t, products.data_ptr())
            by_mask = d_a_t.unflatten(-1, (self.masks, -1)).transpose(1, 2).flatten(0, 1)
            products = W.times(by_mask)
        return products

    def _seen(self, hs: Tensor, mask: Tensor) -> Tensor:
        """Room for what a product takes, h_{t-1} under its masks, with the first in place."""
        of_first = self.steps.first(mask).transpose(1, 2)  # (K, M, n_0, H)
        first = self.steps.start(hs)[:, None, : of_first.shape[2]] * of_first
        seen = hs.new_empty(self.K * self.masks * self.steps.B * self.H)
        seen[: first.numel()] = first.flatten()
        return seen

    def _taken(self, arrays: dict[str, Tensor]) -> Iterator[Tensor]:
        """What the product of each step takes, (K*M, n_t, H)."""
        if self.mask is None:
            yield from self.steps.previous(arrays["hs"])
        else:
            for n in self.steps.sizes:
                shape = (self.K * self.masks, n, self.H)
                yield arrays["seen"][: math.prod(shape)].view(shape)

    def _layout(self, arrays: dict[str, Tensor]) -> Numbers:
        """How large everything is and where it lies."""
        values = dict.fromkeys(_ADDRESSES, 0) | self.values
        for name, array in (self.noise | arrays).items():
            values[name] = self._way(name, array) if name in _ROWS else array.data_ptr()
        kind = _LAYOUTS[self.dtype]
        return np.array([tuple(values[name] for name in kind.names or ())], kind)

    def _way(self, name: str, array: Tensor) -> Way:
        of_run, of_row = array[0].numel() // self.H, self.masks if name == "h_noise" else 1
        every = of_run == self.N * of_row  # else the same at every step
        return array.data_ptr(), of_run, of_row * every, of_row


@cache
def _kernels(cell: Cell, dtype: torch.dtype) -> ModuleType:
    """Those of the cell, compiled for the type of numbers: called with no runs and no steps."""
    kernels, nothing, no_steps = _KERNELS[cell], np.zeros(1, _LAYOUTS[dtype]), np.zeros((1, 4), int)

    def called() -> None:
        for whole in (kernels.forward_all, kernels.backward_all):
            whole(nothing, no_steps)
        for step in (kernels.forward, kernels.backward):
            step(nothing, no_steps, 0, 0)

    compiler.first(called)
    return kernels


@lru_cache(maxsize=256)
def _rows(sizes: tuple[int, ...], B: int) -> Numbers:
    """For each step and after all: how many rows, the first, that of the states before and after.

    Of the states B come first, those before the first step.
    """
    n = np.array([*sizes, 0])
    at = n.cumsum() - n
    return np.stack([n, at, np.concatenate(([0], B + at[:-1])), B + at], axis=1)


@lru_cache(maxsize=256)
def _neutral(wide: int, dtype: torch.dtype) -> Tensor:
    """The rows for noise that is absent."""
    rows = torch.ones(2, wide, dtype=dtype, device="cpu")  # whatever is the default
    rows[1] = 0
    return rows

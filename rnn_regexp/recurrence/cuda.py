"""All steps of K runs by Triton kernels, on CUDA; in Triton's interpreter also on CPU, for tests.

Up to 128 units (``tiling``) one launch computes all steps: a program takes 16 sequences of one run
through time, its state in registers, W_hh in shared memory where its 64 KiB suffice and else read
again at every step.  Above, W_hh is too large for one multiprocessor: each step is a batched
product of torch and one launch for everything elementwise, all noise included.  For ``products``
and ``seen``, where each step has its product, see ``CUDALoop``.
"""

from types import ModuleType
from typing import Any, NamedTuple

import torch
from torch import Tensor

from rnn_regexp.recurrence import cuda_elman, cuda_gru, cuda_lstm
from rnn_regexp.recurrence.cells import GRU, LSTM, RELU, TANH, Cell, LayerWeights, State
from rnn_regexp.recurrence.fused import all_steps
from rnn_regexp.recurrence.perturbation import NONE, RecurrentNoise
from rnn_regexp.recurrence.steps import Even, Steps

_KERNELS: dict[Cell, ModuleType] = {
    TANH: cuda_elman,
    RELU: cuda_elman,
    GRU: cuda_gru,
    LSTM: cuda_lstm,
}


class Sizes(NamedTuple):
    """What is compiled into a kernel; one for each layer's shape, whatever K, T and B."""

    H: int
    GATES: int
    MASKS: int  # on h: 1 or GATES
    ROWS: int  # sequences of a program
    COLS: int  # units of a program, a power of 2
    RESIDENT: bool  # a program holds W_hh of its run
    PRECISION: str  # of products within a program


def tiling(gates: int, H: int, masks: int, dtype: torch.dtype) -> tuple[Sizes, bool]:
    """How a layer is cut into programs, and whether one launch computes all steps.

    From one run's shapes alone, so that a run is computed the same alone and in a cohort.
    float64, which is for checks, has one launch a step: Triton's product is not fast in it.
    """
    cols = max(16, 1 << (H - 1).bit_length())
    precision = "ieee" if torch.get_float32_matmul_precision() == "highest" else "tf32"
    if cols <= 128 and dtype is torch.float32:
        return Sizes(H, gates, masks, 16, cols, cols <= 64, precision), True
    return Sizes(H, gates, masks, 4, min(cols, 128), False, precision), False


def fused(
    cell: Cell, inputs: Tensor, state: State, weights: LayerWeights, noise: RecurrentNoise = NONE
) -> State:
    """What ``cells.unroll`` computes, where kernels of Triton run."""
    with torch.cuda.device_of(inputs):
        even = Even(*inputs.shape[1:3])
        return all_steps(CUDALoop, cell, inputs, state, weights, noise, even)


class CUDALoop:
    """The launches that take a cell's arrays through T steps, forward and backward."""

    def __init__(self, cell: Cell, W_hh: Tensor, noise: RecurrentNoise, steps: Steps) -> None:
        assert isinstance(steps, Even)
        (T, B), (K, _, H) = steps, W_hh.shape
        self.kernels, self.T, self.W = _KERNELS[cell], T, W_hh.contiguous()
        self.masked, self.masks = noise.h is not None, 1 if noise.h is None else noise.h.shape[3]
        self.sizes, self.whole = tiling(cell.gates, H, self.masks, W_hh.dtype)
        tiles = -(-B // self.sizes.ROWS), -(-H // self.sizes.COLS)
        self.grid, self.warps = (K, *tiles), 8 if self.whole else 4
        self.arrays: dict[str, Any] = {"T": T, "B": B, "S": self.sizes, "RELU": cell is RELU}
        self.arrays |= {"W": self.W, "products": None, "seen": None}
        for name, mask in vars(noise).items():
            self.arrays[f"{name}_noise"] = None if mask is None else mask.contiguous()
            self.arrays[f"{name}_steps"] = 1 if mask is None else mask.shape[1]

    def forward(self, **arrays: Tensor) -> None:
        """Fill ``hs``, and ``cs`` or ``a_n``, from their step 0 on; ``gates`` in place."""
        self.arrays |= arrays
        if self.whole:
            return self._run(self.kernels.forward, 0, self.T)
        hs, W_T = arrays["hs"], self._by_mask().transpose(1, 2)  # (K*M, H, G*H/M)
        K, _, B, H = hs.shape
        seen = None
        if (mask := self.arrays["h_noise"]) is not None:
            seen = (hs[:, 0, None] * mask[:, 0].transpose(1, 2)).contiguous()  # (K, M, B, H)
        products = hs.new_empty(K * self.masks, B, W_T.shape[2])
        self.arrays |= {"products": products, "seen": seen}
        for t in range(self.T):
            h = hs[:, t] if seen is None else seen.view(-1, B, H)
            torch.bmm(h, W_T, out=products)
            self._run(self.kernels.forward, t, t + 1)
        return None

    def backward(self, **arrays: Tensor | None) -> None:
        """Fill ``d_a``; take ``d_h_0``, and ``d_c_0``, from after the last step to before all."""
        self.arrays |= arrays
        if self.whole:
            return self._run(self.kernels.backward, 0, self.T)
        d_h, d_a, W = self.arrays["d_h_0"], self.arrays["d_a"], self._by_mask()
        products = d_h.new_zeros(len(W), *d_h.shape[1:])  # (K*M, B, H)
        self.arrays["products"] = products
        for t in reversed(range(self.T)):
            self._run(self.kernels.backward, t, t + 1)
            by_mask = d_a[:, t].unflatten(-1, (self.masks, -1)).transpose(1, 2)
            torch.bmm(by_mask.flatten(0, 1), W, out=products)
        mask, last = self.arrays["h_noise"], products.view(len(d_h), self.masks, *d_h.shape[1:])
        d_h += (last if mask is None else last * mask[:, 0].transpose(1, 2)).sum(dim=1)
        return None

    def _by_mask(self) -> Tensor:
        """W_hh with a batch entry for each mask on h: (K*M, G*H/M, H)."""
        return self.W.unflatten(1, (self.masks, -1)).flatten(0, 1)

    def _run(self, kernel: Any, first: int, last: int) -> None:
        own = {"first": first, "last": last} | self.arrays
        taken = {name: own[name] for name in kernel.arg_names}
        kernel[self.grid](**taken, num_warps=self.warps, num_stages=1)

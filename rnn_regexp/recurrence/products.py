"""The matrix products of the recurrence, on CPU by the fastest that is there.

In float32 torch gives its products to MKL, but its LSTM to oneDNN.  Where MKL leaves a processor's
widest instructions unused (AMD), oneDNN is up to twice as fast, once a product is large enough to
pay for the call, and the tiles that Numba compiles are from the start
(``docs/benchmarks/recurrence.md``).  The choice follows from the shapes of one run alone, so a run
is computed the same alone and in a cohort of the same lengths.
"""

import math
from collections.abc import Callable
from functools import cached_property

import torch
from torch import Tensor

from rnn_regexp import compiler
from rnn_regexp.recurrence.perturbation import times
from rnn_regexp.recurrence.steps import Steps

_WORTH_A_CALL = 1 << 20  # multiplications
_WORTH_ONEDNN = 1 << 28  # of these it has as many a second as our tiles
_NARROW = 16  # columns: less than a vector


def _onednn() -> Callable[..., Tensor] | None:
    """oneDNN's product of plain tensors, the operator that torch.compile calls on CPU."""
    if not torch.backends.mkldnn.is_available():
        return None
    return getattr(torch.ops.mkldnn, "_linear_pointwise", None)


_LINEAR = _onednn()


def _linear(x: Tensor, W: Tensor, b: Tensor | None) -> Tensor:
    assert _LINEAR is not None
    return _LINEAR(x, W, b, "none", [], "")


class Matrix:
    """W (K, N, D) as the map of x (K, rows, D) to x W^T (K, rows, N)."""

    def __init__(self, W: Tensor) -> None:
        self.W, self.W_T = W, W.transpose(1, 2)
        onednn = _LINEAR is not None and W.dtype is torch.float32 and W.device.type == "cpu"
        self.least = _WORTH_A_CALL / W[0].numel() if onednn else math.inf  # rows for oneDNN

    @cached_property
    def runs(self) -> tuple[Tensor, ...]:
        return _dense(self.W).unbind()

    def times(self, x: Tensor, b: Tensor | None = None) -> Tensor:
        """x W^T + b, (K, rows, N); b (K, N)."""
        if x.shape[1] < self.least:
            return torch.bmm(x, self.W_T) if b is None else torch.baddbmm(b[:, None], x, self.W_T)
        biases = [None] * len(self.runs) if b is None else b.contiguous().unbind()
        if len(self.runs) == 1:
            return _linear(x, self.runs[0], biases[0])
        products = [_linear(*own) for own in zip(x.unbind(), self.runs, biases, strict=True)]
        return torch.stack(products)

    def add(self, x: Tensor, total: Tensor) -> None:
        """total += x W^T, in place; total (K, rows, N)."""
        if x.shape[1] < self.least:
            total.add_(torch.bmm(x, self.W_T))  # baddbmm_ takes longer into a view
        elif len(self.runs) == 1:
            total.add_(_linear(x, self.runs[0], None))
        else:
            for total_k, x_k, W_k in zip(total.unbind(), x.unbind(), self.runs, strict=True):
                total_k.add_(_linear(x_k, W_k, None))


def _dense(W: Tensor) -> Tensor:
    """W (K, N, D) without gaps between its rows or columns, which would slow oneDNN down."""
    _, N, D = W.shape
    if W.stride()[1:] in ((D, 1), (1, N)):
        return W
    W_T = W.transpose(1, 2)
    return W_T.contiguous().transpose(1, 2) if W.stride(1) == 1 else W.contiguous()


def of_steps(x: Tensor, W: Tensor, b: Tensor | None = None) -> Tensor:
    """x W^T + b for all steps at once: (K, ..., D), (K, N, D), (K, N) -> (K, ..., N)."""
    flat = x.flatten(1, -2)
    if (tiled := _tiled(flat, W.shape[1])) is not None:
        return tiled(flat, W.transpose(1, 2), b).unflatten(1, x.shape[1:-1])
    return Matrix(W).times(flat, b).unflatten(1, x.shape[1:-1])


def over_steps(d_a: Tensor, x: Tensor) -> Tensor:
    """Sum over steps and sequences of d_a x^T: (K, ..., N), (K, ..., D) -> (K, N, D)."""
    x, d_a = x.flatten(1, -2), d_a.flatten(1, -2)
    if (tiled := _tiled(x, d_a.shape[2])) is not None:
        if x.shape[2] < _NARROW:
            return tiled(x.transpose(1, 2), d_a).transpose(1, 2)
        return tiled(d_a.transpose(1, 2), x)
    return Matrix(d_a.transpose(1, 2)).times(x.transpose(1, 2)).transpose(1, 2)


def _tiled(x: Tensor, N: int) -> Callable[..., Tensor] | None:
    """The product by compiled tiles of (K, rows, D) and others of N, where it is the fastest."""
    small = x[0].numel() * N < _WORTH_ONEDNN and torch.get_num_threads() == 1
    floats = x.dtype in (torch.float32, torch.float64)
    if not (small and floats and compiler.ready(x.device)):
        return None
    from rnn_regexp.recurrence import cpu_products

    return cpu_products.product


def over_rows(d_a: Tensor) -> Tensor:
    """Sum over steps and sequences: (K, ..., N) -> (K, N)."""
    return d_a.flatten(1, -2).sum(dim=1)


def input_gradients(
    inputs: Tensor, W_hx: Tensor, d_a: Tensor, wanted: bool
) -> tuple[Tensor | None, Tensor]:
    """dL/dinputs (K, ..., D) where wanted and dL/dW_hx from dL/da (K, ..., N)."""
    d_inputs = of_steps(d_a, W_hx.transpose(1, 2)) if wanted else None
    return d_inputs, over_steps(d_a, inputs)


def recurrent_gradient(mask: Tensor | None, d_a: Tensor, previous: Tensor) -> Tensor:
    """dL/dW_hh (K, G*H, H) from dL/da (K, ..., G*H) and h_{t-1} (K, ..., H) under its mask."""
    if mask is None:
        return over_steps(d_a, previous)
    parts = zip(d_a.chunk(mask.shape[-2], dim=-1), mask.unbind(dim=-2), strict=True)
    return torch.cat([over_steps(own, previous * of_gate) for own, of_gate in parts], dim=1)


class Recurrent:
    """W_hh (m_t * h_{t-1}) for every step, and its part of the backward pass.

    ``mask`` is the noise on h, (K, ..., 1 or G, H), or None.  With a mask for each gate there is a
    product for each gate: K*G of them in a batch, where otherwise there are K.
    """

    def __init__(self, W_hh: Tensor, mask: Tensor | None, steps: Steps) -> None:
        self.K, self.gates = len(W_hh), 1 if mask is None else mask.shape[-2]
        self.W = W_hh.unflatten(1, (self.gates, -1)).flatten(0, 1)
        if mask is not None and self.gates == 1:
            self.masks = steps.masks(mask.squeeze(-2))  # (K, n_t, H)
        else:  # (K, G, n_t, H)
            self.masks = [m if m is None else m.transpose(1, 2) for m in steps.masks(mask)]

    @cached_property
    def _forth(self) -> Matrix:
        return Matrix(self.W)

    @cached_property
    def _back(self) -> Matrix:
        return Matrix(self.W.transpose(1, 2))

    def add(self, t: int, h: Tensor, a: Tensor) -> None:
        """a += W (m_t * h), in place; a (K, B, G*H)."""
        mask = self.masks[t]
        if self.gates == 1:
            self._forth.add(times(h, mask), a)
        else:
            products = self._forth.times(times(h[:, None], mask).flatten(0, 1))  # (K*G, B, H)
            by_gate = products.unflatten(0, (self.K, self.gates)).transpose(1, 2)
            a.unflatten(-1, (self.gates, -1)).add_(by_gate)

    def add_back(self, t: int, d_a: Tensor, d_h: Tensor) -> None:
        """d_h += m_t * (W^T d_a), in place; d_a (K, B, G*H)."""
        mask = self.masks[t]
        if mask is None:
            self._back.add(d_a, d_h)
        elif self.gates == 1:
            d_h.addcmul_(self._back.times(d_a), mask)
        else:
            by_gate = d_a.unflatten(-1, (self.gates, -1)).transpose(1, 2).flatten(0, 1)
            products = self._back.times(by_gate).unflatten(0, (self.K, self.gates))
            d_h.add_((products * mask).sum(dim=1))

"""The matrix products of the recurrence, by the faster of torch's two libraries on CPU.

In float32 torch gives its products to MKL, but its LSTM to oneDNN.  Where MKL leaves a processor's
widest instructions unused (AMD), oneDNN is up to twice as fast, once a product is large enough to
pay for the call (``docs/benchmarks/recurrence.md``).  The choice follows from the shapes of one run
alone, so a run is computed the same alone and in a cohort.
"""

from collections.abc import Callable
from functools import cached_property

import torch
from torch import Tensor

from rnn_regexp.recurrence.perturbation import each_step, times

_WORTH_A_CALL = 1 << 20  # multiplications


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

    def __init__(self, W: Tensor, rows: int) -> None:
        self.W_T = W.transpose(1, 2)
        onednn = _LINEAR is not None and W.dtype is torch.float32 and W.device.type == "cpu"
        large = rows * W.shape[1] * W.shape[2] >= _WORTH_A_CALL
        self.runs = _dense(W).unbind() if onednn and large else ()

    def times(self, x: Tensor, b: Tensor | None = None) -> Tensor:
        """x W^T + b, (K, rows, N); b (K, N)."""
        if not self.runs:
            return x @ self.W_T if b is None else torch.baddbmm(b[:, None], x, self.W_T)
        biases = [None] * len(self.runs) if b is None else b.unbind()
        if len(self.runs) == 1:
            return _linear(x, self.runs[0], biases[0])
        products = [_linear(*own) for own in zip(x.unbind(), self.runs, biases, strict=True)]
        return torch.stack(products)

    def add(self, x: Tensor, total: Tensor) -> None:
        """total += x W^T, in place; total (K, rows, N)."""
        if not self.runs:
            total.baddbmm_(x, self.W_T)
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
    """x W^T + b for all steps at once: (K, T, B, D), (K, N, D), (K, N) -> (K, T, B, N)."""
    rows = x.flatten(1, 2)  # (K, T*B, D)
    return Matrix(W, rows.shape[1]).times(rows, b).unflatten(1, x.shape[1:3])


def over_steps(d_a: Tensor, x: Tensor) -> Tensor:
    """Sum over steps and sequences of d_a x^T: (K, T, B, N), (K, T, B, D) -> (K, N, D)."""
    x_T, d_a_T = (y.flatten(1, 2).transpose(1, 2) for y in (x, d_a))  # (K, D, T*B), (K, N, T*B)
    return Matrix(d_a_T, x_T.shape[1]).times(x_T).transpose(1, 2)


def input_gradients(
    inputs: Tensor, W_hx: Tensor, d_a: Tensor, wanted: bool
) -> tuple[Tensor | None, Tensor, Tensor]:
    """dL/dinputs (K, T, B, D) where wanted, dL/dW_hx, dL/db_hx from dL/da (K, T, B, N)."""
    d_inputs = of_steps(d_a, W_hx.transpose(1, 2)) if wanted else None
    return d_inputs, over_steps(d_a, inputs), d_a.sum(dim=(1, 2))


class Recurrent:
    """W_hh (m_t * h_{t-1}) for the steps of B sequences, and its part of the backward pass.

    ``mask`` is the noise on h, (K, T or 1, B, 1 or G, H), or None.  With a mask for each gate
    there is a product for each gate: K*G of them in a batch, where otherwise there are K.
    """

    def __init__(self, W_hh: Tensor, mask: Tensor | None, T: int, B: int) -> None:
        self.mask, self.B = mask, B
        self.K, self.gates = len(W_hh), 1 if mask is None else mask.shape[3]
        self.W = W_hh.unflatten(1, (self.gates, -1)).flatten(0, 1)
        by_gate = None if mask is None else mask.transpose(2, 3)  # (K, T, 1 or G, B, H)
        if by_gate is not None and self.gates == 1:
            by_gate = by_gate[:, :, 0]
        self.masks = each_step(by_gate, T)

    @cached_property
    def _forth(self) -> Matrix:
        return Matrix(self.W, self.B)

    @cached_property
    def _back(self) -> Matrix:
        return Matrix(self.W.transpose(1, 2), self.B)

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

    def weight_gradient(self, d_a: Tensor, previous: Tensor) -> Tensor:
        """dL/dW_hh (K, G*H, H) from dL/da (K, T, B, G*H) and h_{t-1} (K, T, B, H)."""
        if self.mask is None:
            return over_steps(d_a, previous)
        parts = zip(d_a.chunk(self.gates, dim=-1), self.mask.unbind(dim=3), strict=True)
        return torch.cat([over_steps(own, previous * mask) for own, mask in parts], dim=1)

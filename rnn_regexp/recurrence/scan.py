"""All steps of K runs with a backward pass derived by hand.

The loop holds only what depends on the previous step: one batched product and a few elementwise
operations. Derivatives of the gates are computed for all steps at once before the backward loop,
and the weight gradients are one product each after it.  Shapes as in ``cells``; the outputs of
all steps are (K, T, B, H).  First derivatives only: double backward goes through ``cells``.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from rnn_regexp.recurrence.cells import GRU, LSTM, RELU, Cell, State


def scan(cell: Cell, x: Tensor, state: State, W_hh: Tensor, b_hh: Tensor) -> tuple[Tensor, State]:
    """What ``cells.unroll`` computes: outputs (K, T, B, H) and the last state."""
    if cell is LSTM:
        outputs, c = _LSTM.apply(x, *state, W_hh, b_hh)
        return outputs, (outputs[:, -1], c)
    if cell is GRU:
        outputs = _GRU.apply(x, *state, W_hh, b_hh)
    else:
        outputs = _Elman.apply(x, *state, W_hh, b_hh, cell is RELU)
    return outputs, (outputs[:, -1],)


def _previous(h_0: Tensor, outputs: Tensor) -> Tensor:
    """h_{t-1} for every t: (K, T, B, H)."""
    return torch.cat((h_0[:, None], outputs[:, :-1]), dim=1)


def _weight_gradients(d_a: Tensor, previous: Tensor) -> tuple[Tensor, Tensor]:
    """dL/dW_hh (K, G*H, H) and dL/db_hh (K, G*H) from dL/da (K, T, B, G*H) and h_{t-1}."""
    rows = d_a.flatten(1, 2)  # (K, T*B, G*H)
    return rows.transpose(1, 2) @ previous.flatten(1, 2), rows.sum(dim=1)


class _Elman(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, h: Tensor, W_hh: Tensor, b_hh: Tensor, relu: bool
    ) -> Tensor:
        ctx.relu, h_0 = relu, h
        a = x + b_hh[:, None, None]  # (K, T, B, H)
        W = W_hh.transpose(1, 2)
        for a_t in a.unbind(dim=1):
            h = a_t.baddbmm_(h, W)
            h = h.relu_() if relu else h.tanh_()
        ctx.save_for_backward(h_0, W_hh, a)
        return a

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_outputs: Tensor) -> tuple[Tensor | None, ...]:
        h_0, W_hh, outputs = ctx.saved_tensors
        slope = (outputs > 0).to(outputs) if ctx.relu else 1 - outputs * outputs
        d_a = torch.empty_like(outputs)  # (K, T, B, H)
        d_h = torch.zeros_like(h_0)
        for t in reversed(range(outputs.shape[1])):
            torch.mul(d_h.add_(d_outputs[:, t]), slope[:, t], out=d_a[:, t])
            d_h = d_a[:, t] @ W_hh
        return d_a, d_h, *_weight_gradients(d_a, _previous(h_0, outputs)), None


class _GRU(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, h: Tensor, W_hh: Tensor, b_hh: Tensor) -> Tensor:
        h_0, H = h, h.shape[-1]
        rz = x[..., : 2 * H] + b_hh[:, None, None, : 2 * H]  # (K, T, B, 2H)
        n = torch.empty_like(x[..., 2 * H :])  # (K, T, B, H)
        a_n = torch.empty_like(n)  # W_n h_{t-1} + b_n
        outputs = torch.empty_like(n)
        W = W_hh.transpose(1, 2)
        W_rz, W_n, b_n = W[..., : 2 * H], W[..., 2 * H :], b_hh[:, None, 2 * H :]
        for t in range(x.shape[1]):
            r, z = rz[:, t].baddbmm_(h, W_rz).sigmoid_().chunk(2, dim=-1)
            a = torch.baddbmm(b_n, h, W_n, out=a_n[:, t])
            candidate = torch.addcmul(x[:, t, :, 2 * H :], r, a, out=n[:, t]).tanh_()
            h = torch.lerp(candidate, h, z, out=outputs[:, t])
        ctx.save_for_backward(h_0, W_hh, rz, n, a_n, outputs)
        return outputs

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_outputs: Tensor) -> tuple[Tensor, ...]:
        h_0, W_hh, rz, n, a_n, outputs = ctx.saved_tensors
        H = h_0.shape[-1]
        r, z = rz.chunk(2, dim=-1)
        previous = _previous(h_0, outputs)
        n_by_h = (1 - z) * (1 - n * n)  # dn_pre / dh_t
        z_by_h = (previous - n) * z * (1 - z)
        r_by_n = a_n * r * (1 - r)
        d_a = torch.empty_like(torch.cat((rz, n), dim=-1))  # (K, T, B, 3H)
        d_n = torch.empty_like(n)
        d_h = torch.zeros_like(h_0)
        for t in reversed(range(n.shape[1])):
            d_h = d_h.add_(d_outputs[:, t])
            step = d_a[:, t]
            torch.mul(d_h, n_by_h[:, t], out=d_n[:, t])
            torch.mul(d_n[:, t], r_by_n[:, t], out=step[..., :H])
            torch.mul(d_h, z_by_h[:, t], out=step[..., H : 2 * H])
            torch.mul(d_n[:, t], r[:, t], out=step[..., 2 * H :])
            d_h = torch.baddbmm(d_h.mul_(z[:, t]), step, W_hh)
        d_x = torch.cat((d_a[..., : 2 * H], d_n), dim=-1)
        return d_x, d_h, *_weight_gradients(d_a, previous)


class _LSTM(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, h: Tensor, c: Tensor, W_hh: Tensor, b_hh: Tensor
    ) -> tuple[Tensor, Tensor]:
        h_0, c_0, H = h, c, h.shape[-1]
        gates = x + b_hh[:, None, None]  # (K, T, B, 4H): i, f, g, o
        cells = torch.empty_like(gates[..., :H])  # c_t, (K, T, B, H)
        tanh_c, outputs = torch.empty_like(cells), torch.empty_like(cells)
        W = W_hh.transpose(1, 2)
        for t in range(x.shape[1]):
            step = gates[:, t].baddbmm_(h, W)
            i_f, g, o = step[..., : 2 * H], step[..., 2 * H : 3 * H], step[..., 3 * H :]
            i_f.sigmoid_(), g.tanh_(), o.sigmoid_()
            i, f = i_f.chunk(2, dim=-1)
            c = torch.mul(f, c, out=cells[:, t]).addcmul_(i, g)
            h = torch.mul(o, torch.tanh(c, out=tanh_c[:, t]), out=outputs[:, t])
        ctx.save_for_backward(h_0, c_0, W_hh, gates, cells, tanh_c, outputs)
        return outputs, c.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_outputs: Tensor, d_c: Tensor) -> tuple[Tensor, ...]:
        h_0, c_0, W_hh, gates, cells, tanh_c, outputs = ctx.saved_tensors
        i, f, g, o = gates.chunk(4, dim=-1)
        by_c = torch.stack(  # d(i, f, g)_pre / dc_t, (K, T, B, 3, H)
            (g * i * (1 - i), _previous(c_0, cells) * f * (1 - f), i * (1 - g * g)), dim=-2
        )
        o_by_h = tanh_c * o * (1 - o)
        c_by_h = o * (1 - tanh_c * tanh_c)
        d_a = torch.empty_like(gates).unflatten(-1, (4, -1))  # (K, T, B, 4, H)
        d_h = torch.zeros_like(h_0)
        for t in reversed(range(gates.shape[1])):
            d_h = d_h.add_(d_outputs[:, t])
            d_c = torch.addcmul(d_c, d_h, c_by_h[:, t])
            torch.mul(d_c[..., None, :], by_c[:, t], out=d_a[:, t, :, :3])
            torch.mul(d_h, o_by_h[:, t], out=d_a[:, t, :, 3])
            d_h = d_a[:, t].flatten(-2) @ W_hh
            d_c = d_c * f[:, t]
        d_a = d_a.flatten(-2)
        return d_a, d_h, d_c, *_weight_gradients(d_a, _previous(h_0, outputs))

"""The LSTM over all steps, with its backward pass."""

from typing import Any

import torch
from torch import Tensor

from rnn_regexp.recurrence.first_order import first_order
from rnn_regexp.recurrence.perturbation import RecurrentNoise, each_step, settle_, times
from rnn_regexp.recurrence.products import Recurrent, input_gradients, of_steps
from rnn_regexp.recurrence.sigmoid import by_sigmoid, by_tanh, doubled, to_tanh


class LSTMScan(torch.autograd.Function):
    """h and c at every step, (K, T, B, H) each, from inputs, h_0, c_0, the weights, the noise."""

    @staticmethod
    def forward(
        ctx: Any,
        inputs: Tensor,
        h: Tensor,
        c: Tensor,
        W_hx: Tensor,
        W_hh: Tensor,
        b_hx: Tensor,
        b_hh: Tensor,
        noise: RecurrentNoise,
    ) -> tuple[Tensor, Tensor]:
        (K, T, B, _), H = inputs.shape, h.shape[-1]
        rows = slice(2 * H, 3 * H)  # of g
        gates = of_steps(inputs, doubled(W_hx, rows), doubled(b_hx + b_hh, rows))  # (K, T, B, 4H)
        hs, cs, tanh_c = (gates.new_empty(K, T + 1, B, H) for _ in range(3))  # at steps 0 ... T
        hs[:, 0], cs[:, 0] = h, c
        recurrent = Recurrent(doubled(W_hh, rows), noise.h, T, B)
        share_h, share_c = each_step(noise.zoneout_h, T), each_step(noise.zoneout_c, T)
        mask, cell = each_step(noise.state, T), each_step(noise.cell, T)
        candidate = each_step(noise.candidate, T)
        views = (gates, *gates.chunk(4, dim=-1), tanh_c[:, 1:], hs[:, 1:], cs[:, 1:])
        steps = zip(*(view.unbind(1) for view in views), strict=True)
        for t, (gates_t, i, f, g, o, tanh, new_h, new_c) in enumerate(steps):
            recurrent.add(t, h, gates_t)
            gates_t.sigmoid_()
            to_tanh(g, out=g)
            torch.mul(f, c, out=new_c).addcmul_(i, times(g, candidate[t]))
            settle_(new_c, c, None, cell[t])
            to_tanh(torch.add(new_c, new_c, out=tanh).sigmoid_(), out=tanh)
            h = settle_(torch.mul(o, tanh, out=new_h), h, share_h[t], mask[t])
            c = settle_(new_c, c, share_c[t], None)
        ctx.save_for_backward(inputs, W_hx, W_hh, gates, tanh_c, hs, cs)
        ctx.noise = noise
        ctx.set_materialize_grads(False)
        return hs[:, 1:], cs[:, 1:]

    @staticmethod
    @first_order
    def backward(
        ctx: Any, d_outputs: Tensor | None, d_cells: Tensor | None
    ) -> tuple[Tensor | None, ...]:
        inputs, W_hx, W_hh, gates, tanh_c, hs, cs = ctx.saved_tensors
        d_a, by_h, by_c = _slopes(gates, tanh_c[:, 1:], cs[:, :-1], ctx.noise)
        d_h = torch.zeros_like(hs)
        if d_outputs is not None:
            d_h[:, 1:] = d_outputs
        recurrent = Recurrent(W_hh, ctx.noise.h, *by_h.shape[1:3])
        d_c = _through_time(d_a, d_h, d_cells, by_h, by_c, recurrent, ctx.noise)
        d_inputs, d_W_hx, d_b = input_gradients(inputs, W_hx, d_a, ctx.needs_input_grad[0])
        d_W_hh = recurrent.weight_gradient(d_a, hs[:, :-1])
        return d_inputs, d_h[:, 0], d_c, d_W_hx, d_W_hh, d_b, d_b, None


def _slopes(
    gates: Tensor, tanh_c: Tensor, previous: Tensor, noise: RecurrentNoise
) -> tuple[Tensor, Tensor, Tensor]:
    """dL/da_t (K, T, B, 4H) by dL/dc~_t (i, f, g) and dL/dh_t (o); dc~_t/dh_t; dc_{t-1}/dc~_t."""
    i, f, g, o = gates.chunk(4, dim=-1)
    d_a = torch.empty_like(gates)
    d_i, d_f, d_g, d_o = d_a.chunk(4, dim=-1)
    new, _ = noise.shares()
    by_sigmoid(times(times(g, noise.candidate), noise.cell), i, out=d_i)
    by_sigmoid(times(previous, noise.cell), f, out=d_f)
    by_tanh(times(times(i, noise.candidate), noise.cell), g, out=d_g)
    by_sigmoid(times(tanh_c, new), o, out=d_o)
    by_h = by_tanh(times(o, new), tanh_c, out=torch.empty_like(o))
    return d_a, by_h, times(f, noise.cell)


def _through_time(
    d_a: Tensor,
    d_h: Tensor,
    d_cells: Tensor | None,
    by_h: Tensor,
    by_c: Tensor,
    recurrent: Recurrent,
    noise: RecurrentNoise,
) -> Tensor:
    """Complete d_a and d_h (K, T + 1, B, H) in place from the last step back; dL/dc_0."""
    T = d_a.shape[1]
    share, past = each_step(noise.zoneout_c, T), each_step(noise.shares()[1], T)
    gates = d_a.unflatten(-1, (4, -1))  # (K, T, B, 4, H)
    d_cs, d_hs = each_step(d_cells, T), d_h.unbind(1)
    views = (d_a, gates[..., :3, :], gates[..., 3, :], by_h, by_c)
    steps = list(zip(*(view.unbind(1) for view in views), strict=True))
    d_c = torch.zeros_like(d_hs[0])
    for t in reversed(range(T)):
        d_a_t, d_ifg, d_o, by_h_t, by_c_t = steps[t]
        d_h_t, d_previous = d_hs[t + 1], d_hs[t]
        if (d_c_t := d_cs[t]) is not None:
            d_c += d_c_t
        if (share_t := share[t]) is not None:
            skipped = d_c * share_t
            d_c -= skipped
        d_ifg.mul_(d_c.addcmul_(d_h_t, by_h_t)[:, :, None])
        d_o.mul_(d_h_t)
        d_c.mul_(by_c_t)
        if share_t is not None:
            d_c += skipped
        if (past_t := past[t]) is not None:
            d_previous.addcmul_(d_h_t, past_t)
        recurrent.add_back(t, d_a_t, d_previous)
    return d_c

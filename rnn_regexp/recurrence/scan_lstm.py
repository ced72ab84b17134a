"""The LSTM over all steps, with its backward pass."""

from typing import Any

import torch
from torch import Tensor

from rnn_regexp.recurrence.first_order import first_order
from rnn_regexp.recurrence.perturbation import RecurrentNoise, settle_, times
from rnn_regexp.recurrence.products import (
    Recurrent,
    input_gradients,
    of_steps,
    over_rows,
    recurrent_gradient,
)
from rnn_regexp.recurrence.sigmoid import by_sigmoid, by_tanh, doubled, to_tanh
from rnn_regexp.recurrence.steps import Steps


class LSTMScan(torch.autograd.Function):
    """h and c at every step, (K, ..., H), from inputs, h_0, c_0, weights, noise and their steps."""

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
        steps: Steps,
    ) -> tuple[Tensor, Tensor]:
        H, lead = h.shape[-1], steps.lead
        rows = slice(2 * H, 3 * H)  # of g
        gates = of_steps(inputs, doubled(W_hx, rows), doubled(b_hx + b_hh, rows))  # (K, ..., 4H)
        hs, cs = steps.begin(h), steps.begin(c)  # at steps 0 ... T
        tanh_c = torch.empty_like(cs[:, lead:])
        recurrent = Recurrent(doubled(W_hh, rows), noise.h, steps)
        share_h, share_c = steps.masks(noise.zoneout_h), steps.masks(noise.zoneout_c)
        mask, cell = steps.masks(noise.state), steps.masks(noise.cell)
        candidate = steps.masks(noise.candidate)
        parts = (gates, *gates.chunk(4, dim=-1), tanh_c, hs[:, lead:], cs[:, lead:])
        views = zip(*map(steps.each, parts), steps.previous(hs), steps.previous(cs), strict=True)
        for t, (gates_t, i, f, g, o, tanh, new_h, new_c, h_t, c_t) in enumerate(views):
            recurrent.add(t, h_t, gates_t)
            gates_t.sigmoid_()
            to_tanh(g, out=g)
            torch.mul(f, c_t, out=new_c).addcmul_(i, times(g, candidate[t]))
            settle_(new_c, c_t, None, cell[t])
            to_tanh(torch.add(new_c, new_c, out=tanh).sigmoid_(), out=tanh)
            settle_(torch.mul(o, tanh, out=new_h), h_t, share_h[t], mask[t])
            settle_(new_c, c_t, share_c[t], None)
        ctx.save_for_backward(inputs, W_hx, W_hh, gates, tanh_c, hs, cs)
        ctx.noise, ctx.steps = noise, steps
        ctx.set_materialize_grads(False)
        return hs[:, lead:], cs[:, lead:]

    @staticmethod
    @first_order
    def backward(
        ctx: Any, d_outputs: Tensor | None, d_cells: Tensor | None
    ) -> tuple[Tensor | None, ...]:
        inputs, W_hx, W_hh, gates, tanh_c, hs, cs = ctx.saved_tensors
        steps: Steps = ctx.steps
        d_a, by_h, by_c = _slopes(gates, tanh_c, steps.before(cs), ctx.noise)
        d_h = torch.zeros_like(hs)
        if d_outputs is not None:
            d_h[:, steps.lead :] = d_outputs
        recurrent = Recurrent(W_hh, ctx.noise.h, steps)
        d_c = _through_time(d_a, d_h, d_cells, by_h, by_c, recurrent, ctx.noise, steps)
        d_inputs, d_W_hx = input_gradients(inputs, W_hx, d_a, ctx.needs_input_grad[0])
        d_b = over_rows(d_a)
        d_W_hh = recurrent_gradient(ctx.noise.h, d_a, steps.before(hs))
        return d_inputs, steps.states(d_h)[0], d_c, d_W_hx, d_W_hh, d_b, d_b, None, None


def _slopes(
    gates: Tensor, tanh_c: Tensor, previous: Tensor, noise: RecurrentNoise
) -> tuple[Tensor, Tensor, Tensor]:
    """dL/da_t (K, ..., 4H) by dL/dc~_t (i, f, g) and dL/dh_t (o); dc~_t/dh_t; dc_{t-1}/dc~_t."""
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
    steps: Steps,
) -> Tensor:
    """Complete d_a and d_h, at steps 0 ... T, in place from the last step back; dL/dc_0."""
    share, past = steps.masks(noise.zoneout_c), steps.masks(noise.shares()[1])
    gates = d_a.unflatten(-1, (4, -1))  # (K, ..., 4, H)
    d_cs, (d_0, *d_hs) = steps.masks(d_cells), steps.states(d_h)
    d_c = torch.zeros_like(d_0)
    parts = map(steps.each, (d_a, gates[..., :3, :], gates[..., 3, :], by_h, by_c))
    views = list(zip(*parts, d_hs, steps.previous(d_h), steps.rows(d_c), strict=True))
    for t in reversed(range(len(views))):
        d_a_t, d_ifg, d_o, by_h_t, by_c_t, d_h_t, d_previous, d_c_t = views[t]
        if (more := d_cs[t]) is not None:
            d_c_t += more
        if (share_t := share[t]) is not None:
            skipped = d_c_t * share_t
            d_c_t -= skipped
        d_ifg.mul_(d_c_t.addcmul_(d_h_t, by_h_t)[:, :, None])
        d_o.mul_(d_h_t)
        d_c_t.mul_(by_c_t)
        if share_t is not None:
            d_c_t += skipped
        if (past_t := past[t]) is not None:
            d_previous.addcmul_(d_h_t, past_t)
        recurrent.add_back(t, d_a_t, d_previous)
    return d_c

"""The GRU over all steps, with its backward pass."""

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
from rnn_regexp.recurrence.sigmoid import by_sigmoid, by_tanh, to_tanh
from rnn_regexp.recurrence.steps import Steps


class GRUScan(torch.autograd.Function):
    """Outputs (K, ..., H) from inputs, h_0, the weights, the noise and their steps."""

    @staticmethod
    def forward(
        ctx: Any,
        inputs: Tensor,
        h: Tensor,
        W_hx: Tensor,
        W_hh: Tensor,
        b_hx: Tensor,
        b_hh: Tensor,
        noise: RecurrentNoise,
        steps: Steps,
    ) -> Tensor:
        H = h.shape[-1]
        a, n = _products_of_inputs(inputs, W_hx, b_hx, b_hh)  # (K, ..., 3H), (K, ..., H)
        hs = steps.begin(h)  # h_0 ... h_T
        recurrent = Recurrent(W_hh, noise.h, steps)
        share, mask = steps.masks(noise.zoneout_h), steps.masks(noise.state)
        candidate, news = steps.masks(noise.candidate), steps.states(hs)[1:]
        parts = (a, a[..., : 2 * H], *a.chunk(3, dim=-1), n)
        views = zip(*map(steps.each, parts), steps.previous(hs), news, strict=True)
        for t, (a_t, rz_t, r_t, z_t, a_n_t, n_t, h_t, new) in enumerate(views):
            recurrent.add(t, h_t, a_t)
            rz_t.sigmoid_()
            to_tanh(n_t.addcmul_(r_t, a_n_t, value=2).sigmoid_(), out=n_t)
            torch.lerp(times(n_t, candidate[t]), h_t, z_t, out=new)
            settle_(new, h_t, share[t], mask[t])
        ctx.save_for_backward(inputs, W_hx, W_hh, a, n, hs)
        ctx.noise, ctx.steps = noise, steps
        return hs[:, steps.lead :]

    @staticmethod
    @first_order
    def backward(ctx: Any, d_outputs: Tensor) -> tuple[Tensor | None, ...]:
        inputs, W_hx, W_hh, a, n, hs = ctx.saved_tensors
        steps: Steps = ctx.steps
        previous = steps.before(hs)
        d_a, by_n, past = _slopes(a, n, previous, ctx.noise)
        d_h = torch.cat((torch.zeros_like(hs[:, : steps.lead]), d_outputs), dim=1)
        recurrent, (d_0, *d_hs) = Recurrent(W_hh, ctx.noise.h, steps), steps.states(d_h)
        parts = map(steps.each, (d_a, d_a.unflatten(-1, (3, -1)), past))
        views = list(zip(*parts, d_hs, steps.previous(d_h), strict=True))
        for t in reversed(range(len(views))):
            d_a_t, gates_t, past_t, d_h_t, d_previous = views[t]
            d_previous.addcmul_(d_h_t, past_t)
            gates_t.mul_(d_h_t[:, :, None])
            recurrent.add_back(t, d_a_t, d_previous)
        d_W_hh, d_b_hh = recurrent_gradient(ctx.noise.h, d_a, previous), over_rows(d_a)
        torch.mul(d_h[:, steps.lead :], by_n, out=d_a.chunk(3, dim=-1)[2])  # what reaches x_n
        d_inputs, d_W_hx = input_gradients(inputs, W_hx, d_a, ctx.needs_input_grad[0])
        d_b_hx = over_rows(d_a)
        return d_inputs, d_0, d_W_hx, d_W_hh, d_b_hx, d_b_hh, None, None


def _products_of_inputs(
    inputs: Tensor, W_hx: Tensor, b_hx: Tensor, b_hh: Tensor
) -> tuple[Tensor, Tensor]:
    """What the loop adds W_hh h_{t-1} to: x_r + b_r, x_z + b_z, b_n side by side; and 2 x_n."""
    H = b_hh.shape[1] // 3
    b = torch.cat((b_hx[:, : 2 * H] + b_hh[:, : 2 * H], b_hx[:, 2 * H :]), dim=1)
    a = of_steps(inputs, W_hx, b)
    a_n = a[..., 2 * H :]
    n = 2 * a_n
    a_n.copy_(b_hh[:, 2 * H :].view(len(b_hh), *[1] * (a.dim() - 2), H))
    return a, n


def _slopes(
    a: Tensor, n: Tensor, previous: Tensor, noise: RecurrentNoise
) -> tuple[Tensor, Tensor, Tensor]:
    """By dL/dh_t: dL/da_t (K, ..., 3H), dL/dx_n (K, ..., H), dL/dh_{t-1} past the products."""
    r, z, a_n = a.chunk(3, dim=-1)
    new, old = noise.shares()
    d_a = torch.empty_like(a)
    d_r, d_z, d_n = d_a.chunk(3, dim=-1)
    by_n = torch.rsub(z, 1)
    by_n = by_tanh(times(times(by_n, noise.candidate), new), n, out=by_n)
    by_sigmoid(torch.mul(a_n, by_n, out=d_n), r, out=d_r)
    by_z = times(torch.sub(previous, times(n, noise.candidate), out=d_n), new)
    by_sigmoid(by_z, z, out=d_z)
    torch.mul(r, by_n, out=d_n)
    past = times(z, new)
    return d_a, by_n, past if old is None else past + old

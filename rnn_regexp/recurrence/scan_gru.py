"""The GRU over all steps, with its backward pass."""

from typing import Any

import torch
from torch import Tensor

from rnn_regexp.recurrence.first_order import first_order
from rnn_regexp.recurrence.perturbation import RecurrentNoise, each_step, settle_, times
from rnn_regexp.recurrence.products import Recurrent, input_gradients, of_steps
from rnn_regexp.recurrence.sigmoid import by_sigmoid, by_tanh, to_tanh


class GRUScan(torch.autograd.Function):
    """Outputs (K, T, B, H) from inputs, h_0, the weights and the noise."""

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
    ) -> Tensor:
        (K, T, B, _), H = inputs.shape, h.shape[-1]
        a, n = _products_of_inputs(inputs, W_hx, b_hx, b_hh)  # (K, T, B, 3H), (K, T, B, H)
        hs = n.new_empty(K, T + 1, B, H)  # h_0 ... h_T
        hs[:, 0] = h
        recurrent = Recurrent(W_hh, noise.h, T, B)
        share, mask = each_step(noise.zoneout_h, T), each_step(noise.state, T)
        candidate = each_step(noise.candidate, T)
        h, *news = hs.unbind(1)
        views = (a, a[..., : 2 * H], *a.chunk(3, dim=-1), n)
        steps = zip(*(view.unbind(1) for view in views), news, strict=True)
        for t, (a_t, rz_t, r_t, z_t, a_n_t, n_t, new) in enumerate(steps):
            recurrent.add(t, h, a_t)
            rz_t.sigmoid_()
            to_tanh(n_t.addcmul_(r_t, a_n_t, value=2).sigmoid_(), out=n_t)
            torch.lerp(times(n_t, candidate[t]), h, z_t, out=new)
            h = settle_(new, h, share[t], mask[t])
        ctx.save_for_backward(inputs, W_hx, W_hh, a, n, hs)
        ctx.noise = noise
        return hs[:, 1:]

    @staticmethod
    @first_order
    def backward(ctx: Any, d_outputs: Tensor) -> tuple[Tensor | None, ...]:
        inputs, W_hx, W_hh, a, n, hs = ctx.saved_tensors
        T, B = n.shape[1:3]
        d_a, by_n, past = _slopes(a, n, hs[:, :-1], ctx.noise)
        d_h = torch.cat((torch.zeros_like(hs[:, :1]), d_outputs), dim=1)  # (K, T + 1, B, H)
        recurrent = Recurrent(W_hh, ctx.noise.h, T, B)
        d_hs, d_as, pasts = d_h.unbind(1), d_a.unbind(1), past.unbind(1)
        gates = d_a.unflatten(-1, (3, -1)).unbind(1)  # (K, B, 3, H) each
        for t in reversed(range(T)):
            d_previous = d_hs[t].addcmul_(d_hs[t + 1], pasts[t])
            gates[t].mul_(d_hs[t + 1][:, :, None])
            recurrent.add_back(t, d_as[t], d_previous)
        d_W_hh, d_b_hh = recurrent.weight_gradient(d_a, hs[:, :-1]), d_a.sum(dim=(1, 2))
        torch.mul(d_h[:, 1:], by_n, out=d_a.chunk(3, dim=-1)[2])  # what reaches x_n
        d_inputs, d_W_hx, d_b_hx = input_gradients(inputs, W_hx, d_a, ctx.needs_input_grad[0])
        return d_inputs, d_hs[0], d_W_hx, d_W_hh, d_b_hx, d_b_hh, None


def _products_of_inputs(
    inputs: Tensor, W_hx: Tensor, b_hx: Tensor, b_hh: Tensor
) -> tuple[Tensor, Tensor]:
    """What the loop adds W_hh h_{t-1} to: x_r + b_r, x_z + b_z, b_n side by side; and 2 x_n."""
    H = b_hh.shape[1] // 3
    (W_rz, W_n), (b_rz, b_xn), (b_hrz, b_n) = (
        part.split([2 * H, H], dim=1) for part in (W_hx, b_hx, b_hh)
    )
    rz = of_steps(inputs, W_rz, b_rz + b_hrz)
    b_n = b_n[:, None, None].expand(-1, *inputs.shape[1:3], -1)
    return torch.cat((rz, b_n), dim=-1), of_steps(inputs, 2 * W_n, 2 * b_xn)


def _slopes(
    a: Tensor, n: Tensor, previous: Tensor, noise: RecurrentNoise
) -> tuple[Tensor, Tensor, Tensor]:
    """By dL/dh_t: dL/da_t (K, T, B, 3H), dL/dx_n (K, T, B, H), dL/dh_{t-1} past the products."""
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

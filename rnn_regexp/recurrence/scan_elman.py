"""The Elman network over all steps, with its backward pass."""

from typing import Any

import torch
from torch import Tensor

from rnn_regexp.recurrence.first_order import first_order
from rnn_regexp.recurrence.perturbation import RecurrentNoise, each_step, settle_, times
from rnn_regexp.recurrence.products import Recurrent, input_gradients, of_steps
from rnn_regexp.recurrence.sigmoid import by_sigmoid, to_tanh

_FOUR = torch.tensor(4.0, device="cpu")


class ElmanScan(torch.autograd.Function):
    """Outputs (K, T, B, H) from inputs, h_0, the weights, the noise, and whether f is relu."""

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
        relu: bool,
    ) -> Tensor:
        K, T, B, _ = inputs.shape
        twice = 1 if relu else 2
        a = of_steps(inputs, twice * W_hx, twice * (b_hx + b_hh))  # (K, T, B, H)
        hs = a.new_empty(K, T + 1, B, a.shape[-1])  # h_0 ... h_T
        hs[:, 0] = h
        recurrent = Recurrent(twice * W_hh, noise.h, T, B)
        share, mask = each_step(noise.zoneout_h, T), each_step(noise.state, T)
        h, *news = hs.unbind(1)
        for t, (a_t, new) in enumerate(zip(a.unbind(1), news, strict=True)):
            recurrent.add(t, h, a_t)
            if relu:
                torch.clamp_min(a_t, 0, out=new)
            else:
                to_tanh(a_t.sigmoid_(), out=new)
            h = settle_(new, h, share[t], mask[t])
        ctx.save_for_backward(inputs, W_hx, W_hh, a, hs)
        ctx.noise, ctx.relu = noise, relu
        return hs[:, 1:]

    @staticmethod
    @first_order
    def backward(ctx: Any, d_outputs: Tensor) -> tuple[Tensor | None, ...]:
        inputs, W_hx, W_hh, a, hs = ctx.saved_tensors
        T, B = a.shape[1:3]
        new, old = ctx.noise.shares()
        slope = (a > 0).to(a) if ctx.relu else by_sigmoid(_FOUR, a, torch.empty_like(a))
        d_a = times(slope, new)  # becomes dL/da_t in the loop, (K, T, B, H)
        d_hs = torch.cat((torch.zeros_like(hs[:, :1]), d_outputs), dim=1).unbind(1)
        recurrent, past = Recurrent(W_hh, ctx.noise.h, T, B), each_step(old, T)
        d_as = d_a.unbind(1)
        for t in reversed(range(T)):
            d_h, d_previous = d_hs[t + 1], d_hs[t]
            if (past_t := past[t]) is not None:
                d_previous.addcmul_(d_h, past_t)
            recurrent.add_back(t, d_as[t].mul_(d_h), d_previous)
        d_inputs, d_W_hx, d_b = input_gradients(inputs, W_hx, d_a, ctx.needs_input_grad[0])
        d_W_hh = recurrent.weight_gradient(d_a, hs[:, :-1])
        return d_inputs, d_hs[0], d_W_hx, d_W_hh, d_b, d_b, None, None

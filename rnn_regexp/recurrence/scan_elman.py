"""The Elman network over all steps, with its backward pass."""

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
from rnn_regexp.recurrence.sigmoid import by_sigmoid, to_tanh
from rnn_regexp.recurrence.steps import Steps

_FOUR = torch.tensor(4.0, device="cpu")


class ElmanScan(torch.autograd.Function):
    """Outputs (K, ..., H) from inputs, h_0, weights, noise, their steps, and whether f is relu."""

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
        relu: bool,
    ) -> Tensor:
        twice = 1 if relu else 2
        a = of_steps(inputs, twice * W_hx, twice * (b_hx + b_hh))  # (K, ..., H)
        hs = steps.begin(h)  # h_0 ... h_T
        recurrent = Recurrent(twice * W_hh, noise.h, steps)
        share, mask = steps.masks(noise.zoneout_h), steps.masks(noise.state)
        views = zip(steps.each(a), steps.previous(hs), steps.states(hs)[1:], strict=True)
        for t, (a_t, h_t, new) in enumerate(views):
            recurrent.add(t, h_t, a_t)
            if relu:
                torch.clamp_min(a_t, 0, out=new)
            else:
                to_tanh(a_t.sigmoid_(), out=new)
            settle_(new, h_t, share[t], mask[t])
        ctx.save_for_backward(inputs, W_hx, W_hh, a, hs)
        ctx.noise, ctx.steps, ctx.relu = noise, steps, relu
        return hs[:, steps.lead :]

    @staticmethod
    @first_order
    def backward(ctx: Any, d_outputs: Tensor) -> tuple[Tensor | None, ...]:
        inputs, W_hx, W_hh, a, hs = ctx.saved_tensors
        steps: Steps = ctx.steps
        new, old = ctx.noise.shares()
        slope = (a > 0).to(a) if ctx.relu else by_sigmoid(_FOUR, a, torch.empty_like(a))
        d_a = times(slope, new)  # becomes dL/da_t in the loop, (K, ..., H)
        d_h = torch.cat((torch.zeros_like(hs[:, : steps.lead]), d_outputs), dim=1)
        recurrent, past = Recurrent(W_hh, ctx.noise.h, steps), steps.masks(old)
        d_0, *d_hs = steps.states(d_h)
        views = list(zip(steps.each(d_a), d_hs, steps.previous(d_h), strict=True))
        for t in reversed(range(len(views))):
            d_a_t, d_h_t, d_previous = views[t]
            if (past_t := past[t]) is not None:
                d_previous.addcmul_(d_h_t, past_t)
            recurrent.add_back(t, d_a_t.mul_(d_h_t), d_previous)
        d_inputs, d_W_hx = input_gradients(inputs, W_hx, d_a, ctx.needs_input_grad[0])
        d_b = over_rows(d_a)
        d_W_hh = recurrent_gradient(ctx.noise.h, d_a, steps.before(hs))
        return d_inputs, d_0, d_W_hx, d_W_hh, d_b, d_b, None, None, None

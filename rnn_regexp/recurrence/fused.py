"""All steps of K runs where each step is one product and one kernel, or all steps one launch.

The kernels, for CUDA in ``cuda`` and for the CPU in ``cpu``, work on arrays in place, all noise
included: ``gates`` first holds W_hx x_t + b, then what the nonlinearities give; ``hs`` and ``cs``
the states at steps 0 ... T; ``a_n`` the GRU's W_n h + b_n.  What the backward loop leaves to do,
the weight gradients, is one product each, as in ``scan``.
"""

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor

from rnn_regexp.recurrence.cells import GRU, Cell, LayerWeights, State
from rnn_regexp.recurrence.first_order import first_order
from rnn_regexp.recurrence.perturbation import RecurrentNoise
from rnn_regexp.recurrence.products import (
    input_gradients,
    of_steps,
    over_rows,
    recurrent_gradient,
)
from rnn_regexp.recurrence.steps import Steps


class Loop(Protocol):
    """What takes a cell's arrays, contiguous, through its steps."""

    def forward(self, **arrays: Tensor) -> None:
        """Fill ``hs``, and ``cs`` or ``a_n``, from their step 0 on; ``gates`` in place."""

    def backward(self, **arrays: Tensor | None) -> None:
        """Fill ``d_a``; take ``d_h_0``, and ``d_c_0``, from after the last step to before all."""


Looping = Callable[[Cell, Tensor, RecurrentNoise, Steps], Loop]  # with W_hh


def all_steps(
    looping: Looping,
    cell: Cell,
    inputs: Tensor,
    state: State,
    weights: LayerWeights,
    noise: RecurrentNoise,
    steps: Steps,
    at_once: int | None = None,
) -> State:
    """Each state at every step, in float32 or float64.

    Of K runs as many are taken through all steps as have ``at_once`` bytes of gates, then the
    next: what a cache holds is read from it, and derivatives need room for these runs alone.
    """
    if inputs.dtype not in (torch.float32, torch.float64):
        raise ValueError(f"inputs must be torch.float32 or torch.float64, got {inputs.dtype}")
    parts = _parts(len(inputs), inputs[0, ..., 0].numel() * weights[1][0, :, 0].nbytes, at_once)
    return Fused.apply(looping, cell, noise, steps, parts, inputs, *weights, *state)


def _parts(K: int, each: int, at_once: int | None) -> list[slice]:
    count = K if at_once is None else max(1, at_once // each)
    return [slice(first, first + count) for first in range(0, K, count)]


class Fused(torch.autograd.Function):
    """Each state at every step, (K, ..., H)."""

    @staticmethod
    def forward(
        ctx: Any,
        looping: Looping,
        cell: Cell,
        noise: RecurrentNoise,
        steps: Steps,
        parts: list[slice],
        inputs: Tensor,
        W_hx: Tensor,
        W_hh: Tensor,
        b_hx: Tensor,
        b_hh: Tensor,
        *state: Tensor,
    ) -> tuple[Tensor, ...]:
        states = dict(zip(("hs", "cs"), map(steps.begin, state), strict=False))
        kept = list(states.values())
        for own in parts:
            x, W, W_h, b, b_h = (of[own] for of in (inputs, W_hx, W_hh, b_hx, b_hh))
            arrays = {"gates": of_steps(x, W, _outside(cell, b, b_h))}
            if cell is GRU:
                arrays["b_n"] = b_h.chunk(3, dim=1)[2].contiguous()
                arrays["a_n"] = x.new_empty(*x.shape[:-1], W_h.shape[-1])
            kept += arrays.values()
            arrays |= {name: of[own] for name, of in states.items()}
            looping(cell, W_h, noise.of(own), steps).forward(**arrays)
        ctx.save_for_backward(inputs, W_hx, W_hh, *kept)
        ctx.looping, ctx.cell, ctx.noise, ctx.steps, ctx.parts = looping, cell, noise, steps, parts
        ctx.set_materialize_grads(False)
        return tuple(of[:, steps.lead :] for of in states.values())

    @staticmethod
    @first_order
    def backward(ctx: Any, *d_states: Tensor | None) -> tuple[Tensor | None, ...]:
        inputs, W_hx, W_hh, *kept = ctx.saved_tensors
        states = dict(zip(("hs", "cs")[: ctx.cell.states], kept, strict=False))
        names = ("gates", "b_n", "a_n") if ctx.cell is GRU else ("gates",)
        of_parts, found = iter(kept[len(states) :]), []
        for own in ctx.parts:
            arrays = {name: next(of_parts) for name in names}
            arrays |= {name: of[own] for name, of in states.items()}
            given = [None if d is None else d[own] for d in d_states]
            leaves = inputs[own], W_hx[own], W_hh[own]
            found.append(_gradients(ctx, own, leaves, arrays, given))
        return *(None,) * 5, *map(_joined, zip(*found, strict=True))


def _gradients(
    ctx: Any,
    own: slice,
    leaves: tuple[Tensor, Tensor, Tensor],
    arrays: dict[str, Tensor],
    d_states: list[Tensor | None],
) -> tuple[Tensor | None, ...]:
    """Of the inputs, the weights and the states before the first step; of some runs."""
    (inputs, W_hx, W_hh), noise, steps = leaves, ctx.noise.of(own), ctx.steps
    d = _derivatives(ctx.cell, arrays, steps, d_states)
    ctx.looping(ctx.cell, W_hh, noise, steps).backward(**arrays, **d)
    d_a = d["d_a"]
    assert d_a is not None
    d_W_hh = recurrent_gradient(noise.h, d_a, steps.before(arrays["hs"]))
    d_b_hh = d_b_hx = over_rows(d_a)
    if (d_x_n := d.get("d_x_n")) is not None:
        d_a.chunk(3, dim=-1)[2].copy_(d_x_n)
        d_b_hx = over_rows(d_a)
    d_inputs, d_W_hx = input_gradients(inputs, W_hx, d_a, ctx.needs_input_grad[5])
    starts = [d[name] for name in ("d_h_0", "d_c_0") if name in d]
    return d_inputs, d_W_hx, d_W_hh, d_b_hx, d_b_hh, *starts


def _joined(parts: tuple[Tensor | None, ...]) -> Tensor | None:
    there = [part for part in parts if part is not None]
    return torch.cat(there) if len(there) > 1 else next(iter(there), None)


def _derivatives(
    cell: Cell, arrays: dict[str, Tensor], steps: Steps, d_states: list[Tensor | None]
) -> dict[str, Tensor | None]:
    """Room for what the backward loop fills, and what it is given."""
    first = steps.start(arrays["hs"])
    d: dict[str, Tensor | None] = {"d_a": torch.empty_like(arrays["gates"])}
    for name, given in zip(("d_outputs", "d_cells"), d_states, strict=False):
        d[name] = None if given is None else given.contiguous()
    if d["d_outputs"] is None:
        every = arrays["hs"][:, steps.lead :]
        d["d_outputs"] = torch.zeros_like(every, memory_format=torch.contiguous_format)
    names = ("d_h_0", "d_c_0")[: cell.states]
    d |= {n: torch.zeros_like(first, memory_format=torch.contiguous_format) for n in names}
    if cell is GRU:
        d["d_x_n"] = torch.empty_like(arrays["a_n"])
    return d


def _outside(cell: Cell, b_hx: Tensor, b_hh: Tensor) -> Tensor:
    """The biases that are added before the loop: all, but the GRU's b_n stands within r * (...)."""
    if cell is not GRU:
        return b_hx + b_hh
    H = b_hh.shape[1] // 3
    return b_hx + torch.cat((b_hh[:, : 2 * H], torch.zeros_like(b_hh[:, 2 * H :])), dim=1)

"""One recurrent layer of K runs on padded sequences, forward and reversed, by the fastest backend.

Lengths are exact without a test in the loop: padding follows every sequence, so no valid step
ever reads it; the last state is gathered at its own length, and the reversed direction turns each
sequence round within its length.  What a cell computes on padding is never used.
"""

from enum import Enum

import torch
from torch import Tensor

from rnn_regexp.recurrence.cells import LSTM, RELU, Cell, State, unroll
from rnn_regexp.recurrence.native import native
from rnn_regexp.recurrence.scan import scan


class Backend(Enum):
    """How the recurrence is computed; ``auto`` takes the fastest that computes what is asked."""

    auto = "auto"
    cells = "cells"
    scan = "scan"
    native = "native"


LayerWeights = tuple[Tensor, Tensor, Tensor, Tensor]  # W_hx, W_hh, b_hx, b_hh of K runs


def choose(backend: Backend, cell: Cell, inputs: Tensor) -> Backend:
    """The backend for ``auto``.

    On CPU in float32 torch's LSTM is one oneDNN kernel and about twice as fast as the scan; its
    GRU and Elman kernels are loops over steps, which the scan beats at every K
    (``scripts/benchmark_recurrence.py``).
    """
    if backend is not Backend.auto:
        return backend
    fused = cell is LSTM and inputs.dtype is torch.float32
    return Backend.native if fused or inputs.is_cuda else Backend.scan


def run(
    cell: Cell, inputs: Tensor, state: State, weights: LayerWeights, backend: Backend
) -> tuple[Tensor, State]:
    """All steps of one direction: outputs (K, T, B, H) and the state after step T.

    ``inputs`` (K, T, B, D), ``state`` of (K, B, H), W_hx (K, G*H, D), W_hh (K, G*H, H), biases
    (K, G*H).
    """
    backend = choose(backend, cell, inputs)
    if backend is Backend.native:
        return native(cell, inputs, state, weights)
    W_hx, W_hh, b_hx, b_hh = weights
    rows = torch.baddbmm(b_hx[:, None], inputs.flatten(1, 2), W_hx.transpose(1, 2))
    x = rows.unflatten(1, inputs.shape[1:3])  # (K, T, B, G*H)
    steps = unroll if backend is Backend.cells else scan
    return steps(cell, x, state, W_hh, b_hh)


def layer(
    cell: Cell,
    inputs: Tensor,
    lengths: Tensor,
    directions: tuple[LayerWeights, ...],
    backend: Backend = Backend.auto,
) -> tuple[Tensor, Tensor]:
    """A layer of one or two directions from zero states on sequences of the given lengths.

    ``inputs`` (K, T, B, D), ``lengths`` (K, B).  Returns outputs (K, T, B, N*H), and each
    direction's state after its last valid step (K, B, N*H); N directions, forward first.
    """
    outputs, lasts = [], []
    for weights, backward in zip(directions, (False, True), strict=False):
        seen = turn(inputs, lengths) if backward else inputs
        if cell is RELU:
            seen = _zero_padding(seen, lengths)
        output, _ = run(cell, seen, zero_state(cell, seen, weights[1]), weights, backend)
        lasts.append(at_length(output, lengths))
        outputs.append(turn(output, lengths) if backward else output)
    return torch.cat(outputs, dim=-1), torch.cat(lasts, dim=-1)


def zero_state(cell: Cell, inputs: Tensor, W_hh: Tensor) -> State:
    """The initial state: zeros (K, B, H)."""
    K, _, B, _ = inputs.shape
    return tuple(inputs.new_zeros(K, B, W_hh.shape[-1]) for _ in range(cell.states))


def at_length(outputs: Tensor, lengths: Tensor) -> Tensor:
    """The output of each sequence's last valid step: (K, T, B, H) -> (K, B, H)."""
    K, _, B, H = outputs.shape
    index = (lengths - 1).view(K, 1, B, 1).expand(K, 1, B, H)
    return outputs.gather(1, index).squeeze(1)


def turn(steps: Tensor, lengths: Tensor) -> Tensor:
    """Reverse each sequence within its length; padding stays where it is: (K, T, B, D)."""
    K, T, B, D = steps.shape
    t = torch.arange(T, device=steps.device).view(1, T, 1)
    last = lengths.view(K, 1, B) - 1
    index = torch.where(t <= last, last - t, t)  # (K, T, B)
    return steps.gather(1, index[..., None].expand(K, T, B, D))


def _zero_padding(steps: Tensor, lengths: Tensor) -> Tensor:
    """Zeros on padding: a relu network could otherwise grow without bound behind the last step."""
    t = torch.arange(steps.shape[1], device=steps.device).view(1, -1, 1)
    return steps * (t < lengths[:, None])[..., None]

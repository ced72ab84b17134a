"""torch's fused kernels (oneDNN, cuDNN), run by run, where they compute the same recurrence."""

import torch
from torch import Tensor

from rnn_regexp.recurrence.cells import LSTM, Cell, LayerWeights, State


def native(cell: Cell, inputs: Tensor, state: State, weights: LayerWeights) -> tuple[Tensor, State]:
    """One layer of torch's kernel for each run: outputs (K, T, B, H) and the last state."""
    if len(inputs) == 1:  # views, where several runs need copies
        output, last = _one(cell, inputs[0], *([t[0] for t in ts] for ts in (state, weights)))
        return output[None], tuple(s[None] for s in last)
    runs = [
        _one(cell, own, list(start), list(matrices))
        for own, start, matrices in zip(inputs, _by_run(state), _by_run(weights), strict=True)
    ]
    outputs, lasts = zip(*runs, strict=True)
    return torch.stack(outputs), tuple(torch.stack(s) for s in zip(*lasts, strict=True))


def _by_run(tensors: tuple[Tensor, ...]) -> list[tuple[Tensor, ...]]:
    return list(zip(*(tensor.unbind() for tensor in tensors), strict=True))


def _one(
    cell: Cell, inputs: Tensor, state: list[Tensor], weights: list[Tensor]
) -> tuple[Tensor, State]:
    """Inputs (T, B, D), state of (B, H): outputs (T, B, H) and the last state."""
    kernel = getattr(torch, cell.name)
    start = [s[None] for s in state]  # (1, B, H): the kernel counts layers
    output, *last = kernel(
        inputs, start if cell is LSTM else start[0], weights, True, 1, 0.0, True, False, False
    )
    return output, tuple(s[0] for s in last)

"""torch's fused kernels (oneDNN, cuDNN), run by run, where they compute the same recurrence."""

import torch
from torch import Tensor

from rnn_regexp.recurrence.cells import LSTM, Cell, LayerWeights, State


def native(cell: Cell, inputs: Tensor, state: State, weights: LayerWeights) -> tuple[Tensor, State]:
    """One layer of torch's kernel for each run: outputs (K, T, B, H) and the last state."""
    if len(inputs) == 1:  # views, where several runs need copies
        output, last = _one(cell, inputs.squeeze(0), state, [w.squeeze(0) for w in weights])
        return output[None], last
    starts = zip(*(s.split(1) for s in state), strict=True)  # (1, B, H) of each run
    matrices = zip(*(w.unbind() for w in weights), strict=True)
    runs = [
        _one(cell, own, start, list(parts))
        for own, start, parts in zip(inputs, starts, matrices, strict=True)
    ]
    outputs, lasts = zip(*runs, strict=True)
    return torch.stack(outputs), tuple(torch.cat(s) for s in zip(*lasts, strict=True))


def _one(cell: Cell, inputs: Tensor, state: State, weights: list[Tensor]) -> tuple[Tensor, State]:
    """Inputs (T, B, D), states (1, B, H): outputs (T, B, H) and the last states."""
    kernel = getattr(torch, cell.name)
    start = state if cell is LSTM else state[0]
    output, *last = kernel(inputs, start, weights, True, 1, 0.0, True, False, False)
    return output, tuple(last)

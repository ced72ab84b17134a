"""torch's fused kernels (oneDNN, cuDNN), run by run, where they compute the same recurrence."""

import torch
from torch import Tensor

from rnn_regexp.recurrence.cells import LSTM, Cell, State


def native(
    cell: Cell, inputs: Tensor, state: State, weights: tuple[Tensor, Tensor, Tensor, Tensor]
) -> tuple[Tensor, State]:
    """One layer of torch's kernel for each run: outputs (K, T, B, H) and the last state.

    ``inputs`` (K, T, B, D); ``weights`` W_hx (K, G*H, D), W_hh, b_hx, b_hh. The kernels include
    the input's product, so unlike ``scan`` they take the inputs themselves.
    """
    kernel = getattr(torch, cell.name)
    outputs, finals = [], []
    for k, own in enumerate(zip(*(w.unbind() for w in weights), strict=True)):
        start = [s[k][None] for s in state]  # (1, B, H) each
        output, *final = kernel(
            inputs[k], start if cell is LSTM else start[0], list(own), True, 1, 0.0, True, False, False
        )
        outputs.append(output)
        finals.append([s[0] for s in final])
    return torch.stack(outputs), tuple(torch.stack(s) for s in zip(*finals, strict=True))

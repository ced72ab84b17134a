"""All steps of K runs with a backward pass derived by hand.

The loops hold only what depends on the previous step: one product and a few elementwise
operations, on views made before the loop.  Derivatives of the gates, all noise folded in, are
computed for all steps at once before the backward loop; the weight gradients are one product
each after it.  First derivatives only: double backward goes through ``cells``.
"""

import torch
from torch import Tensor

from rnn_regexp.recurrence.cells import GRU, LSTM, RELU, Cell, LayerWeights, State
from rnn_regexp.recurrence.perturbation import NONE, RecurrentNoise
from rnn_regexp.recurrence.scan_elman import ElmanScan
from rnn_regexp.recurrence.scan_gru import GRUScan
from rnn_regexp.recurrence.scan_lstm import LSTMScan
from rnn_regexp.recurrence.steps import Even, Steps


def scan(
    cell: Cell,
    inputs: Tensor,
    state: State,
    weights: LayerWeights,
    noise: RecurrentNoise = NONE,
    steps: Steps | None = None,
) -> State:
    """What ``cells.unroll`` computes: each state at every step, in float32 or float64.

    Without ``steps`` every step has all rows; else inputs, noise and states lie as it says.
    """
    steps = steps or Even(*inputs.shape[1:3])
    if inputs.dtype not in (torch.float32, torch.float64):
        raise ValueError(f"inputs must be torch.float32 or torch.float64, got {inputs.dtype}")
    if cell is LSTM:
        return LSTMScan.apply(inputs, *state, *weights, noise, steps)
    if cell is GRU:
        return (GRUScan.apply(inputs, *state, *weights, noise, steps),)
    return (ElmanScan.apply(inputs, *state, *weights, noise, steps, cell is RELU),)

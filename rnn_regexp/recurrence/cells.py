"""One step of the Elman network, the GRU and the LSTM: the specification of the recurrence.

Notation: ``x`` stands for the input's share W_hx x_t + b_hx, (K, B, G*H); ``h``, ``c`` (K, B, H);
``W_hh`` (K, G*H, H); ``b_hh`` (K, G*H).  K runs, B sequences, H units, G gates stacked as torch
stacks them: GRU r, z, n; LSTM i, f, g, o.  ``*`` is elementwise.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

State = tuple[Tensor, ...]  # (h,) or (h, c)


def _recurrent(h: Tensor, W_hh: Tensor, b_hh: Tensor) -> Tensor:
    """W_hh h_{t-1} + b_hh, (K, B, G*H)."""
    return torch.baddbmm(b_hh[:, None], h, W_hh.transpose(1, 2))


def elman(
    x: Tensor, state: State, W_hh: Tensor, b_hh: Tensor, f: Callable[[Tensor], Tensor]
) -> State:
    """h_t = f(W_hx x_t + b_hx + W_hh h_{t-1} + b_hh), f = tanh or relu (Elman 1990)."""
    (h,) = state
    return (f(x + _recurrent(h, W_hh, b_hh)),)


def gru(x: Tensor, state: State, W_hh: Tensor, b_hh: Tensor) -> State:
    """Gated recurrent unit (Cho et al. 2014), with the reset gate after the product, as in torch.

    r = sigmoid(x_r + W_r h + b_r),  z = sigmoid(x_z + W_z h + b_z)
    n = tanh(x_n + r * (W_n h + b_n)),  h_t = (1 - z) * n + z * h_{t-1}
    """
    (h,) = state
    x_r, x_z, x_n = x.chunk(3, dim=-1)  # (K, B, H) each
    a_r, a_z, a_n = _recurrent(h, W_hh, b_hh).chunk(3, dim=-1)
    r, z = torch.sigmoid(x_r + a_r), torch.sigmoid(x_z + a_z)
    n = torch.tanh(x_n + r * a_n)
    return ((1 - z) * n + z * h,)


def lstm(x: Tensor, state: State, W_hh: Tensor, b_hh: Tensor) -> State:
    """Long short-term memory (Hochreiter & Schmidhuber 1997, with Gers' forget gate).

    i, f, o = sigmoid(...),  g = tanh(...),  c_t = f * c_{t-1} + i * g,  h_t = o * tanh(c_t)
    """
    h, c = state
    i, f, g, o = (x + _recurrent(h, W_hh, b_hh)).chunk(4, dim=-1)  # (K, B, H) each
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


@dataclass(frozen=True)
class Cell:
    """A cell's name, its number of gates and of state tensors, and its step."""

    name: str
    gates: int
    states: int
    step: Callable[[Tensor, State, Tensor, Tensor], State]


TANH = Cell("rnn_tanh", 1, 1, partial(elman, f=torch.tanh))
RELU = Cell("rnn_relu", 1, 1, partial(elman, f=torch.relu))
GRU = Cell("gru", 3, 1, gru)
LSTM = Cell("lstm", 4, 2, lstm)
ALL = (TANH, RELU, GRU, LSTM)


def unroll(
    cell: Cell, x: Tensor, state: State, W_hh: Tensor, b_hh: Tensor
) -> tuple[Tensor, State]:
    """Apply ``cell`` to every step of ``x`` (K, T, B, G*H): outputs (K, T, B, H), last state."""
    outputs = []
    for x_t in x.unbind(dim=1):
        state = cell.step(x_t, state, W_hh, b_hh)
        outputs.append(state[0])
    return torch.stack(outputs, dim=1), state

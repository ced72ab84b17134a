"""One step of the Elman network, the GRU and the LSTM: the specification of the recurrence.

Notation: ``x`` stands for the input's share W_hx x_t + b_hx, (K, B, G*H); ``h``, ``c`` (K, B, H);
``W_hh`` (K, G*H, H); ``b_hh`` (K, G*H).  K runs, B sequences, H units, G gates stacked as torch
stacks them: GRU r, z, n; LSTM i, f, g, o.  ``*`` is elementwise.  ``noise`` is that of the step;
``RecurrentNoise`` says what it does.  A technique may have the step take something made of ``x``
(``share``), put another product in place of W_hh h + b_hh (``by``), and have the LSTM's output read
something made of c (``read``).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from rnn_regexp.recurrence.perturbation import NONE, RecurrentNoise

State = tuple[Tensor, ...]  # (h,) or (h, c)
LayerWeights = tuple[Tensor, Tensor, Tensor, Tensor]  # W_hx, W_hh, b_hx, b_hh of K runs
Product = Callable[[Tensor, Tensor, Tensor, Tensor | None], Tensor]  # as ``product``
Change = Callable[[Tensor], Tensor]


def product(h: Tensor, W_hh: Tensor, b_hh: Tensor, mask: Tensor | None) -> Tensor:
    """W_hh (m * h_{t-1}) + b_hh, (K, B, G*H), with one mask m for all gates or one for each."""
    if mask is None:
        return torch.baddbmm(b_hh[:, None], h, W_hh.transpose(1, 2))
    seen = (h[:, :, None] * mask).expand(-1, -1, W_hh.shape[1] // h.shape[-1], -1)  # (K, B, G, H)
    W = W_hh.unflatten(1, (-1, h.shape[-1]))  # (K, G, H, H)
    return torch.einsum("kbgi,kgoi->kbgo", seen, W).flatten(2) + b_hh[:, None]


def same(a: Tensor) -> Tensor:
    """What a hook gives that changes nothing."""
    return a


def _masked(new: Tensor, mask: Tensor | None) -> Tensor:
    return new if mask is None else mask * new


def _kept(new: Tensor, old: Tensor, share: Tensor | None) -> Tensor:
    """Zoneout: d * old + (1 - d) * new."""
    return new if share is None else share * old + (1 - share) * new


def elman(
    x: Tensor,
    state: State,
    W_hh: Tensor,
    b_hh: Tensor,
    noise: RecurrentNoise = NONE,
    *,
    f: Change,
    share: Change = same,
    by: Product = product,
) -> State:
    """h_t = f(W_hx x_t + b_hx + W_hh h_{t-1} + b_hh), f = tanh or relu (Elman 1990)."""
    (h,) = state
    new = f(share(x) + by(h, W_hh, b_hh, noise.h))
    return (_masked(_kept(new, h, noise.zoneout_h), noise.state),)


def gru(
    x: Tensor,
    state: State,
    W_hh: Tensor,
    b_hh: Tensor,
    noise: RecurrentNoise = NONE,
    *,
    share: Change = same,
    by: Product = product,
) -> State:
    """Gated recurrent unit (Cho et al. 2014), with the reset gate after the product, as in torch.

    r = sigmoid(x_r + W_r h + b_r),  z = sigmoid(x_z + W_z h + b_z)
    n = tanh(x_n + r * (W_n h + b_n)),  h_t = (1 - z) * n + z * h_{t-1}
    """
    (h,) = state
    x_r, x_z, x_n = share(x).chunk(3, dim=-1)  # (K, B, H) each
    a_r, a_z, a_n = by(h, W_hh, b_hh, noise.h).chunk(3, dim=-1)
    r, z = torch.sigmoid(x_r + a_r), torch.sigmoid(x_z + a_z)
    n = _masked(torch.tanh(x_n + r * a_n), noise.candidate)
    new = (1 - z) * n + z * h
    return (_masked(_kept(new, h, noise.zoneout_h), noise.state),)


def lstm(
    x: Tensor,
    state: State,
    W_hh: Tensor,
    b_hh: Tensor,
    noise: RecurrentNoise = NONE,
    *,
    share: Change = same,
    by: Product = product,
    read: Change = same,
) -> State:
    """Long short-term memory (Hochreiter & Schmidhuber 1997, with Gers' forget gate).

    i, f, o = sigmoid(...),  g = tanh(...),  c_t = f * c_{t-1} + i * g,  h_t = o * tanh(c_t)
    """
    h, c = state
    i, f, g, o = (share(x) + by(h, W_hh, b_hh, noise.h)).chunk(4, dim=-1)  # (K, B, H) each
    g = _masked(torch.tanh(g), noise.candidate)
    new_c = _masked(torch.sigmoid(f) * c + torch.sigmoid(i) * g, noise.cell)
    new_h = torch.sigmoid(o) * torch.tanh(read(new_c))
    h = _masked(_kept(new_h, h, noise.zoneout_h), noise.state)
    return h, _kept(new_c, c, noise.zoneout_c)


@dataclass(frozen=True)
class Cell:
    """A cell's name, its number of gates and of state tensors, and its step.

    ``takes_inputs``: its step takes x_t (K, B, D) itself, not what W_hx and b_hx make of it.
    """

    name: str
    gates: int
    states: int
    step: Callable[..., State]  # (x, state, W_hh, b_hh, noise) -> state
    takes_inputs: bool = False


TANH = Cell("rnn_tanh", 1, 1, partial(elman, f=torch.tanh))
RELU = Cell("rnn_relu", 1, 1, partial(elman, f=torch.relu))
GRU = Cell("gru", 3, 1, gru)
LSTM = Cell("lstm", 4, 2, lstm)
ALL = (TANH, RELU, GRU, LSTM)


def unroll(
    cell: Cell, inputs: Tensor, state: State, weights: LayerWeights, noise: RecurrentNoise = NONE
) -> State:
    """Apply ``cell`` to every step of ``inputs`` (K, T, B, D): each state at every step.

    (h,) or (h, c), (K, T, B, H) each.
    """
    W_hx, W_hh, b_hx, b_hh = weights
    x, states = inputs, []
    if not cell.takes_inputs:
        rows = torch.baddbmm(b_hx[:, None], inputs.flatten(1, 2), W_hx.transpose(1, 2))
        x = rows.unflatten(1, inputs.shape[1:3])  # (K, T, B, G*H)
    for t, x_t in enumerate(x.unbind(dim=1)):
        state = cell.step(x_t, state, W_hh, b_hh, noise.at(t))
        states.append(state)
    return tuple(torch.stack(each, dim=1) for each in zip(*states, strict=True))

"""The Mogrifier LSTM: the input and the previous state gate each other before the step."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from rnn_regexp.recurrence.cells import Cell, Change, Product, State, lstm, product, same
from rnn_regexp.recurrence.perturbation import NONE, RecurrentNoise

Factors = Sequence[Tensor]  # the matrix of a round, or the two whose product it is


def mogrify(x: Tensor, h: Tensor, rounds: Sequence[Factors]) -> tuple[Tensor, Tensor]:
    """x_i = 2 sigmoid(Q_i h_{i-1}) * x_{i-2}, i odd;  h_i = 2 sigmoid(R_i x_{i-1}) * h_{i-2}, even.

    ``x`` (K, B, D), ``h`` (K, B, H); Q_i (K, D, H), R_i (K, H, D), in turn.
    """
    for index, factors in enumerate(rounds):
        if index % 2:
            h = _gate(x, factors) * h
        else:
            x = _gate(h, factors) * x
    return x, h


def _gate(seen: Tensor, factors: Factors) -> Tensor:
    for W in reversed(factors):
        seen = torch.bmm(seen, W.mT)
    return 2 * torch.sigmoid(seen)


def mogrified(
    x: Tensor,
    state: State,
    W_hh: Tensor,
    b_hh: Tensor,
    noise: RecurrentNoise = NONE,
    *,
    rounds: Sequence[Factors],
    W_hx: Tensor,
    b_hx: Tensor,
    share: Change | None = None,
    by: Product = product,
    read: Change = same,
) -> State:
    """The LSTM's step on the gated x_t (K, B, D) and h_{t-1} (Melis et al. 2020, section 2).

    Zoneout keeps h_{t-1} itself; a mask on h_{t-1} is one on what its product reads, the gated.
    ``share`` stands in place of adding b_hx.
    """
    x, gated = mogrify(x, state[0], rounds)

    def of_gated(h: Tensor, W: Tensor, b: Tensor, mask: Tensor | None) -> Tensor:
        return by(gated, W, b, mask)

    def biased(a: Tensor) -> Tensor:
        return a + b_hx[:, None]

    a = torch.bmm(x, W_hx.mT)  # (K, B, 4*H)
    return lstm(a, state, W_hh, b_hh, noise, share=share or biased, by=of_gated, read=read)


MOGRIFIER = Cell("mogrifier_lstm", 4, 2, mogrified, takes_inputs=True)


def mogrifier(rounds: Sequence[Factors], W_hx: Tensor, b_hx: Tensor) -> Cell:
    """The cell with its own matrices (K, ...)."""
    return replace(MOGRIFIER, step=partial(mogrified, rounds=rounds, W_hx=W_hx, b_hx=b_hx))

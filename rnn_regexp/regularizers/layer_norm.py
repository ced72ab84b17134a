"""Layer normalization inside the recurrence."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from rnn_regexp.fields import structural
from rnn_regexp.noise import Noise
from rnn_regexp.recurrence.cells import Cell, LayerWeights
from rnn_regexp.regularizers.base import Place, Regularizer
from rnn_regexp.regularizers.normalized_cell import (
    GRU_GATES,
    normalized,
    start_gains,
    with_gains,
)
from rnn_regexp.regularizers.subject import Subject
from rnn_regexp.weights import Spec, Weights


@dataclass
class LayerNorm(Regularizer):
    """Normalize both products of each step, and the LSTM's c where its output reads it.

    gates = LN(W_hx x_t; g_hx) + b_hx + LN(W_hh h_{t-1}; g_hh) + b_hh
    LSTM   h_t = o * tanh(LN(c_t; g_c) + b_c)
    LN(a; g) = g * (a - mean(a)) / sqrt(var(a) + 1e-5)

    The LSTM's and the Elman network's products are normalized whole; of the GRU's, r and z
    together, n by itself, with b_hh inside the reset gate, as in the paper's supplement.  Gains
    start at 1, b_c at 0.
    """

    source = "Ba, Kiros & Hinton 2016, section 3.1 and supplement"
    separate = True
    evaluates = True

    normalized: bool = structural(False, strength=True)

    def objections(self, subject: Subject) -> Iterator[tuple[str, str]]:
        yield from subject.without_own_cell()

    def specs(self, specs: tuple[Spec, ...]) -> tuple[Spec, ...]:
        return with_gains(specs)

    def initialize(self, weights: Weights, noise: Noise) -> None:
        start_gains(weights, torch.ones_like(weights.flat[:, 0]))

    def transform_cell(
        self,
        cell: Cell,
        own: LayerWeights,
        weights: Mapping[str, Tensor],
        place: Place,
        noise: Noise | None,
    ) -> tuple[Cell, LayerWeights]:
        def by(part: str, a: Tensor) -> Tensor:
            return _normalized(a, 1 if part == "c" else cell.gates)

        return normalized(cell, own, weights, place, by)


def _normalized(a: Tensor, gates: int) -> Tensor:
    """LN of (K, B, G*H) without gains."""
    H = a.shape[-1] // gates
    sizes = [2 * H, H] if gates == GRU_GATES else [gates * H]
    parts = [functional.layer_norm(part, part.shape[-1:]) for part in a.split(sizes, dim=-1)]
    return torch.cat(parts, dim=-1)

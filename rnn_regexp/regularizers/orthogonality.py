"""Soft orthogonality: W_hh is drawn to the orthogonal matrices."""

from dataclasses import dataclass

import torch
from torch import Tensor

from rnn_regexp.fields import per_run
from rnn_regexp.regularizers.base import Regularizer, column
from rnn_regexp.regularizers.trace import Trace
from rnn_regexp.weights import Kind, Spec, Weights


@dataclass
class Orthogonality(Regularizer):
    """A penalty on how far the hidden-to-hidden matrices are from orthogonal, gate by gate.

    coefficient * sum_W ||W^T W - I||_F^2      (gradient 4 * coefficient * W (W^T W - I))

    ``orthogonal`` is the constraint itself.
    """

    source = "Vorontsov et al. 2017"

    coefficient: float = per_run(0.0, "[0, inf)", strength=True)

    def penalty(self, weights: Weights, trace: Trace) -> Tensor:
        squares = []
        for spec, W in weights.of(Kind.hidden_hidden):
            own = by_gate(spec, W)
            eye = torch.eye(spec.shape[1], dtype=W.dtype, device=W.device)
            squares.append((own.mT @ own - eye).square().sum(dim=(1, 2, 3)))  # (K,)
        return column(self.coefficient, squares[0]) * sum(squares)


def by_gate(spec: Spec, W: Tensor) -> Tensor:
    """The blocks of a stacked matrix: (K, G*H, D) to (K, G, H, D)."""
    return W.unflatten(1, (spec.gates, -1))

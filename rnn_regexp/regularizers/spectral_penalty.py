"""A penalty on the spectral norm of the weight matrices."""

from dataclasses import dataclass

from torch import Tensor

from rnn_regexp.fields import per_run, structural
from rnn_regexp.regularizers.base import Regularizer, column
from rnn_regexp.regularizers.l2 import MATRICES
from rnn_regexp.regularizers.orthogonality import by_gate
from rnn_regexp.regularizers.singular_values import singular_values
from rnn_regexp.regularizers.trace import Trace
from rnn_regexp.weights import Kind, Weights


@dataclass
class SpectralPenalty(Regularizer):
    """A penalty on the largest singular value of each matrix, gate by gate.

    (coefficient / 2) * sum_W sigma_1(W)^2

    The paper approximates sigma_1 by one step of power iteration; ours is exact.  It takes a
    coefficient of .01.
    """

    source = "Yoshida & Miyato 2017"

    coefficient: float = per_run(0.0, "[0, inf)", strength=True)
    on: list[Kind] = structural(lambda: list(MATRICES))

    def penalty(self, weights: Weights, trace: Trace) -> Tensor | None:
        largest = [
            singular_values(by_gate(spec, W)).amax(dim=-1) for spec, W in weights.of(*self.on)
        ]  # (K, G) each
        squares = [sigma.square().sum(dim=1) for sigma in largest]
        return 0.5 * column(self.coefficient, squares[0]) * sum(squares) if squares else None

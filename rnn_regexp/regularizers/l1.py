"""L1 penalty on the weight matrices."""

from dataclasses import dataclass

from torch import Tensor

from rnn_regexp.fields import per_run, structural
from rnn_regexp.regularizers.base import Regularizer, column
from rnn_regexp.regularizers.l2 import MATRICES
from rnn_regexp.regularizers.trace import Trace
from rnn_regexp.weights import Kind, Weights


@dataclass
class L1(Regularizer):
    """A penalty on the absolute size of the chosen matrices, added to the loss; favours zeros.

    coefficient * (||W_hx||_1 + ||W_hh||_1 + ||W_yh||_1), with subgradient 0 at 0
    """

    source = "Survey, section 3.2; Tibshirani 1996"

    coefficient: float = per_run(0.0, "[0, inf)", strength=True)
    on: list[Kind] = structural(lambda: list(MATRICES))

    def penalty(self, weights: Weights, trace: Trace) -> Tensor | None:
        sizes = [W.abs().flatten(1).sum(dim=1) for _, W in weights.of(*self.on)]
        return column(self.coefficient, sizes[0]) * sum(sizes) if sizes else None

"""Elastic net penalty on the weight matrices."""

from dataclasses import dataclass

from torch import Tensor

from rnn_regexp.fields import per_run, structural
from rnn_regexp.regularizers.base import Regularizer, column
from rnn_regexp.regularizers.l2 import MATRICES
from rnn_regexp.regularizers.trace import Trace
from rnn_regexp.weights import Kind, Weights


@dataclass
class Elastic(Regularizer):
    """L1 and L2 in one: zeros as under L1, but correlated weights shrink together.

    coefficient * sum_W (ratio * ||W||_1 + (1 - ratio) / 2 * ||W||^2)

    ``ratio`` 1 is ``l1``, 0 is ``l2``, as scikit-learn's ``l1_ratio``; ``on`` chooses among the
    kinds of matrices.  The paper's "elastic net" also rescales the solution of a linear regression
    afterwards; here, as everywhere in deep learning, it is the penalty alone.
    """

    source = "Zou & Hastie 2005, equation 3"

    coefficient: float = per_run(0.0, "[0, inf)", strength=True)
    ratio: float = per_run(0.5, "[0, 1]")
    on: list[Kind] = structural(lambda: list(MATRICES))

    def penalty(self, weights: Weights, trace: Trace) -> Tensor | None:
        matrices = [W.flatten(1) for _, W in weights.of(*self.on)]  # (K, size) each
        if not matrices:
            return None
        ratio = column(self.ratio, matrices[0])
        sizes = [ratio * W.abs() + (1 - ratio) / 2 * W.square() for W in matrices]
        total = sum(size.sum(dim=1) for size in sizes)  # (K,)
        return self.coefficient.to(matrices[0]) * total

"""L2-SP: a penalty on the distance from the starting point."""

from dataclasses import dataclass

from torch import Tensor

from rnn_regexp.fields import per_run, structural
from rnn_regexp.regularizers.base import Regularizer, column
from rnn_regexp.regularizers.l2 import MATRICES
from rnn_regexp.regularizers.trace import Trace
from rnn_regexp.weights import Kind, Weights


@dataclass
class L2Sp(Regularizer):
    """A penalty that draws the chosen parameters to where they started rather than to zero.

    (coefficient / 2) * sum_W ||W - W_0||^2

    The paper fine-tunes a pretrained network, with a coefficient of .01 to .1, and has a second
    term, ordinary L2 on the layers that are new: that is ``l2`` with ``on``.
    """

    source = "Li, Grandvalet & Davoine 2018, section 3"

    coefficient: float = per_run(0.0, "[0, inf)", strength=True)
    on: list[Kind] = structural(lambda: list(MATRICES))

    def start(self, weights: Weights) -> dict[str, Tensor]:
        return {spec.name: W.detach().clone() for spec, W in weights.of(*self.on)}

    def penalty(self, weights: Weights, trace: Trace) -> Tensor | None:
        away = [W - self.state[spec.name] for spec, W in weights.of(*self.on)]
        squares = [own.square().flatten(1).sum(dim=1) for own in away]  # (K,) each
        return 0.5 * column(self.coefficient, squares[0]) * sum(squares) if squares else None

"""L2 penalty on the weight matrices."""

from dataclasses import dataclass

from torch import Tensor

from rnn_regexp.fields import per_run, structural
from rnn_regexp.regularizers.base import Regularizer, column
from rnn_regexp.regularizers.trace import Trace
from rnn_regexp.weights import Kind, Weights

MATRICES = (Kind.input_hidden, Kind.hidden_hidden, Kind.hidden_output)


@dataclass
class L2(Regularizer):
    """A penalty on the squared norm of the chosen matrices, added to the loss.

    (coefficient / 2) * (||W_hx||^2 + ||W_hh||^2 + ||W_yh||^2)

    Its gradient passes through clipping, unlike that of ``weight_decay``, and leaves biases and
    embeddings alone.  ``on`` chooses among the three kinds of matrices, in all layers.
    """

    source = "Survey, section 3.2; Hoerl & Kennard 1970"

    coefficient: float = per_run(0.0, "[0, inf)", strength=True)
    on: list[Kind] = structural(lambda: list(MATRICES))

    def penalty(self, weights: Weights, trace: Trace) -> Tensor | None:
        squares = [W.square().flatten(1).sum(dim=1) for _, W in weights.of(*self.on)]
        return 0.5 * column(self.coefficient, squares[0]) * sum(squares) if squares else None

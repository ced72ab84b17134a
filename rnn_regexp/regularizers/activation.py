"""Activation regularization (AR): small outputs."""

from dataclasses import dataclass

from torch import Tensor

from rnn_regexp.fields import per_run
from rnn_regexp.regularizers.base import Regularizer
from rnn_regexp.regularizers.fraternal import mean_over_steps
from rnn_regexp.regularizers.trace import Trace
from rnn_regexp.weights import Weights


@dataclass
class Activation(Regularizer):
    """A penalty on the size of what the head reads, behind dropout.

    alpha * mean((m * h_t)^2)   over units, sequences and valid steps

    The paper writes an L2 norm, its code takes this mean of squares; so do we.  alpha = 2 on Penn
    Treebank and WikiText-2.  Where the head reads one vector, the mean is over that.  What a
    decoder reads of its encoder is a second term.
    """

    source = "Merity, McCann & Socher 2017; Merity et al. 2018, section 4.6"

    alpha: float = per_run(0.0, "[0, inf)", strength=True)

    def penalty(self, weights: Weights, trace: Trace) -> Tensor:
        sizes = [
            mean_over_steps(own.read.square().mean(dim=-1), own)  # of (K, [T,] B)
            for own in trace.stacks
        ]
        return self.alpha.to(sizes[0]) * sum(sizes)

"""R-Drop: two masks, one distribution."""

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor

from rnn_regexp.fields import per_run
from rnn_regexp.regularizers.base import Regularizer
from rnn_regexp.regularizers.fraternal import mean_over_steps, of_both, without_masks
from rnn_regexp.regularizers.label_smoothing import without_classes
from rnn_regexp.regularizers.subject import Subject
from rnn_regexp.regularizers.trace import Trace
from rnn_regexp.weights import Weights


@dataclass
class RDrop(Regularizer):
    """Train on the mean loss of two passes with different masks, and bring their answers together.

    L = (L_1 + L_2) / 2 + alpha * (KL(p_1 || p_2) + KL(p_2 || p_1)) / 2

    The paper adds the losses instead of taking their mean, so its alpha, 1 to 5, is twice ours.
    """

    source = "Liang et al. 2021, section 2.1"
    passes = 2

    alpha: float = per_run(0.0, "[0, inf)", strength=True)

    def objections(self, subject: Subject) -> Iterator[tuple[str, str]]:
        yield from without_classes(subject)
        if "fraternal" in subject.techniques:
            yield "", "beside regularizers.fraternal the loss would count twice: choose one"

    def does_nothing(self, subject: Subject) -> Iterator[tuple[str, str]]:
        yield from without_masks(subject)

    def penalty(self, weights: Weights, trace: Trace) -> Tensor:
        assert trace.second is not None
        one, other = (own.logits.log_softmax(dim=-1) for own in (trace, trace.second))
        both = ((one.exp() - other.exp()) * (one - other)).sum(dim=-1) / 2  # (K, [T,] B)
        return of_both(trace, self.alpha, mean_over_steps(both, trace))

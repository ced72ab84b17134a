"""Monte-Carlo evaluation: predictions averaged over masks."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from rnn_regexp.fields import per_run
from rnn_regexp.regularizers.base import Regularizer
from rnn_regexp.regularizers.subject import TRANSLATE, Subject


@dataclass
class MonteCarlo(Regularizer):
    """Evaluate by the mean prediction of ``samples`` passes with the noise of training.

    p(y | x) = 1/S sum_s p(y | x, masks_s):  the mean of probabilities, not of their logarithms

    Dropout of every kind is drawn; what only disturbs the data (``word_dropout``, ``state_reset``,
    changed targets) is not.  The masks of a pass depend on the seed and on the batch alone, so
    evaluation stays a function of the weights.  Gal & Ghahramani take 1000 samples for the test
    data; here validation is evaluated in the same way, each time S passes more.
    """

    source = "Gal & Ghahramani 2016, section 4"
    evaluates = True

    samples: int = per_run(0, "[0, inf)", strength=True)

    def objections(self, subject: Subject) -> Iterator[tuple[str, str]]:
        if subject.task == TRANSLATE:
            yield "", "each word of a search would need all samples (task translate)"

    def does_nothing(self, subject: Subject) -> Iterator[tuple[str, str]]:
        if not any(own.sampled for own in subject.techniques.values()):
            yield "", "no technique beside it has masks to average over"

    def draws(self) -> Tensor:
        return torch.as_tensor(self.samples)

"""Label smoothing."""

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor

from rnn_regexp.fields import per_run
from rnn_regexp.noise import Noise
from rnn_regexp.regularizers.base import Regularizer, column
from rnn_regexp.regularizers.subject import Subject

WITH_CLASSES = ("classify", "tag", "language_model", "translate")


@dataclass
class LabelSmoothing(Regularizer):
    """Train towards a mixture of the label and the uniform distribution over C classes.

    q_c <- (1 - epsilon) * q_c + epsilon / C

    Metrics, the validation loss among them, are those of the labels themselves.
    """

    source = "Szegedy et al. 2016, section 7"

    epsilon: float = per_run(0.0, "[0, 1)", strength=True)

    def objections(self, subject: Subject) -> Iterator[tuple[str, str]]:
        yield from without_classes(subject)

    def transform_targets(self, targets: Tensor, noise: Noise | None) -> Tensor:
        epsilon = column(self.epsilon, targets)
        return (1 - epsilon) * targets + epsilon / targets.shape[-1]


def without_classes(subject: Subject) -> Iterator[tuple[str, str]]:
    """The objection of a technique on class probabilities to a task that has none."""
    if subject.task not in WITH_CLASSES:
        yield "", f"task {subject.task} has no probabilities of classes at given places"

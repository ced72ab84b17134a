"""Weight tying: the head reads with the table by which words are embedded."""

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor

from rnn_regexp.fields import structural
from rnn_regexp.noise import Noise
from rnn_regexp.regularizers.base import Regularizer
from rnn_regexp.regularizers.subject import Subject
from rnn_regexp.weights import Spec


@dataclass
class WeightTying(Regularizer):
    """One matrix for the embedding and the head of a language model.

    W_yh = E   (V, D), the head's own bias stays

    ``embedding_dropout`` masks the embedded words alone, never the head.  The matrix counts as an
    embedding: it starts as such, and penalties reach it with ``on=[embedding]`` alone.  A start
    with deviation 1 makes large logits; AWD-LSTM draws it from U(-.1, .1) (``init.scheme=uniform``
    and ``init.gain=.1``).
    """

    source = "Press & Wolf 2017; Inan et al. 2017"
    separate = True
    evaluates = True

    tied: bool = structural(False, strength=True)

    def objections(self, subject: Subject) -> Iterator[tuple[str, str]]:
        width = subject.hidden * subject.directions
        if subject.task != "language_model":
            yield "", f"only a language model reads the words that it writes (task {subject.task})"
        elif width != subject.width:
            units = f"{subject.hidden}" + f" * {subject.directions}" * (subject.directions > 1)
            yield (
                "",
                f"model.embedding={subject.width} must be as wide as what the head reads ({units})",
            )

    def specs(self, specs: tuple[Spec, ...]) -> tuple[Spec, ...]:
        return tuple(spec for spec in specs if spec.name != "head.W_yh")

    def transform_weights(self, weights: dict[str, Tensor], noise: Noise | None) -> None:
        weights["head.W_yh"] = weights["embedding"]

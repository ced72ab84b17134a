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
    """One matrix for the embedding and the head of a language model or a decoder.

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
        if subject.task not in ("language_model", "translate"):
            whose = "a language model or a decoder"
            yield "", f"only {whose} reads the words that it writes (task {subject.task})"
        elif subject.hidden != subject.width:  # there both have one direction
            hidden = f"as wide as what the head reads ({subject.hidden})"
            yield "", f"model.embedding={subject.width} must be {hidden}"

    def specs(self, specs: tuple[Spec, ...]) -> tuple[Spec, ...]:
        return tuple(spec for spec in specs if spec.name != "head.W_yh")

    def transform_weights(self, weights: dict[str, Tensor], noise: Noise | None) -> None:
        weights["head.W_yh"] = weights.get("decoder.embedding", weights["embedding"])

"""What all recurrent models have in common: settings, and the parameters that follow."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from rnn_regexp.fields import Settings, structural
from rnn_regexp.models.attention import Score
from rnn_regexp.models.pooling import Pooling, pooling_specs
from rnn_regexp.recurrence import cells
from rnn_regexp.weights import Kind, Spec


@dataclass
class Model(Settings):
    """Embedding (of tokens) -> recurrent layers -> linear head."""

    source: ClassVar[str] = ""

    embedding: int = structural(64, "[1, inf)")
    hidden: int = structural(64, "[1, inf)")
    layers: int = structural(1, "[1, inf)")
    bidirectional: bool = structural(False)
    pooling: Pooling = structural(Pooling.last)  # where one answer is given for a sequence
    attention: Score = structural(Score.general)  # where a decoder writes another sequence

    @property
    def cell(self) -> cells.Cell:
        """The recurrence's step."""
        raise NotImplementedError

    def cell_at(self, place: str, weights: Mapping[str, Tensor]) -> cells.Cell:
        """The step of a place such as ``layer0.1``, where cells have weights of their own."""
        return self.cell

    @property
    def directions(self) -> int:
        return 2 if self.bidirectional else 1

    def specs(
        self, vocabulary: int, features: int, outputs: int, pooled: bool = True
    ) -> tuple[Spec, ...]:
        """The parameters for token ids (``vocabulary``) or ``features`` channels to ``outputs``."""
        return tuple(self._specs(vocabulary, features, outputs, pooled))

    def _specs(self, vocabulary: int, features: int, outputs: int, pooled: bool) -> Iterator[Spec]:
        if vocabulary:
            yield Spec("embedding", (vocabulary, self.embedding), Kind.embedding)
        yield from self.stack(self.embedding if vocabulary else features)
        width = self.hidden * self.directions
        if pooled:
            yield from pooling_specs(self.pooling, width)
        yield Spec("head.W_yh", (outputs, width), Kind.hidden_output, fan=width)
        yield Spec("head.b_y", (outputs,), Kind.bias, fan=width)

    def stack(self, width: int, first: int = 0, directions: int = 0) -> Iterator[Spec]:
        """Those of all recurrent layers, numbered from ``first`` on, on inputs of ``width``."""
        for layer in range(first, first + self.layers):
            for direction in range(directions or self.directions):
                yield from self._layer(f"layer{layer}.{direction}", width)
            width = self.hidden * (directions or self.directions)

    def _layer(self, name: str, width: int) -> Iterator[Spec]:
        G, H = self.cell.gates, self.hidden
        yield Spec(f"{name}.W_hx", (G * H, width), Kind.input_hidden, G, H)
        yield Spec(f"{name}.W_hh", (G * H, H), Kind.hidden_hidden, G, H)
        yield Spec(f"{name}.b_hx", (G * H,), Kind.bias, G, H)
        yield Spec(f"{name}.b_hh", (G * H,), Kind.bias, G, H)

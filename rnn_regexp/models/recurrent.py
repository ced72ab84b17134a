"""The recurrent models: what can be set, and which parameters follow from it."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from rnn_regexp.fields import Settings, structural
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

    @property
    def cell(self) -> cells.Cell:
        """The recurrence's step."""
        raise NotImplementedError

    @property
    def directions(self) -> int:
        return 2 if self.bidirectional else 1

    def specs(self, vocabulary: int, features: int, outputs: int) -> tuple[Spec, ...]:
        """The parameters for token ids (``vocabulary``) or ``features`` channels to ``outputs``."""
        return tuple(self._specs(vocabulary, features, outputs))

    def _specs(self, vocabulary: int, features: int, outputs: int) -> Iterator[Spec]:
        if vocabulary:
            yield Spec("embedding", (vocabulary, self.embedding), Kind.embedding)
        width = self.embedding if vocabulary else features
        for layer in range(self.layers):
            for direction in range(self.directions):
                yield from self._layer(f"layer{layer}.{direction}", width)
            width = self.hidden * self.directions
        yield Spec("head.W_yh", (outputs, width), Kind.hidden_output, fan=width)
        yield Spec("head.b_y", (outputs,), Kind.bias, fan=width)

    def _layer(self, name: str, width: int) -> Iterator[Spec]:
        G, H = self.cell.gates, self.hidden
        yield Spec(f"{name}.W_hx", (G * H, width), Kind.input_hidden, G, H)
        yield Spec(f"{name}.W_hh", (G * H, H), Kind.hidden_hidden, G, H)
        yield Spec(f"{name}.b_hx", (G * H,), Kind.bias, G, H)
        yield Spec(f"{name}.b_hh", (G * H,), Kind.bias, G, H)


class Nonlinearity(Enum):
    """The f of the Elman network."""

    tanh = "tanh"
    relu = "relu"


@dataclass
class RNN(Model):
    """Elman network: h_t = f(W_hx x_t + W_hh h_{t-1} + b)."""

    source = "Elman 1990"

    nonlinearity: Nonlinearity = structural(Nonlinearity.tanh)

    @property
    def cell(self) -> cells.Cell:
        return cells.RELU if self.nonlinearity is Nonlinearity.relu else cells.TANH


@dataclass
class GRU(Model):
    """Gated recurrent unit."""

    source = "Cho et al. 2014"

    @property
    def cell(self) -> cells.Cell:
        return cells.GRU


@dataclass
class LSTM(Model):
    """Long short-term memory."""

    source = "Hochreiter & Schmidhuber 1997"

    @property
    def cell(self) -> cells.Cell:
        return cells.LSTM


ALL: tuple[type[Model], ...] = (RNN, GRU, LSTM)

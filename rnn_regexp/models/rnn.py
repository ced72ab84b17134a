"""The Elman network."""

from dataclasses import dataclass
from enum import Enum

from rnn_regexp.fields import structural
from rnn_regexp.models.recurrent import Model
from rnn_regexp.recurrence import cells


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

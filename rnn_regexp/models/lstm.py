"""The long short-term memory."""

from dataclasses import dataclass

from rnn_regexp.models.recurrent import Model
from rnn_regexp.recurrence import cells


@dataclass
class LSTM(Model):
    """Long short-term memory."""

    source = "Hochreiter & Schmidhuber 1997"

    @property
    def cell(self) -> cells.Cell:
        return cells.LSTM

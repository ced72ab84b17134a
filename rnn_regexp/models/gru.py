"""The gated recurrent unit."""

from dataclasses import dataclass

from rnn_regexp.models.recurrent import Model
from rnn_regexp.recurrence import cells


@dataclass
class GRU(Model):
    """Gated recurrent unit."""

    source = "Cho et al. 2014"

    @property
    def cell(self) -> cells.Cell:
        return cells.GRU

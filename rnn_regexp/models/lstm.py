"""The long short-term memory, and the Mogrifier as an option of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from torch import Tensor

from rnn_regexp.fields import Settings, structural
from rnn_regexp.models.recurrent import Model
from rnn_regexp.recurrence import cells
from rnn_regexp.recurrence.mogrifier import MOGRIFIER, mogrifier
from rnn_regexp.weights import Kind, Spec


@dataclass
class Mogrifier(Settings):
    """How often x_t and h_{t-1} gate each other before each step; 0 rounds are the plain LSTM.

    x <- 2 sigmoid(Q_i h) * x  in odd rounds,  h <- 2 sigmoid(R_i x) * h  in even ones

    ``rank`` makes each matrix a product of two, (D, rank) and (rank, H); none leaves it whole.
    They count as input-to-hidden matrices.  The authors' published configuration of 24M parameters
    for Penn Treebank has 5 rounds of rank 84.
    """

    rounds: int = structural(0, "[0, inf)")
    rank: int | None = structural(None, "[1, inf)")

    def names(self, place: str) -> list[list[str]]:
        """The parameters of each round, Q1, R2, Q3, ..., or their factors."""
        matrices = [f"{place}.{'RQ'[index % 2]}{index}" for index in range(1, self.rounds + 1)]
        factors = [""] if self.rank is None else ["_left", "_right"]
        return [[f"{matrix}{factor}" for factor in factors] for matrix in matrices]

    def specs(self, place: str, width: int, hidden: int) -> Iterator[Spec]:
        """Q (D, H) and R (H, D) in turn, or (D, rank) and (rank, H)."""
        for index, names in enumerate(self.names(place)):
            sizes = [hidden, width] if index % 2 else [width, hidden]
            if self.rank is not None:
                sizes.insert(1, self.rank)
            for name, *shape in zip(names, sizes, sizes[1:], strict=False):
                yield Spec(name, tuple(shape), Kind.input_hidden, fan=shape[1])


@dataclass
class LSTM(Model):
    """Long short-term memory; with ``mogrifier.rounds`` the Mogrifier LSTM (Melis et al. 2020)."""

    source = "Hochreiter & Schmidhuber 1997"

    mogrifier: Mogrifier = structural(Mogrifier)

    @property
    def cell(self) -> cells.Cell:
        return MOGRIFIER if self.mogrifier.rounds else cells.LSTM

    def cell_at(self, place: str, weights: Mapping[str, Tensor]) -> cells.Cell:
        if not self.mogrifier.rounds:
            return self.cell
        rounds = [[weights[name] for name in names] for names in self.mogrifier.names(place)]
        return mogrifier(rounds, weights[f"{place}.W_hx"], weights[f"{place}.b_hx"])

    def _layer(self, name: str, width: int) -> Iterator[Spec]:
        yield from super()._layer(name, width)
        yield from self.mogrifier.specs(name, width, self.hidden)

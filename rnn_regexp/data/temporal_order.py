"""The temporal order problem: two or three symbols far apart decide the class of a sequence."""

from dataclasses import dataclass
from enum import Enum
from itertools import product
from typing import ClassVar

import torch
from torch import Tensor

from rnn_regexp.data.sequences import Split
from rnn_regexp.data.synthetic import PADDING, Source, Synthetic, classified, one_hot
from rnn_regexp.fields import structural


class Paper(Enum):
    """Whose definition."""

    pascanu = "pascanu"
    hochreiter = "hochreiter"


# Hundredths of the length at which the windows of the relevant symbols begin.
WINDOWS = {
    (Paper.pascanu, 2): (10, 50),
    (Paper.pascanu, 3): (10, 30, 60),
    (Paper.hochreiter, 2): (10, 50),
    (Paper.hochreiter, 3): (10, 33, 66),
}
DISTRACTORS = 4
FIRST, LAST = 6, 7  # symbols E and B; 0 and 1 are the relevant ones, 2 to 5 distractors


@dataclass
class TemporalOrder(Synthetic):
    """In which order came two or three symbols that are X or Y? One-hot symbols -> 4 or 8 classes.

    ``pascanu``, for length L: 6 symbols; A or B at a step of [L/10, 2L/10) and of [5L/10, 6L/10),
    or of the tenths that begin at 1, 3 and 6; at other steps one of c, d, e, f. Source: Pascanu,
    Mikolov and Bengio 2013, as in the code published with it (tempOrder.py, tempOrder3bit.py).

    ``hochreiter``: 8 symbols; E first, the trigger B last, lengths L to 1.1 L, X or Y at steps
    10-20 and 50-60 (or 10-20, 33-43, 66-76) of 100, both ends included and steps counted from 1;
    at other steps one of a, b, c, d. Source: Hochreiter and Schmidhuber 1997, tasks 6a and 6b.
    """

    symbols: int = structural(2, "[2, 3]")  # relevant ones
    paper: Paper = structural(Paper.pascanu)

    source: ClassVar[str] = "generated; Hochreiter & Schmidhuber 1997, Pascanu et al. 2013"

    def draw(self, source: Source, count: int) -> Tensor:
        steps = self.length + (self.length // 10 if self.paper is Paper.hochreiter else 0)
        drawn = 2 + source.integers("distractors", DISTRACTORS, count, steps)  # (count, T)
        rows = torch.arange(count)
        tenth = self.length // 10
        for place, begin in enumerate(WINDOWS[self.paper, self.symbols]):
            start, width = self.length * begin // 100, tenth
            if self.paper is Paper.hochreiter:
                start, width = start - 1, tenth + 1  # steps are counted from 1, ends included
            at = start + source.integers(f"position {place}", width, count)
            drawn[rows, at] = source.integers(f"symbol {place}", 2, count)
        if self.paper is Paper.hochreiter:
            lengths = self.length + source.integers("length", tenth + 1, count)
            drawn[:, 0], drawn[rows, lengths - 1] = FIRST, LAST
            drawn[torch.arange(steps) >= lengths[:, None]] = PADDING
        return drawn

    def split(self, drawn: Tensor) -> Split:
        relevant = drawn[(drawn == 0) | (drawn == 1)].view(-1, self.symbols)
        answers = relevant @ 2 ** torch.arange(self.symbols - 1, -1, -1)  # (N,)
        kinds = 8 if self.paper is Paper.hochreiter else 6
        return classified(drawn, one_hot(drawn, kinds), answers)

    def classes(self) -> tuple[str, ...]:
        letters = "XY" if self.paper is Paper.hochreiter else "AB"
        return tuple("".join(word) for word in product(letters, repeat=self.symbols))

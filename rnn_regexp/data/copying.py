"""The copying problem: repeat ten symbols after a long pause."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from rnn_regexp.data.sequences import Split
from rnn_regexp.data.synthetic import Source, Synthetic, one_hot
from rnn_regexp.fields import structural

SYMBOLS, MEMORY = 8, 10
BLANK, DELIMITER = 0, 9  # symbols are 1 to 8


@dataclass
class Copying(Synthetic):
    """Ten symbols, T - 1 blanks, a delimiter, ten blanks -> T + 10 blanks, then the ten symbols.

    ``length`` is T; a sequence has T + 20 steps. One-hot inputs of 8 symbols, blank and delimiter;
    a class at each step. To forget all symbols is a loss of 10 ln 8 / (T + 20) where blanks are
    judged, as in the paper, and of ln 8 where they are not.

    Source: Arjovsky, Shah and Bengio 2016, section 5.1, after Hochreiter and Schmidhuber 1997.
    """

    blanks: bool = structural(True)  # whether steps that ask for a blank are judged

    task: ClassVar[str] = "tag"
    source: ClassVar[str] = "generated; Arjovsky, Shah & Bengio 2016"

    def draw(self, source: Source, count: int) -> Tensor:
        drawn = torch.full((count, self.length + 2 * MEMORY), BLANK)
        drawn[:, :MEMORY] = 1 + source.integers("symbols", SYMBOLS, count, MEMORY)
        drawn[:, self.length + MEMORY - 1] = DELIMITER
        return drawn

    def split(self, drawn: Tensor) -> Split:
        targets = torch.full_like(drawn, BLANK if self.blanks else -1)  # (N, T + 20)
        targets[:, -MEMORY:] = drawn[:, :MEMORY]
        lengths = torch.full((len(drawn),), drawn.shape[1])
        return Split(one_hot(drawn, SYMBOLS + 2), lengths, targets)

    def classes(self) -> tuple[str, ...]:
        return ("blank", *"abcdefgh")

"""The parity problem: is the number of ones odd? One step seen wrong makes the answer wrong."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from rnn_regexp.data.sequences import DataError, SequenceData, Split
from rnn_regexp.data.synthetic import PADDING, Source, Synthetic, classified
from rnn_regexp.fields import structural


@dataclass
class Parity(Synthetic):
    """Sequence of 1 and -1 -> whether the number of 1 is odd, asked for at the end.

    With ``shortest``, lengths are drawn evenly from ``shortest`` to ``length``.

    Source: Bengio, Simard and Frasconi 1994, "Learning long-term dependencies with gradient
    descent is difficult", the parity problem.
    """

    length: int = structural(32, "[4, inf)")
    shortest: int | None = structural(None, "[1, inf)")  # None: all sequences have ``length`` steps

    source: ClassVar[str] = "generated; Bengio, Simard & Frasconi 1994"

    def load(self) -> SequenceData:
        if self.shortest is not None and self.shortest > self.length:
            raise DataError(
                f"dataset.shortest must be at most dataset.length={self.length}, "
                f"got {self.shortest}"
            )
        return super().load()

    def draw(self, source: Source, count: int) -> Tensor:
        bits = source.integers("bits", 2, count, self.length)  # (count, T)
        if self.shortest is not None:
            spread = self.length - self.shortest + 1
            lengths = self.shortest + source.integers("length", spread, count)
            bits[torch.arange(self.length) >= lengths[:, None]] = PADDING
        return bits

    def split(self, drawn: Tensor) -> Split:
        signs = torch.where(drawn == PADDING, 0, 2 * drawn - 1)
        return classified(drawn, signs[..., None].float(), (drawn == 1).sum(dim=1) % 2)

    def classes(self) -> tuple[str, ...]:
        return ("even", "odd")

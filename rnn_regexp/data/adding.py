"""The adding problem: the sum of two marked numbers, far apart among many others."""

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

import torch
from torch import Tensor

from rnn_regexp.data.sequences import Split
from rnn_regexp.data.synthetic import Source, Synthetic
from rnn_regexp.fields import structural


class Rule(Enum):
    """Whose definition."""

    le = "le"
    hochreiter = "hochreiter"


@dataclass
class Adding(Synthetic):
    """Pairs of a number and a mark -> the sum of the two marked numbers, asked for at the end.

    ``le``, for length T: numbers in [0, 1), two of the T steps marked with 1 and the others with 0;
    target X1 + X2. To answer 1 always is a mean squared error of 1/6. Source: Le, Jaitly and
    Hinton 2015, section 4.1.

    ``hochreiter``: numbers in [-1, 1), lengths T to 1.1 T; one of the first ten pairs is marked
    with 1, then one of the first T/2 - 1 that are not marked; the first and the last pair are
    marked with -1, others with 0. Where the first pair is chosen its number is 0. Target
    0.5 + (X1 + X2) / 4. Source: Hochreiter and Schmidhuber 1997, experiment 4.

    The naive answer behind MASE is the mean of the training targets.
    """

    length: int = structural(100, "[12, inf)")
    rule: Rule = structural(Rule.le)

    task: ClassVar[str] = "forecast"
    source: ClassVar[str] = "generated; Hochreiter & Schmidhuber 1997, Le, Jaitly & Hinton 2015"

    def draw(self, source: Source, count: int) -> Tensor:
        return self._le(source, count) if self.rule is Rule.le else self._hochreiter(source, count)

    def _le(self, source: Source, count: int) -> Tensor:
        numbers = source.uniform("numbers", count, self.length)  # (count, T)
        first = source.integers("first", self.length, count)
        second = source.integers("second", self.length - 1, count)
        second += second >= first  # two different steps, all pairs equally likely
        marks = torch.zeros_like(numbers)
        marks[torch.arange(count), first] = marks[torch.arange(count), second] = 1
        return torch.stack([numbers, marks], dim=-1)  # (count, T, 2)

    def _hochreiter(self, source: Source, count: int) -> Tensor:
        rows, steps = torch.arange(count), self.length + self.length // 10
        numbers = 2 * source.uniform("numbers", count, steps) - 1  # (count, T)
        first = source.integers("first", 10, count)
        second = source.integers("second", self.length // 2 - 1, count)
        second += second >= first  # among those that are not marked
        lengths = self.length + source.integers("length", self.length // 10 + 1, count)
        marks = torch.zeros_like(numbers)
        marks[rows, first] = marks[rows, second] = 1
        numbers[:, 0] = torch.where(marks[:, 0] == 1, 0, numbers[:, 0])
        marks[:, 0] = marks[rows, lengths - 1] = -1
        behind = torch.arange(steps) >= lengths[:, None]
        return torch.stack([numbers, marks], dim=-1).masked_fill(behind[..., None], 0)

    def split(self, drawn: Tensor) -> Split:
        numbers, marks = drawn.unbind(dim=-1)  # (N, T) each
        total = (numbers * (marks == 1)).sum(dim=1, keepdim=True)  # (N, 1)
        if self.rule is Rule.le:
            return Split(drawn, torch.full((len(drawn),), self.length), total)
        steps = torch.arange(1, drawn.shape[1] + 1)
        lengths = ((marks != 0) * steps).amax(dim=1)  # the last mark stands at the end
        return Split(drawn, lengths, 0.5 + total / 4)

    def constants(self, train: Split) -> dict[str, Tensor]:
        targets = train.targets
        return {"naive": (targets - targets.mean(dim=0)).abs().mean(dim=0)}

"""Truncated backpropagation through time inside a sequence."""

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from rnn_regexp.fields import per_run
from rnn_regexp.noise import Noise
from rnn_regexp.recurrence.cells import Cell, LayerWeights, State
from rnn_regexp.recurrence.perturbation import NONE, RecurrentNoise
from rnn_regexp.regularizers.base import Place, Regularizer, column
from rnn_regexp.regularizers.subject import Subject


@dataclass
class TruncatedBptt(Regularizer):
    """Let no gradient flow from one stretch of ``steps`` steps into the one before; 0 cuts nothing.

    dh_{t+1} / dh_t = 0   where t is a multiple of ``steps``, t > 0

    The states go on, so outputs and losses are those without it.  Each direction counts in its own
    order.  Streams are cut into windows already: ``training.window`` is the cut between batches.
    """

    source = "Williams & Peng 1990; Sutskever 2013, section 2.8.6"
    separate = True

    steps: int = per_run(0, "[0, inf)", strength=True)

    def objections(self, subject: Subject) -> Iterator[tuple[str, str]]:
        yield from subject.without_own_cell()

    def transform_cell(
        self,
        cell: Cell,
        own: LayerWeights,
        weights: Mapping[str, Tensor],
        place: Place,
        noise: Noise | None,
    ) -> tuple[Cell, LayerWeights]:
        if not torch.is_grad_enabled():
            return cell, own
        counted = itertools.count()

        def step(
            x: Tensor, state: State, W_hh: Tensor, b_hh: Tensor, noise: RecurrentNoise = NONE
        ) -> State:
            cut = self._cut(next(counted))
            state = tuple(torch.where(column(cut, part) > 0, part.detach(), part) for part in state)
            return cell.step(x, state, W_hh, b_hh, noise)

        return replace(cell, name=f"truncated_{cell.name}", step=step), own

    def _cut(self, t: int) -> Tensor:
        """Whether a run's gradient ends before its step t: (K,) of 0 and 1."""
        steps = torch.as_tensor(self.steps)
        stretch = torch.where(steps > 0, steps, math.inf)
        return (t % stretch == 0) if t else torch.zeros_like(steps)

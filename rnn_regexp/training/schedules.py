"""How the learning rate changes during training: a factor on each run's own rate.

A schedule keeps no state: its factor follows from where training stands and from the validation
losses so far, so a run that is resumed goes on with the same rates.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rnn_regexp.fields import Settings, per_run


@dataclass(frozen=True)
class Moment:
    """Where training stands before a step. Epochs count from 1, steps from 0."""

    epoch: int
    step: int
    steps_per_epoch: int
    epochs: int
    losses: Sequence[float]  # validation loss of each finished epoch

    @property
    def steps(self) -> int:
        """All steps of the budget."""
        return self.steps_per_epoch * self.epochs


@dataclass
class Schedule(Settings):
    """Base; subclasses are listed in ``ALL``."""

    source: ClassVar[str] = ""

    def factor(self, at: Moment) -> float:
        """What multiplies ``optimizer.lr`` in the step that follows."""
        raise NotImplementedError


@dataclass
class Constant(Schedule):
    """The same rate throughout."""

    def factor(self, at: Moment) -> float:
        return 1.0


@dataclass
class Step(Schedule):
    """factor = gamma ** floor((epoch - 1) / every)"""

    every: int = per_run(10, "[1, inf)")  # epochs
    gamma: float = per_run(0.1, "(0, 1]")

    def factor(self, at: Moment) -> float:
        return self.gamma ** ((at.epoch - 1) // self.every)


@dataclass
class Exponential(Schedule):
    """factor = gamma ** max(0, epoch - after): constant, then a step down at every epoch.

    Zaremba et al. divide by 2 after 4 epochs (small), 1.2 after 6 (medium), 1.15 after 14 (large).
    """

    source = "Zaremba et al. 2014, section 4.1"

    after: int = per_run(6, "[0, inf)")  # epochs
    gamma: float = per_run(1 / 1.2, "(0, 1]")

    def factor(self, at: Moment) -> float:
        return float(self.gamma ** max(0, at.epoch - self.after))


@dataclass
class Cosine(Schedule):
    """Linear warm-up, then half a cosine down to ``floor``, step by step.

    warm-up:  factor = (step + 1) / W,  W = warmup * steps
    after:    factor = floor + (1 - floor) / 2 * (1 + cos(pi * (step - W) / (steps - W)))
    """

    source = "Loshchilov & Hutter 2017, without restarts"

    warmup: float = per_run(0.0, "[0, 1)")  # share of all steps
    floor: float = per_run(0.0, "[0, 1]")

    def factor(self, at: Moment) -> float:
        W = round(self.warmup * at.steps)
        if at.step < W:
            return (at.step + 1) / W
        turn = math.pi * (at.step - W) / max(1, at.steps - W)
        return self.floor + (1 - self.floor) / 2 * (1 + math.cos(turn))


@dataclass
class Plateau(Schedule):
    """A step down whenever validation loss has not fallen for more than ``patience`` epochs.

    An epoch counts as a fall if loss < best * (1 - threshold), as in torch's ReduceLROnPlateau.
    """

    patience: int = per_run(2, "[0, inf)")  # epochs
    gamma: float = per_run(0.1, "(0, 1]")
    threshold: float = per_run(1e-4, "[0, 1)")

    def factor(self, at: Moment) -> float:
        best, bad, falls = math.inf, 0, 0
        for loss in at.losses:
            better = loss < best * (1 - self.threshold)
            best, bad = (loss, 0) if better else (best, bad + 1)
            if bad > self.patience:
                falls, bad = falls + 1, 0
        return self.gamma**falls


ALL: tuple[type[Schedule], ...] = (Constant, Step, Exponential, Cosine, Plateau)

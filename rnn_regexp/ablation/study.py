"""What a study is: factors with levels around a base experiment, a design, seeds, a metric."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from rnn_regexp.fields import Settings, structural


class Design(Enum):
    """How factors become variants; see ``design``."""

    one_at_a_time = "one_at_a_time"
    leave_one_out = "leave_one_out"
    add_one_in = "add_one_in"
    factorial = "factorial"
    fractional = "fractional"
    plackett_burman = "plackett_burman"
    random = "random"
    latin_hypercube = "latin_hypercube"
    cells = "cells"
    path = "path"
    compare = "compare"


class Evaluate(Enum):
    """Which weights of a run are judged: the last epoch's, or those of the best validation loss."""

    last = "last"
    best = "best"


OnFailure = Enum("OnFailure", ["continue", "stop"])
OnFailure.__doc__ = "What a run that failed means for those that wait."


class IfRunning(Enum):
    """What to do where another process is running the same study."""

    refuse = "refuse"
    wait = "wait"


@dataclass
class Tuning(Settings):
    """The budget with which nuisance settings are tuned, the same for every variant."""

    trials: int | None = structural(None, "[1, 1e6]")  # None: every combination of listed values
    seeds: int = structural(1, "[1, 1e6]")  # a trial is judged by its mean over them
    first_seed: int = structural(1_000_000, "[0, 1e18]")  # none of the study's own seeds


@dataclass
class Study(Settings):
    """A base experiment's variations and the question they answer."""

    name: str = ""
    title: str = ""
    design: Design = Design.one_at_a_time
    factors: dict[str, Any] = field(default_factory=dict)  # name -> a Factor's fields
    compare: dict[str, Any] = field(default_factory=dict)  # label -> settings; the first: baseline
    cells: list[Any] = field(default_factory=list)  # design=cells: factor -> level, others baseline
    samples: int = structural(16, "[1, 1e6]")  # variants of random and latin_hypercube
    resolution: int = structural(4, "[3, 8]")  # at least, of a fractional factorial
    nuisance: dict[str, Any] = field(default_factory=dict)  # key -> values, or {low, high, scale}
    tuning: Tuning = field(default_factory=Tuning)
    seeds: Any = structural(5, "[1, 1e6]")  # how many, which ones, or {start, max, step, stop}
    first_seed: int = structural(0, "[0, 1e18]")
    metric: str = "valid/loss"
    evaluate: Evaluate = Evaluate.last
    alpha: float = structural(0.05, "(0, 1)")
    margin: float | None = structural(None, "(0, inf)")  # smallest difference that matters
    on_failure: OnFailure = OnFailure["continue"]
    if_running: IfRunning = IfRunning.refuse
    plan_only: bool = False

    @property
    def primary(self) -> str:
        """The metric as a run records it."""
        return ("best/" if self.evaluate is Evaluate.best else "") + self.metric

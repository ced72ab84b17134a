"""What a study is: factors with levels around a base experiment, a design, seeds, a metric."""

import difflib
from dataclasses import dataclass, field, fields
from enum import Enum
from typing import Any

from rnn_regexp.ablation.description import StudyError
from rnn_regexp.fields import Settings, structural


class Design(Enum):
    """How factors become variants; see ``design``."""

    one_at_a_time = "one_at_a_time"
    factorial = "factorial"


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
class Factor:
    """One setting under study. ``none`` among the levels means the technique's neutral value."""

    key: str = ""  # the setting as typed on the command line, e.g. regularizers.dropout.rate
    levels: list[Any] = field(default_factory=list)
    baseline: Any = (
        None  # one of the levels; where it is not given, the base experiment's own value
    )


@dataclass
class Study(Settings):
    """A base experiment's variations and the question they answer."""

    name: str = ""
    title: str = ""
    design: Design = Design.one_at_a_time
    factors: dict[str, Any] = field(default_factory=dict)  # name -> a Factor's fields
    seeds: int = structural(5, "[1, inf)")
    first_seed: int = structural(0, "[0, 1e18]")
    metric: str = "valid/loss"
    evaluate: Evaluate = Evaluate.last
    alpha: float = structural(0.05, "(0, 1)")
    margin: float | None = structural(None, "(0, inf)")  # smallest difference that matters
    on_failure: OnFailure = OnFailure["continue"]
    if_running: IfRunning = IfRunning.refuse
    plan_only: bool = False

    def seed_list(self) -> list[int]:
        """The seeds: blocks of the analysis, shared by all variants."""
        return list(range(self.first_seed, self.first_seed + self.seeds))

    def factor_list(self) -> dict[str, Factor]:
        """The factors by name.

        Raises ``StudyError`` for one that has no key, or a field that factors do not have.
        """
        return {name: _factor(name, given) for name, given in self.factors.items()}


def _factor(name: str, given: Any) -> Factor:
    known = [own.name for own in fields(Factor)]
    if not isinstance(given, dict):
        raise StudyError(f"study.factors.{name} must be {{key: ..., levels: [...]}}, got {given!r}")
    for word in given:
        if word not in known:
            near = difflib.get_close_matches(str(word), known, 1)
            hint = f" (did you mean {near[0]}?)" if near else f" (there are {', '.join(known)})"
            raise StudyError(f"unknown key study.factors.{name}.{word}{hint}")
    factor = Factor(**given)
    if not factor.key:
        raise StudyError(f"study.factors.{name}.key: not set (e.g. key: optimizer.lr)")
    if not isinstance(factor.levels, list) or not factor.levels:
        raise StudyError(f"study.factors.{name}.levels: a list of values is wanted")
    return factor

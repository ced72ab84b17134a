"""Settings that cannot have an effect, as far as that is known before training.

Two experiments that differ in such settings alone behave the same, and comparing them answers
nothing.  Each rule below names a key, the value that stands for all of its values, and why.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from rnn_regexp.experiment import Experiment, load
from rnn_regexp.fields import STRENGTH, VOLATILE, label, mark_of, names, plain, replaced, snake_case
from rnn_regexp.regularizers.base import Regularizer, Site
from rnn_regexp.regularizers.init import Init, Scheme
from rnn_regexp.regularizers.weight_decay import Coupling, WeightDecay
from rnn_regexp.training.optimizers import SGD, Adam, AdamW
from rnn_regexp.training.schedules import Constant, Moment, Schedule

Rule = Callable[[Experiment], Iterator[tuple[str, Any, str]]]  # key, value, reason


def behaviour(experiment: Experiment) -> Any:
    """Plain values that are equal for experiments that cannot differ in any number."""
    for rule in RULES:
        for key, value, _ in rule(experiment):
            experiment = replaced(experiment, key, value)
    return plain(experiment, without=(VOLATILE,), neutral=False)


def why_idle(experiment: Experiment, keys: Sequence[str]) -> str:
    """Why the settings ``keys`` have no effect in an experiment; empty where none is idle."""
    for key in keys:
        for rule in RULES:
            for idle, _, reason in rule(experiment):
                if key == idle or key.startswith(f"{idle}."):
                    return reason
        if mark_of(experiment, key, VOLATILE):
            return f"{key} cannot change a result"
    return ""


def _off(experiment: Experiment) -> Iterator[tuple[str, Any, str]]:
    for name, own in experiment.regularizers.items():
        if own.neutral:
            strengths = (f"{s}={label(getattr(own, s))}" for s in names(type(own), STRENGTH))
            yield f"regularizers.{name}", own, f"{name} is off ({', '.join(strengths)})"


def _places(experiment: Experiment) -> Iterator[tuple[str, Any, str]]:
    """Techniques that act on activations where there are none."""
    for name, own in experiment.regularizers.items():
        if own.neutral or Site not in {type(site) for site in getattr(own, "on", ())}:
            continue
        key, chosen = f"regularizers.{name}", _sites(own, experiment.model.layers)
        if not chosen:
            reason = f"{name} acts between layers only, and model.layers is 1"
            yield key, type(own)(), reason
            continue
        between = "between does nothing while model.layers is 1"
        ordered = "the order of places does nothing"
        yield f"{key}.on", chosen, between if Site.between in own.on else ordered
        if chosen == [Site.output] and hasattr(own, "locked") and _one_output(experiment):
            yield f"{key}.locked", False, f"{name} acts on the last state only: one step to mask"


def _sites(own: Regularizer, layers: int) -> list[Site]:
    asked: list[Site] = own.on  # type: ignore[attr-defined]
    return [site for site in Site if site in asked and (layers > 1 or site is not Site.between)]


def _one_output(experiment: Experiment) -> bool:
    return load(experiment.dataset).train.targets.dim() == 1


def _init(experiment: Experiment) -> Iterator[tuple[str, Any, str]]:
    own = experiment.regularizers.get("init")
    if isinstance(own, Init) and own.scheme in (Scheme.default, Scheme.xavier, Scheme.kaiming):
        for name in ("gain", "others"):
            value = getattr(Init(), name)
            yield f"regularizers.init.{name}", value, f"init.scheme={own.scheme.name} has no {name}"


def _decay(experiment: Experiment) -> Iterator[tuple[str, Any, str]]:
    """``coupling=optimizer`` is one of the other two."""
    own, optimizer = experiment.regularizers.get("weight_decay"), experiment.optimizer
    if isinstance(own, WeightDecay) and own.coupling is Coupling.optimizer:
        named = Coupling.decoupled if optimizer.decoupled else Coupling.coupled
        under = snake_case(type(optimizer).__name__)
        reason = f"coupling=optimizer is {named.name} under {under}"
        yield "regularizers.weight_decay.coupling", named, reason


def _optimizer(experiment: Experiment) -> Iterator[tuple[str, Any, str]]:
    own = experiment.optimizer
    if isinstance(own, SGD) and not own.momentum:
        yield "optimizer.nesterov", False, "optimizer.momentum is 0"
    if isinstance(own, AdamW):
        settings = {name: getattr(own, name) for name in names(type(own))}
        reason = "adamw differs from adam in how weight_decay is coupled, and in nothing else"
        yield "optimizer", Adam(**settings), reason


def _schedule(experiment: Experiment) -> Iterator[tuple[str, Any, str]]:
    own, epochs = experiment.schedule, experiment.training.epochs
    if not isinstance(own, Constant) and all(factor == 1 for factor in _factors(own, epochs)):
        name = snake_case(type(own).__name__)
        yield "schedule", Constant(), f"schedule={name} changes nothing within {epochs} epochs"


def _factors(schedule: Schedule, epochs: int, steps: int = 8) -> Iterator[float]:
    """The factors of a budget in which validation loss never falls."""
    for epoch in range(1, epochs + 1):
        for step in range((epoch - 1) * steps, epoch * steps):
            yield schedule.factor(Moment(epoch, step, steps, epochs, [1.0] * (epoch - 1)))


def _embedding(experiment: Experiment) -> Iterator[tuple[str, Any, str]]:
    if load(experiment.dataset).features:
        name = snake_case(type(experiment.dataset).__name__)
        yield "model.embedding", 1, f"dataset={name} has numbers, which need no embedding"


# The coupling of weight decay is settled before AdamW becomes Adam.
RULES: tuple[Rule, ...] = (_off, _places, _init, _decay, _optimizer, _schedule, _embedding)

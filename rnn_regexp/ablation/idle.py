"""Settings that cannot have an effect, as far as that is known before training.

Two experiments that differ in such settings alone behave the same, and comparing them answers
nothing.  Each rule below names a key, the value that stands for all of its values, and why.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from rnn_regexp.experiment import Experiment, load, subject
from rnn_regexp.fields import STRENGTH, VOLATILE, label, mark_of, names, plain, replaced, snake_case
from rnn_regexp.models import LSTM
from rnn_regexp.models.pooling import Pooling
from rnn_regexp.regularizers.dropout import Dropout, Where
from rnn_regexp.regularizers.early_stopping import EarlyStopping
from rnn_regexp.regularizers.fitting import idle
from rnn_regexp.regularizers.init import Init, Scheme
from rnn_regexp.regularizers.weight_decay import Coupling, WeightDecay
from rnn_regexp.training.optimizers import SGD, Adam, AdamW
from rnn_regexp.training.schedules import Constant, Moment, Schedule
from rnn_regexp.training.settings import Reduction, Training

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
            for own, _, reason in rule(experiment):
                if key == own or key.startswith(f"{own}."):
                    return reason
        if mark_of(experiment, key, VOLATILE):
            return f"{key} cannot change a result"
    return ""


def _off(experiment: Experiment) -> Iterator[tuple[str, Any, str]]:
    for name, own in experiment.regularizers.items():
        if own.neutral:
            strengths = (f"{s}={label(getattr(own, s))}" for s in names(type(own), STRENGTH))
            yield f"regularizers.{name}", own, f"{name} is off ({', '.join(strengths)})"


def _unfit(experiment: Experiment) -> Iterator[tuple[str, Any, str]]:
    """Techniques, and settings of them, that by their own account do nothing here."""
    for key, reason in idle(subject(experiment)).items():
        _, name, *setting = key.split(".")
        neutral = type(experiment.regularizers[name])()
        yield key, getattr(neutral, setting[0]) if setting else neutral, reason


def _empty(experiment: Experiment) -> Iterator[tuple[str, Any, str]]:
    for name, own in experiment.regularizers.items():
        if getattr(own, "on", None) == []:
            yield f"regularizers.{name}", type(own)(), f"regularizers.{name}.on is empty"


def _dropout(experiment: Experiment) -> Iterator[tuple[str, Any, str]]:
    own = experiment.regularizers.get("dropout")
    if not isinstance(own, Dropout) or own.neutral:
        return
    single = experiment.model.layers == 1
    there = [w for w in Where if w in own.on and not (single and w is Where.between)]
    between = "between does nothing while model.layers is 1"
    ordered = "the order of places does nothing"
    reason = between if single and Where.between in own.on else ordered
    yield "regularizers.dropout.on", there, reason
    if there == [Where.output] and not subject(experiment).every_step:
        reason = "dropout acts where the sequence is one vector: no steps"
        yield "regularizers.dropout.locked", False, reason


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


def _stopping(experiment: Experiment) -> Iterator[tuple[str, Any, str]]:
    """A run has its first best epoch at 1, and ending it at the last epoch ends nothing."""
    own, epochs = experiment.regularizers.get("early_stopping"), experiment.training.epochs
    if isinstance(own, EarlyStopping) and own.patience >= epochs - 1:
        reason = f"early_stopping never ends a run of {epochs} epochs at patience={own.patience:g}"
        yield "regularizers.early_stopping", EarlyStopping(), reason


def _task(experiment: Experiment) -> Iterator[tuple[str, Any, str]]:
    """Settings for tasks of another kind."""
    task = subject(experiment)
    if task.every_step:
        yield "model.pooling", Pooling.last, "the head reads every step, and nothing is pooled"
    else:
        reason = "the loss is one number a sequence, a mean either way"
        yield "training.reduction", Reduction.mean, reason
    if not task.carries:
        yield "training.window", Training().window, "the dataset is no stream: nothing is cut"


def _embedding(experiment: Experiment) -> Iterator[tuple[str, Any, str]]:
    if load(experiment.dataset).features:
        name = snake_case(type(experiment.dataset).__name__)
        yield "model.embedding", 1, f"dataset={name} has numbers, which need no embedding"


def _mogrifier(experiment: Experiment) -> Iterator[tuple[str, Any, str]]:
    own = experiment.model
    if isinstance(own, LSTM) and not own.mogrifier.rounds:
        yield "model.mogrifier.rank", None, "model.mogrifier.rounds is 0"


# The coupling of weight decay is settled before AdamW becomes Adam.
RULES: tuple[Rule, ...] = (
    _off,
    _unfit,
    _empty,
    _dropout,
    _init,
    _decay,
    _optimizer,
    _schedule,
    _stopping,
    _task,
    _embedding,
    _mogrifier,
)

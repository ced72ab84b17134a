"""The steps of a cohort: made plainly, or on CUDA recorded once for each shape and replayed."""

import dataclasses
from collections.abc import Iterator
from typing import Any, NamedTuple

from torch import Tensor

from rnn_regexp.data.batches import Batch
from rnn_regexp.models.forward import States
from rnn_regexp.training.cohort import Cohort
from rnn_regexp.training.graph import Graphed, Tensors
from rnn_regexp.training.step import step
from rnn_regexp.training.tally import Tally


class Form(NamedTuple):
    """A batch and carried states without their tensors: what a recording takes for granted."""

    names: tuple[str, ...]  # of the batch's tensors
    rest: tuple[tuple[str, Any], ...]  # the batch's other fields
    states: tuple[tuple[int, ...], ...] | None  # of each layer, of each direction


class Steps:
    """Makes one step after another of a cohort, counted by a tally."""

    def __init__(self, cohort: Cohort, tally: Tally) -> None:
        self.cohort, self.tally = cohort, tally
        device = cohort.device if cohort.training.graph and cohort.task.recordable else None
        self._graphed = Graphed.on(device, self._step, self._changed)
        self._ends: Any = ()  # the form of the states in which a step ends

    def __call__(self, batch: Batch, states: States | None) -> States:
        """One step on a batch; returns the states from which the next window goes on."""
        if not self._graphed.records:
            return step(self.cohort, batch, self.tally, states)
        tensors, form = taken_apart(batch, states)
        ends = self._graphed(tensors, form)
        return _nested(iter(ends), self._ends)

    def _step(self, tensors: Tensors, form: Form) -> Tensors:
        batch, states = put_together(tensors, form)
        ends = step(self.cohort, batch, self.tally, states)
        self._ends = _counts(ends)
        return _flat(ends)

    def _changed(self) -> Iterator[Tensor]:
        """Everything that a step changes in place."""
        optimizers = self.cohort.optimizers
        yield from (self.cohort.weights.flat, optimizers.state, optimizers.counts)
        yield from self.cohort.regularizers.state().values()
        yield from self.tally.tensors().values()


def taken_apart(batch: Batch, states: States | None) -> tuple[Tensors, Form]:
    """The tensors of a batch and of carried states, and the rest."""
    fields = {field.name: getattr(batch, field.name) for field in dataclasses.fields(batch)}
    named = {name: own for name, own in fields.items() if isinstance(own, Tensor)}
    rest = tuple((name, own) for name, own in fields.items() if name not in named)
    form = Form(tuple(named), rest, None if states is None else _counts(states))
    return (*named.values(), *_flat(states or ())), form


def put_together(tensors: Tensors, form: Form) -> tuple[Batch, States | None]:
    """What ``taken_apart`` took apart."""
    own = iter(tensors)
    fields: dict[str, Any] = {name: next(own) for name in form.names} | dict(form.rest)
    batch = Batch(**fields)
    return batch, None if form.states is None else _nested(own, form.states)


def _counts(states: States) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(len(state) for state in layer) for layer in states)


def _flat(states: States) -> Tensors:
    return tuple(own for layer in states for state in layer for own in state)


def _nested(tensors: Iterator[Tensor], counts: tuple[tuple[int, ...], ...]) -> States:
    return tuple(
        tuple(tuple(next(tensors) for _ in range(count)) for count in layer) for layer in counts
    )

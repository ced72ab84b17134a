"""At its defaults every technique is exactly nothing, for its run and for the neighbours."""

import dataclasses
from enum import Enum

import pytest
import torch

from rnn_regexp.fields import PER_RUN, STRENGTH
from rnn_regexp.regularizers.base import Regularizer
from rnn_regexp.regularizers.init import Init
from rnn_regexp.regularizers.stack import RegularizerStack, stack
from rnn_regexp.training.optimizers import SGD, AdamW
from tests.regularizers.catalogue import (
    CPU,
    RUNS,
    Technique,
    each,
    name_of,
    noise,
    problem_of,
    random_weights,
    remembering,
    strong,
    trace,
    update_of,
    usual,
)
from tests.training.tiny import run, watch


@each
def test_neutral_beside_a_run_that_uses_it_is_bitwise_nothing(technique: Technique):
    own, problem = {"seed": 4, "optimizer": AdamW(0.05)}, problem_of(strong(technique))
    absent, neutral = run(**own), run(technique(), **own)
    plain, without = watch(problem.cohort(absent, absent, absent, epochs=5))
    if technique.separate:
        _, found = watch(problem.cohort(absent, neutral, absent, epochs=5))
        assert torch.equal(found.weights[-1], without.weights[-1])
        return
    used = run(strong(technique), **own)
    outcomes, beside = watch(problem.cohort(absent, neutral, used, epochs=5))
    for k in (0, 1):
        assert torch.equal(beside.path(k), without.path(k))
        assert outcomes[k].metrics == plain[k].metrics
    assert outcomes[2].metrics != plain[2].metrics


@each
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_a_neutral_stack_is_bitwise_nothing_in_the_step(technique: Technique, dtype: torch.dtype):
    weights = random_weights(dtype=dtype)
    own = remembering(stack([technique()] * RUNS, CPU), weights)
    flat, gradient = weights.flat.clone(), weights.gradient.clone()
    penalty = own.penalty(weights, trace(dtype))
    assert penalty is None or not penalty.any()
    update = update_of(weights)
    with torch.no_grad():
        shift = own.ascent(weights, update)
        assert shift is None or not shift.any()
        own.transform_gradients(weights, update)
        own.before_step(weights, update)
        own.after_step(weights, update)
        assert torch.equal(own.averaged(weights.flat), flat)
    assert torch.equal(weights.flat, flat)
    assert torch.equal(weights.gradient, gradient)
    assert not update.clipped.any()
    other = torch.ones_like(weights.flat)  # an optimizer's average, say
    assert torch.equal(own.averaged(other), other)


@each
def test_a_neutral_stack_changes_no_window_no_rate_and_ends_nothing(technique: Technique):
    own, length = stack([technique()] * RUNS, CPU), torch.tensor([35, 35, 35])
    assert torch.equal(own.window(length, 0, noise()), length)
    factor = own.rate_factor(length, 5)
    assert factor is None or (factor == 1).all()
    history = [{"valid/loss": 1.0 + epoch} for epoch in range(50)]  # it only gets worse
    assert not any(own.stops([history] * RUNS) or [])


@each
def test_left_out_where_every_run_is_neutral(technique: Technique):
    active = RegularizerStack([{name_of(technique): technique()}, {}], CPU).active
    assert [type(own) for own in active.values()] == [Init]
    active = RegularizerStack([{name_of(technique): usual(technique)}, {}], CPU).active
    assert technique in [type(own) for own in active.values()]


@each
def test_a_neutral_neighbours_structure_does_not_matter(technique: Technique):
    """Its structural settings have no effect, so they must not reach the runs that use it."""
    other = other_structure(technique())
    own, problem = strong(technique), problem_of(strong(technique))
    _, alone = watch(problem.cohort(run(own, optimizer=SGD(0.1)), epochs=2))
    if technique.separate:
        return
    _, beside = watch(problem.cohort(run(other), run(own, optimizer=SGD(0.1)), epochs=2))
    torch.testing.assert_close(beside.weights[-1][1], alone.weights[-1][0], rtol=1e-10, atol=1e-12)


def other_structure(own: Regularizer) -> Regularizer:
    """The same strength with other structural settings, where there are any."""
    changed = {}
    for field in dataclasses.fields(own):
        value = getattr(own, field.name)
        if field.metadata[PER_RUN] or field.metadata[STRENGTH]:
            continue
        if isinstance(value, bool):
            changed[field.name] = not value
        elif isinstance(value, Enum):
            changed[field.name] = next(other for other in type(value) if other is not value)
        elif isinstance(value, list) and value:
            changed[field.name] = [member for member in type(value[0]) if member not in value][:1]
    return dataclasses.replace(own, **changed)

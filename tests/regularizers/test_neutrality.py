"""At its defaults every technique is exactly nothing, for its run and for the neighbours."""

import dataclasses

import pytest
import torch

from rnn_regexp.regularizers.base import Regularizer, Site
from rnn_regexp.regularizers.init import Init
from rnn_regexp.regularizers.stack import RegularizerStack, stack
from rnn_regexp.training.optimizers import SGD, AdamW
from tests.regularizers.catalogue import (
    CPU,
    RUNS,
    Technique,
    activations,
    each,
    name_of,
    noise,
    random_weights,
    remembering,
    strong,
    trace,
    update_of,
    usual,
)
from tests.training.tiny import cohort, run, watch


@each
def test_neutral_beside_a_run_that_uses_it_is_bitwise_nothing(technique: Technique):
    own = {"seed": 4, "optimizer": AdamW(0.05)}
    used = run(strong(technique), **own)
    plain, without = watch(cohort(run(**own), run(**own)))
    for absent in (run(**own), run(technique(), **own)):
        outcomes, beside = watch(cohort(absent, used))
        assert torch.equal(torch.stack(beside.weights)[:, 0], torch.stack(without.weights)[:, 0])
        assert outcomes[0].metrics == plain[0].metrics
        assert outcomes[1].metrics != plain[1].metrics


@each
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_a_neutral_stack_is_bitwise_nothing_at_every_site(technique: Technique, dtype: torch.dtype):
    weights = random_weights(dtype=dtype)
    own = remembering(stack([technique()] * RUNS, CPU), weights)
    flat, gradient = weights.flat.clone(), weights.gradient.clone()
    for site in Site:
        x = activations(site, dtype)
        assert torch.equal(own.transform_activations(site, 0, x, noise()), x)
    penalty = own.penalty(weights, trace(dtype))
    assert penalty is None or not penalty.any()
    update = update_of(weights)
    with torch.no_grad():
        own.transform_gradients(weights, update)
        own.before_step(weights, update)
        own.after_step(weights, update)
    assert torch.equal(weights.flat, flat)
    assert torch.equal(weights.gradient, gradient)
    assert not update.clipped.any()


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
    own = strong(technique)
    _, alone = watch(cohort(run(own, optimizer=SGD(0.1)), epochs=2))
    _, beside = watch(cohort(run(other), run(own, optimizer=SGD(0.1)), epochs=2))
    torch.testing.assert_close(beside.weights[-1][1], alone.weights[-1][0], rtol=1e-10, atol=1e-12)


def other_structure(own: Regularizer) -> Regularizer:
    """The same strength with other structural settings, where there are any."""
    changed = {}
    for field in dataclasses.fields(own):
        value = getattr(own, field.name)
        if isinstance(value, bool):
            changed[field.name] = not value
        elif isinstance(value, list):
            changed[field.name] = [member for member in type(value[0]) if member not in value][:1]
    return dataclasses.replace(own, **changed)

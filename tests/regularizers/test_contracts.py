"""What every technique promises. A new one is tested by being listed in ``ALL``."""

import dataclasses
from enum import Enum
from unittest import mock

import pytest
import torch
from torch import Tensor

from rnn_regexp.fields import PER_RUN
from rnn_regexp.noise import Noise
from rnn_regexp.regularizers.base import Regularizer, Site
from rnn_regexp.regularizers.dropout import Dropout
from rnn_regexp.regularizers.stack import stack
from rnn_regexp.training.evaluate import evaluate
from rnn_regexp.training.optimizers import AdamW
from rnn_regexp.weights import Weights
from tests.regularizers.catalogue import (
    CPU,
    RUNS,
    Technique,
    activations,
    each,
    noise,
    random_weights,
    remembering,
    strong,
    trace,
    update_of,
    usual,
    with_method,
)
from tests.training.tiny import cohort, run, watch


def stacked(technique: Technique) -> Regularizer:
    return stack([strong(technique)] * RUNS, CPU)


# Randomness


@each
def test_evaluation_knows_nothing_of_it(technique: Technique):
    plain, own = cohort(run(), run(seed=1)), cohort(run(strong(technique)), run(seed=1))
    with torch.no_grad():
        own.weights.flat.copy_(plain.weights.flat)
    expected = evaluate(plain, plain.split("valid"))
    for _ in range(2):
        found = evaluate(own, own.split("valid"))
        assert all(torch.equal(found[name], expected[name]) for name in expected)


@with_method("transform_activations")
@pytest.mark.parametrize("site", Site)
def test_the_same_key_gives_the_same_mask(technique: Technique, site: Site):
    own, x = stacked(technique), activations(site)
    first, again = (own.transform_activations(site, 1, x, noise()) for _ in range(2))
    assert torch.equal(first, again)


def masks(*techniques: Regularizer) -> dict[tuple[str, int], Tensor]:
    """All that a run draws in training, by site and step."""
    drawn: dict[tuple[str, int], Tensor] = {}
    uniform = Noise.uniform

    def watched(own: Noise, site: str, shape: tuple[int, ...]) -> Tensor:
        drawn[own.branch + site, int(torch.as_tensor(own.step).max())] = numbers = uniform(
            own, site, shape
        )
        return numbers

    with mock.patch.object(Noise, "uniform", watched):
        watch(cohort(run(*techniques, seed=3), epochs=2))
    return drawn


@each
def test_it_shifts_no_other_techniques_random_numbers(technique: Technique):
    """One call more of a shared generator would shift every later mask, and data order with it."""
    dropout = Dropout(0.5) if technique is not Dropout else strong(Dropout)
    without, beside = (
        masks(dropout),
        masks(*{type(o): o for o in (dropout, strong(technique))}.values()),
    )
    assert ("dropout/output/1", 5) in without
    for key in without.keys() & beside.keys():
        assert torch.equal(without[key], beside[key]), key
    assert without.keys() <= beside.keys()


@each
def test_the_global_generator_is_not_used(technique: Technique):
    before = torch.get_rng_state()
    watch(cohort(run(strong(technique)), epochs=1))
    assert torch.equal(torch.get_rng_state(), before)


# Shapes and types


@with_method("transform_activations")
@pytest.mark.parametrize("site", Site)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_activations_keep_shape_and_type(technique: Technique, site: Site, dtype: torch.dtype):
    x = activations(site, dtype)
    out = stacked(technique).transform_activations(site, 1, x, noise())
    assert out.shape == x.shape
    assert out.dtype is dtype


@each
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("decoupled", [False, True])
def test_weights_gradients_and_penalty_keep_shape_and_type(
    technique: Technique, dtype: torch.dtype, decoupled: bool
):
    weights = random_weights(dtype=dtype)
    own = remembering(stacked(technique), weights)
    addresses = [weights.flat.data_ptr(), weights.gradient.data_ptr()]
    update = update_of(weights, decoupled=decoupled)
    with torch.no_grad():
        own.initialize(weights, noise())
        own.transform_gradients(weights, update)
        own.before_step(weights, update)
        own.after_step(weights, update)
    penalty = own.penalty(weights, trace(dtype))
    assert penalty is None or (penalty.shape, penalty.dtype) == ((RUNS,), dtype)
    for tensor, address in zip((weights.flat, weights.gradient), addresses):
        assert (tensor.dtype, tensor.data_ptr()) == (dtype, address)
        assert tensor.isfinite().all()
    assert (update.clipped.shape, update.clipped.dtype) == ((RUNS,), torch.bool)


# Cohorts


@each
def test_per_run_fields_become_one_value_a_run_and_structural_ones_stay(technique: Technique):
    runs = [technique(), strong(technique), technique()]
    own = stack(runs, CPU)
    assert type(own) is technique
    for field in dataclasses.fields(technique):
        found, values = getattr(own, field.name), [getattr(run, field.name) for run in runs]
        if not field.metadata[PER_RUN]:
            assert found == values[0]
        elif isinstance(values[0], Enum):
            assert found == tuple(values)
        else:
            assert found.dtype is torch.double
            assert found.tolist() == values


@each
@pytest.mark.parametrize("place", [0, 1, 2])
def test_alone_equals_in_a_cohort_in_which_another_lacks_it(technique: Technique, place: int):
    own = run(strong(technique), seed=2, optimizer=AdamW(0.02))
    runs = [run(usual(technique), seed=1, optimizer=AdamW(0.1)), run(seed=2, optimizer=AdamW(0.1))]
    runs.insert(place, own)
    (alone,), single = watch(cohort(own))
    together, journal = watch(cohort(*runs))
    found, expected = torch.stack(journal.weights)[:, place], torch.stack(single.weights)[:, 0]
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)
    assert together[place].metrics == pytest.approx(alone.metrics, rel=1e-10)


# Derivatives


@with_method("penalty")
def test_penalty_has_the_gradient_of_finite_differences(technique: Technique):
    own, start = stacked(technique), random_weights()

    def penalty(flat: Tensor) -> Tensor:
        return own.penalty(Weights(start.specs, flat), trace())

    assert torch.autograd.gradcheck(penalty, (start.flat.clone().requires_grad_(),))


@with_method("penalty")
def test_penalty_of_a_run_depends_on_its_own_weights_alone(technique: Technique):
    own, weights = stacked(technique), random_weights()
    weights.differentiate(own.penalty(weights, trace())[[0, 2]])
    assert not weights.gradient[1].any()
    assert weights.gradient[::2].any()


@with_method("transform_activations")
@pytest.mark.parametrize("site", Site)
def test_activations_have_the_gradient_of_finite_differences(technique: Technique, site: Site):
    own, x = stacked(technique), activations(site).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x: own.transform_activations(site, 1, x, noise()), (x,), fast_mode=True
    )

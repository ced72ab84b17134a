"""What every technique promises. A new one is tested by being listed in ``ALL``."""

import copy
import dataclasses
import itertools
import pickle
from enum import Enum
from pathlib import Path
from unittest import mock

import pytest
import torch
from torch import Tensor

from rnn_regexp.data.batches import Batch
from rnn_regexp.fields import PER_RUN, STRENGTH, names, plain
from rnn_regexp.models.forward import States
from rnn_regexp.noise import Noise
from rnn_regexp.regularizers import ALL
from rnn_regexp.regularizers.base import Regularizer
from rnn_regexp.regularizers.dropout import Dropout
from rnn_regexp.regularizers.stack import stack
from rnn_regexp.training import loop
from rnn_regexp.training.checkpoint import Checkpoint
from rnn_regexp.training.cohort import Cohort
from rnn_regexp.training.evaluate import evaluate
from rnn_regexp.training.optimizers import SGD, AdamW
from rnn_regexp.training.settings import Device
from rnn_regexp.training.step import losses, step
from rnn_regexp.training.tally import Tally
from rnn_regexp.weights import Weights
from tests.regularizers.catalogue import (
    CPU,
    INEXACT,
    RUNS,
    Problem,
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
    with_method,
)
from tests.training.test_checkpoint import cut_after, equal
from tests.training.tiny import run, watch


def stacked(technique: Technique) -> Regularizer:
    return stack([strong(technique)] * RUNS, CPU)


# Settings


@each
def test_settings_survive_copies(technique: Technique):
    own = strong(technique)
    for other in (copy.deepcopy(own), pickle.loads(pickle.dumps(own))):
        assert other == own
        assert plain(other) == plain(own)
    for name in names(technique, STRENGTH):
        assert technique.separate or technique.__dataclass_fields__[name].metadata[PER_RUN]


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


# Evaluation


@each
def test_evaluation_is_deterministic_and_the_plain_models_unless_it_takes_part(
    technique: Technique,
):
    problem = problem_of(strong(technique))
    own = problem.cohort(run(strong(technique)), run(strong(technique), seed=1))
    flat, split = own.weights.flat.detach(), own.split("valid")
    first, again = (evaluate(own, split, flat) for _ in range(2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    if not technique.evaluates:
        expected = evaluate(problem.cohort(run(), run(seed=1)), split, flat)
        assert all(torch.equal(first[name], expected[name]) for name in expected)


# Randomness


def drawn(problem: Problem, *techniques: Regularizer) -> dict[tuple[str, int], Tensor]:
    """All random bits of two epochs by site and step."""
    found: dict[tuple[str, int], Tensor] = {}
    bits = Noise.bits

    def watched(own: Noise, site: str, count: int) -> Tensor:
        key = own.branch + site, int(torch.as_tensor(own.step).max())
        found[key] = numbers = bits(own, site, count)
        return numbers

    with mock.patch.object(Noise, "bits", watched):
        loop.train(problem.cohort(run(*techniques, seed=3), epochs=2))
    return found


@each
def test_it_shifts_no_other_techniques_random_numbers(technique: Technique):
    """One call more of a shared generator would shift every later mask, and data order with it."""
    dropout = Dropout(0.5) if technique is not Dropout else strong(Dropout)
    both = {type(own): own for own in (dropout, strong(technique))}.values()
    problem = problem_of(*both)
    before = torch.get_rng_state()
    without, beside = drawn(problem, dropout), drawn(problem, *both)
    assert torch.equal(torch.get_rng_state(), before)  # nor is torch's own generator used
    assert any("dropout/output" in site for site, _ in without)
    gone = without.keys() - beside.keys()  # starts of parameters that it does away with
    assert all(site.startswith("init/") and technique.separate for site, _ in gone)
    for key in without.keys() - gone:
        pairs = zip(without[key].unbind(1), beside[key].unbind(1))  # the shorter of both
        assert all(torch.equal(*own) for own in pairs), key


# Shapes and types


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
def test_alone_equals_in_a_cohort_in_which_another_lacks_it(technique: Technique):
    """Where none can lack it, another has it at another strength."""
    own = run(strong(technique), seed=2, optimizer=AdamW(0.02))
    other = run(*[usual(technique)] * technique.separate, seed=2, optimizer=AdamW(0.1))
    neighbours = [run(usual(technique), seed=1, optimizer=AdamW(0.1)), other]
    problem = problem_of(strong(technique))
    (alone,), single = watch(problem.cohort(own, epochs=4))
    for place in (0, 1):
        runs = [*neighbours[:place], own, *neighbours[place:]]
        together, journal = watch(problem.cohort(*runs, epochs=4))
        torch.testing.assert_close(journal.path(place), single.path(0), rtol=1e-10, atol=1e-12)
        assert together[place].metrics == pytest.approx(alone.metrics, rel=1e-10)


@each
def test_cut_short_it_goes_on_with_the_same_bits(technique: Technique, tmp_path: Path):
    def own() -> Cohort:
        settings = {"optimizer": AdamW(0.05)}
        others = [strong(technique)] if technique.separate else []
        runs = [run(strong(technique), **settings), run(*others, seed=1, **settings)]
        return problem_of(strong(technique)).cohort(*runs, epochs=3)

    undisturbed, again = own(), own()
    expected = loop.train(undisturbed)
    path = tmp_path / "a.safetensors"
    cut_after(own(), Checkpoint(path, "me"), 4)
    assert equal(loop.train(again, checkpoint=Checkpoint(path, "me")), expected)
    assert torch.equal(again.weights.flat, undisturbed.weights.flat)


@each
def test_a_cohort_is_copied_whole_in_the_midst_of_training(technique: Technique):
    """The copy goes on as the original does, and neither moves the other."""
    own = problem_of(strong(technique)).cohort(run(strong(technique), optimizer=AdamW(0.05)))
    take_steps(own, 2)
    other, before = copy.deepcopy(own), own.weights.flat.detach().clone()
    take_steps(other, 2)
    assert torch.equal(own.weights.flat, before)
    assert not torch.equal(other.weights.flat, before)
    take_steps(own, 2)
    assert torch.equal(other.weights.flat, own.weights.flat)
    remembered = other.regularizers.state()
    for name, tensor in own.regularizers.state().items():
        torch.testing.assert_close(remembered[name], tensor, rtol=0, atol=0, equal_nan=True)
    first, again = (evaluate(it, it.split("valid")) for it in (own, other))
    assert all(torch.equal(first[name], again[name]) for name in first)


def take_steps(own: Cohort, count: int) -> None:
    noise = Noise(own.seeds, 1)
    batches = own.task.batches(own.split("train"), noise, own.batching(noise))
    states, tally = () if own.task.carries else None, Tally(own.runs, own.weights.flat)
    for batch, _ in zip(batches, range(count)):
        ends = step(own, batch, tally, states)
        states = ends if own.task.carries else None


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")
@each
def test_its_numbers_on_cuda_are_those_on_cpu(technique: Technique):
    found = {}
    for device in (Device.cpu, Device.cuda):
        runs = [run(strong(technique), seed=seed, optimizer=SGD(0.1)) for seed in (0, 1)]
        own = problem_of(strong(technique)).cohort(*runs, epochs=2, device=device)
        metrics = [outcome.metrics for outcome in loop.train(own)]
        found[device] = own.weights.flat.cpu(), metrics
    (flat, metrics), (expected, wanted) = found[Device.cuda], found[Device.cpu]
    torch.testing.assert_close(flat, expected, rtol=1e-8, atol=1e-10)
    for one, other in zip(metrics, wanted):
        assert one == pytest.approx(other, rel=1e-8)


# Derivatives


def carried_states(own: Cohort) -> States | None:
    """Such as a window finds them, or None where the task carries none."""
    if not own.task.carries:
        return None
    states = own.task.forward(own.network(), first_batch(own), ()).states
    return tuple(tuple(tuple(s.detach() for s in d) for d in layer) for layer in states)


def first_batch(own: Cohort) -> Batch:
    noise = Noise(own.seeds, 1)
    return next(iter(own.task.batches(own.split("train"), noise, own.batching(noise))))


@each
def test_the_whole_steps_gradient_is_that_of_finite_differences(technique: Technique):
    if name_of(technique) in INEXACT:
        pytest.skip("its gradient is cut on purpose")
    own = problem_of(strong(technique)).cohort(run(strong(technique)), run(strong(technique)))
    batch, states, flat = first_batch(own), carried_states(own), own.weights.flat.detach().clone()

    def total(at: Tensor) -> Tensor:
        """The losses (K,) with all penalties at other weights, with the same noise."""
        with torch.no_grad():
            own.weights.flat.copy_(at)
        return losses(own, batch, Noise(own.seeds, 5), states)[1]

    own.weights.differentiate(total(flat))
    gradient = own.weights.gradient.clone()
    generator = torch.Generator().manual_seed(0)
    for _ in range(3):
        along = torch.randn(flat.shape, generator=generator, dtype=flat.dtype)
        ahead, behind = (total(flat + sign * 1e-6 * along).detach() for sign in (1, -1))
        slope = (ahead - behind) / 2e-6
        torch.testing.assert_close((gradient * along).sum(dim=1), slope, rtol=1e-6, atol=1e-8)


def moved_since_start(technique: Technique, weights: Weights) -> Regularizer:
    """A stack that started from other weights."""
    return remembering(stacked(technique), Weights(weights.specs, weights.flat.detach() / 2))


@with_method("penalty")
def test_penalty_of_a_run_depends_on_its_own_weights_alone(technique: Technique):
    weights = random_weights()
    own = moved_since_start(technique, weights)
    penalty = own.penalty(weights, trace())
    if not penalty.requires_grad:
        pytest.skip("it is one on activations")
    weights.differentiate(penalty[[0, 2]])
    assert not weights.gradient[1].any()
    assert weights.gradient[::2].any()


@with_method("penalty")
def test_penalty_has_the_gradient_of_finite_differences(technique: Technique):
    start = random_weights()
    own = moved_since_start(technique, start)

    def penalty(flat: Tensor) -> Tensor:
        return own.penalty(Weights(start.specs, flat), trace())

    assert torch.autograd.gradcheck(penalty, (start.flat.clone().requires_grad_(),))


# Together


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(ALL, 2)), ids=name_of)
def test_any_two_train_together(one: Technique, other: Technique):
    pair = strong(one), strong(other)
    own = problem_of(*pair).cohort(run(*pair, optimizer=SGD(0.01)), epochs=1, limit=8)
    (outcome,) = loop.train(own)
    assert outcome.diverged_at is None
    assert outcome.metrics["valid/loss"] > 0

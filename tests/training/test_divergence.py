"""A run that turns non-finite is frozen and said to have diverged; its neighbours do not notice."""

import pytest
import torch

from rnn_regexp.diagnostics import Diagnostic
from rnn_regexp.models import GRU, LSTM, RNN, Model, Nonlinearity
from rnn_regexp.regularizers.base import Regularizer
from rnn_regexp.regularizers.clip import By, Clip
from rnn_regexp.regularizers.dropout import Dropout
from rnn_regexp.regularizers.l2 import L2
from rnn_regexp.regularizers.spectral_penalty import SpectralPenalty
from rnn_regexp.regularizers.weight_decay import Coupling, WeightDecay
from rnn_regexp.training import loop
from rnn_regexp.training.cohort import Cohort
from rnn_regexp.training.evaluate import evaluate
from rnn_regexp.training.optimizers import SGD, Adam, AdamW
from rnn_regexp.training.record import Outcome, Record, metric_names
from tests.training.tiny import Journal, cohort, run, watch

# Each step multiplies the weights by about -1e20, so that after 15 steps they leave float64.
GROWS = WeightDecay(1e20, Coupling.decoupled)
NAMES = metric_names(("loss", "accuracy", "macro_f1"))
TAME = run(Dropout(0.5), Clip(0.5), WeightDecay(1e-3), optimizer=SGD(0.1), seed=5)


Trained = tuple[Cohort, list[Outcome], Journal]


@pytest.fixture(scope="module")
def middle_diverges() -> Trained:
    """Three runs of which the second diverges in a later epoch."""
    own = cohort(TAME, run(GROWS, optimizer=SGD(1.0), seed=1), TAME)
    return own, *watch(own)


def test_the_step_is_the_first_that_is_not_finite(middle_diverges: Trained):
    _, outcomes, journal = middle_diverges
    finite = (torch.stack(journal.losses) + torch.stack(journal.norms))[:, 1].isfinite()
    assert outcomes[1].diverged_at == int(finite.logical_not().nonzero()[0]) + 1
    assert 3 < outcomes[1].diverged_at < 21
    assert outcomes[0].diverged_at is outcomes[2].diverged_at is None


def test_its_weights_stay_as_they_were_before_that_step(middle_diverges: Trained):
    _, outcomes, journal = middle_diverges
    at = outcomes[1].diverged_at
    later = torch.stack(journal.weights)[at:, 1]
    assert torch.equal(later, journal.weights[at - 1][1].expand_as(later))
    assert not torch.equal(journal.weights[at - 1][1], journal.weights[at - 2][1])


@pytest.mark.parametrize("model", [GRU(3, 4), LSTM(3, 4)])
def test_singular_values_of_its_weights_are_no_matter_of_its_neighbours(model: Model):
    """torch's decompositions refuse all matrices where one is not finite."""
    own = cohort(
        run(SpectralPenalty(0.1)),
        run(optimizer=Adam(), seed=1),
        model=model,
        diagnostics=[Diagnostic.spectrum],
    )
    with torch.no_grad():
        own.weights["layer0.0.W_hh"][1, 0, 0] = torch.nan
    first, second = loop.train(own)
    assert (first.diverged_at, second.diverged_at) == (None, 1)
    alone = loop.train(cohort(run(SpectralPenalty(0.1)), model=model))
    assert first.metrics["valid/loss"] == pytest.approx(alone[0].metrics["valid/loss"], rel=1e-10)


@pytest.mark.parametrize("coupling", Coupling)
@pytest.mark.parametrize("by", By)
def test_no_regularizer_moves_a_frozen_run(coupling: Coupling, by: By):
    techniques = Dropout(0.5), Clip(1.0, by), WeightDecay(0.1, coupling), L2(1e200)
    tame = run(WeightDecay(0.1), optimizer=AdamW(0.1))
    own = cohort(run(*techniques, optimizer=AdamW(0.1)), tame)
    with torch.no_grad():
        own.weights["layer0.0.W_hh"][0] *= 1e120  # the penalty is not finite from the start
    before = own.weights.flat[0].clone()
    outcomes, journal = watch(own)
    assert outcomes[0].diverged_at == 1
    assert torch.equal(journal.weights[-1][0], before)
    assert not torch.equal(journal.weights[-1][1], journal.weights[0][1])


def test_the_neighbours_numbers_are_those_without_it(middle_diverges: Trained):
    _, outcomes, journal = middle_diverges
    twice = cohort(TAME, TAME, TAME)
    expected, undisturbed = watch(twice)
    for k in (0, 2):
        found, wanted = (torch.stack(own.weights)[:, k] for own in (journal, undisturbed))
        torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-14)
        assert outcomes[k].metrics == pytest.approx(expected[k].metrics, rel=1e-12)


def test_only_the_best_epochs_metrics_remain(middle_diverges: Trained):
    _, outcomes, _ = middle_diverges
    history = outcomes[1].history
    assert [row["epoch"] for row in history] == list(range(1, len(history) + 1))
    assert 1 <= len(history) == (outcomes[1].diverged_at - 1) // 3
    assert set(outcomes[1].metrics) == {"best/epoch"} | {f"best/{n}" for n in NAMES}
    best = min(history, key=lambda row: row["valid/loss"])
    assert outcomes[1].metrics["best/valid/loss"] == best["valid/loss"]
    assert set(outcomes[0].metrics) == {*NAMES, "train/epochs"} | set(outcomes[1].metrics)


def test_best_test_metrics_of_a_diverged_run_are_of_its_best_weights(middle_diverges: Trained):
    own, outcomes, journal = middle_diverges
    best = int(outcomes[1].metrics["best/epoch"])
    assert torch.equal(own.weights.flat[1], journal.weights[3 * best][1])
    tests = evaluate(own, own.split("test"))
    assert outcomes[1].metrics["best/test/loss"] == tests["loss"][1].item()


def test_a_run_that_diverges_in_its_first_epoch_has_no_metrics():
    model = RNN(3, 4, nonlinearity=Nonlinearity.relu)
    outcomes, _ = watch(cohort(run(optimizer=SGD(1e200)), TAME, model=model))
    assert outcomes[0].diverged_at in (2, 3)
    assert outcomes[0].metrics == {}
    assert outcomes[0].history == []
    assert len(outcomes[1].history) == 7


def test_training_ends_when_no_run_is_left():
    model = RNN(3, 4, nonlinearity=Nonlinearity.relu)
    own = cohort(run(optimizer=SGD(1e200)), run(optimizer=SGD(1e200), seed=1), model=model)
    outcomes, journal = watch(own)
    assert len(journal.losses) == 3
    assert all(outcome.metrics == {} for outcome in outcomes)


def test_validation_that_is_not_finite_freezes_too():
    """Weights may overflow in the last step of an epoch: the next step is the one that fails."""
    own = cohort(TAME, TAME)
    record = Record(own)
    record.tally.steps += 3
    record.tally.epoch_steps += 3
    valid = {"loss": torch.tensor([1.0, torch.nan]), "accuracy": torch.tensor([0.5, 0.5])}
    record.epoch(0.0, valid=valid)
    assert record.tally.alive.tolist() == [True, False]
    assert [outcome.diverged_at for outcome in record.outcomes] == [None, 4]
    assert [len(outcome.history) for outcome in record.outcomes] == [1, 0]


def test_a_gradient_that_overflows_behind_a_finite_loss_counts_too():
    own = cohort(run(L2(1e300)), TAME)
    with torch.no_grad():
        own.weights.flat[0] *= 1e-120  # penalty about 1e60, gradient about 1e180
    outcomes, journal = watch(own)
    assert journal.losses[0][0].isfinite()
    assert next(own.regularizers.penalties(own.weights, None))[0].isfinite()
    assert not journal.norms[0][0].isfinite()
    assert [outcome.diverged_at for outcome in outcomes] == [1, None]


@pytest.mark.parametrize("spoil", [torch.nan, torch.inf])
@pytest.mark.parametrize("technique", [Clip(1.0), Clip(1.0, By.value), WeightDecay(0.1)])
def test_a_gradient_that_is_not_finite_stays_in_its_run(spoil: float, technique: Regularizer):
    """``clip_grad_norm_`` over stacked runs would turn every gradient into NaN."""
    own = cohort(run(technique), run(technique, seed=1))
    with torch.no_grad():
        own.weights["head.b_y"][0, 0] = spoil
    outcomes, journal = watch(own)
    assert outcomes[0].diverged_at == 1
    assert outcomes[1].diverged_at is None
    assert journal.weights[-1][1].isfinite().all()


def test_metric_names_are_those_of_a_finished_run():
    (outcome,), _ = watch(cohort(TAME, epochs=1))
    best = {"best/epoch", *(f"best/{name}" for name in NAMES)}
    assert set(outcome.metrics) == {*NAMES, "train/epochs"} | best

"""The average is the recursion's, and it is what a run is judged by, not what it trains."""

import pytest
import torch
from torch import Tensor

from rnn_regexp.regularizers.ema import Ema
from rnn_regexp.regularizers.stack import stack
from rnn_regexp.training.evaluate import evaluate
from tests.regularizers.catalogue import CPU, random_weights, remembering, update_of
from tests.training.tiny import cohort, run, watch

SETTINGS = [Ema(0.0), Ema(0.9), Ema(0.99, warmup=True)]


def by_hand(own: Ema, weights: list[Tensor]) -> Tensor:
    """The average (P,) after weights (P,) that begin with those before the first step."""
    average = weights[0].clone()
    for n, w in enumerate(weights[1:], start=1):
        decay = min(own.decay, (1 + n) / (10 + n)) if own.warmup else own.decay
        average = decay * average + (1 - decay) * w
    return average


def test_the_average_of_each_run_is_that_of_its_own_recursion():
    weights = random_weights()
    own = remembering(stack(SETTINGS, CPU), weights)
    seen = [weights.flat.detach().clone()]
    generator = torch.Generator().manual_seed(3)
    for _ in range(20):
        with torch.no_grad():
            weights.flat += torch.randn(weights.flat.shape, generator=generator)
            own.after_step(weights, update_of(weights))
        seen.append(weights.flat.detach().clone())
    for k, settings in enumerate(SETTINGS):
        expected = by_hand(settings, [w[k] for w in seen])
        torch.testing.assert_close(own.averaged(weights.flat)[k], expected, rtol=1e-12, atol=1e-14)


def test_a_run_that_makes_no_step_keeps_its_average():
    weights = random_weights()
    own = remembering(stack([Ema(0.5)] * 3, CPU), weights)
    before = own.averaged(weights.flat).clone()
    with torch.no_grad():
        weights.flat += 1
        update = update_of(weights)
        update.stepping[1] = False
        own.after_step(weights, update)
    after = own.averaged(weights.flat)
    assert torch.equal(after[1], before[1])
    assert not torch.equal(after[0], before[0])


def test_training_goes_on_with_the_weights_and_evaluation_takes_the_average():
    _, plain = watch(cohort(run()))
    own = cohort(run(Ema(0.9)))
    outcomes, journal = watch(own)
    assert torch.equal(journal.weights[-1], plain.weights[-1])
    average = by_hand(Ema(0.9), [w[0] for w in journal.weights])
    expected = evaluate(own, own.split("valid"), average[None])
    assert outcomes[0].history[-1]["valid/loss"] == pytest.approx(float(expected["loss"]), rel=1e-9)
    tests = evaluate(own, own.split("test"), average[None])
    assert outcomes[0].metrics["test/loss"] == pytest.approx(float(tests["loss"]), rel=1e-9)

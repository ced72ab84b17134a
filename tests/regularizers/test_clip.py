"""Each run's gradient is clipped as torch would clip it alone."""

import math

import pytest
import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_, clip_grad_value_

from rnn_regexp.regularizers.base import Update
from rnn_regexp.regularizers.clip import By, Clip
from rnn_regexp.regularizers.stack import RegularizerStack, stack
from rnn_regexp.weights import Kind, Spec, Weights
from tests.regularizers.catalogue import CPU, gradients, random_weights, update_of

Settings = list[tuple[float, By]]
MIXED: Settings = [
    (5.0, By.norm),
    (0.3, By.value),
    (1e-3, By.norm),
    (math.inf, By.value),
    (math.inf, By.norm),
    (100.0, By.value),
    (1e6, By.norm),
]


def clipped(settings: Settings, weights: Weights) -> Update:
    update = update_of(weights)
    stack([Clip(*own) for own in settings], CPU).transform_gradients(weights, update)
    return update


def by_torch(threshold: float, by: By, weights: Weights, k: int) -> tuple[Tensor, Tensor]:
    """Gradient and norm before, of run ``k`` as parameters of its own."""
    parameters = [torch.nn.Parameter(own[k].detach().clone()) for own in weights.values()]
    for parameter, gradient in zip(parameters, gradients(weights).values()):
        parameter.grad = gradient[k].clone()
    if by is By.norm:
        norm = clip_grad_norm_(parameters, threshold)
    else:
        norm = torch.linalg.vector_norm(weights.gradient[k])
        clip_grad_value_(parameters, threshold)
    return torch.cat([own.grad.flatten() for own in parameters]), norm


@pytest.fixture
def weights() -> Weights:
    return random_weights(len(MIXED))


def values(weights: Weights, k: int) -> Tensor:
    return torch.cat([own[k].flatten() for own in gradients(weights).values()])


@pytest.mark.parametrize(
    "settings",
    [MIXED, MIXED[::-1], [(0.3, By.value)] * 7, [(0.3, By.norm)] * 7],
    ids=["mixed", "mixed, reversed", "by value", "by norm"],
)
def test_each_run_is_clipped_as_by_torch(settings: Settings, weights: Weights):
    expected = [by_torch(*own, weights, k) for k, own in enumerate(settings)]
    before = weights.gradient.clone()
    update = clipped(settings, weights)
    for k, (gradient, norm) in enumerate(expected):
        torch.testing.assert_close(values(weights, k), gradient, rtol=1e-13, atol=0)
        assert update.norm[k].item() == pytest.approx(norm.item(), rel=1e-13)
        changed = not torch.equal(weights.gradient[k], before[k])
        assert update.clipped[k].item() is changed


def one(*gradient: float, dtype: torch.dtype = torch.double) -> Weights:
    weights = Weights.zeros((Spec("b", (len(gradient),), Kind.bias),), 1, dtype, CPU)
    weights.gradient[0, : len(gradient)] = torch.tensor(gradient, dtype=dtype)
    return weights


def test_by_value_turns_the_gradient_and_by_norm_does_not():
    """The survey's formula and the survey's code, on one gradient."""
    gradient = torch.tensor([3.0, -8.0, 0.5], dtype=torch.double)
    found = {}
    for by in By:
        weights = one(*gradient.tolist())
        clipped([(5.0, by)], weights)
        found[by] = weights.gradient[0, :3]
    assert found[By.value].tolist() == [3, -5, 0.5]
    assert found[By.norm].tolist() == pytest.approx([1.75, -4.67, 0.29], abs=0.005)
    cosine = {by: torch.cosine_similarity(own, gradient, dim=0) for by, own in found.items()}
    assert cosine[By.value].item() == pytest.approx(0.983, abs=5e-4)
    assert cosine[By.norm].item() == pytest.approx(1, abs=1e-12)


def test_torchs_margin_is_in_the_norm():
    """torch adds 1e-6 to the norm: a gradient at the threshold is clipped by a millionth."""
    weights = one(3.0, 4.0)
    update = clipped([(5.0, By.norm)], weights)
    norm = torch.linalg.vector_norm(weights.gradient).item()
    assert norm == pytest.approx(25 / (5 + 1e-6), rel=1e-14)
    assert norm < 5
    assert update.clipped.tolist() == [True]


def test_the_norm_is_that_before_clipping():
    weights = one(30.0, 40.0)
    update = clipped([(5.0, By.norm)], weights)
    assert update.norm.tolist() == [50]


def test_a_run_that_is_not_finite_leaves_the_others_alone(weights: Weights):
    settings = [(0.5, By.norm), (0.5, By.norm), (0.5, By.value)] + [(5.0, By.norm)] * 4
    reference = weights.gradient.clone()
    clipped(settings, weights)
    expected = weights.gradient.clone()
    weights.gradient.copy_(reference)
    weights.gradient[0, 3], weights.gradient[2, 5] = torch.nan, torch.inf
    clipped(settings, weights)
    assert torch.equal(weights.gradient[[1, 3, 4, 5, 6]], expected[[1, 3, 4, 5, 6]])


def test_a_zero_gradient_stays_zero():
    for by in By:
        weights = one(0.0, 0.0)
        update = clipped([(1e-3, by)], weights)
        assert not weights.gradient.any()
        assert update.clipped.tolist() == [False]


def test_runs_without_clipping_are_not_reported_as_clipped(weights: Weights):
    stacks = RegularizerStack([{"clip": Clip(1e-3)}] + [{}] * 6, CPU)
    update = update_of(weights)
    stacks.before_step(weights, update)
    assert update.clipped.tolist() == [True] + [False] * 6

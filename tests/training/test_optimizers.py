"""Each run's optimizer is torch's, with its own settings and its own state."""

import pytest
import torch
from torch import Tensor

from rnn_regexp.training.optimizers import (
    ALL,
    SGD,
    Adam,
    AdamW,
    Optimizer,
    OptimizerState,
    RMSprop,
)

STEPS, SIZE = 25, 37


def torch_optimizer(own: Optimizer, w: Tensor) -> torch.optim.Optimizer:
    match own:
        case AdamW():
            betas = (own.beta1, own.beta2)
            return torch.optim.AdamW([w], own.lr, betas, own.eps, weight_decay=0, foreach=False)
        case Adam():
            betas = (own.beta1, own.beta2)
            return torch.optim.Adam([w], own.lr, betas, own.eps, foreach=False)
        case SGD():
            nesterov = own.nesterov and own.momentum > 0  # torch refuses Nesterov without momentum
            return torch.optim.SGD([w], own.lr, own.momentum, nesterov=nesterov, foreach=False)
        case RMSprop():
            return torch.optim.RMSprop(
                [w], own.lr, own.alpha, own.eps, momentum=own.momentum, foreach=False
            )
    raise AssertionError(own)


COHORTS = {
    "sgd": [SGD(0.1), SGD(0.3), SGD(1e-3)],
    "momentum": [SGD(0.1, momentum=0.9), SGD(0.2, momentum=0.0), SGD(0.01, momentum=0.5)],
    "nesterov": [SGD(0.1, 0.9, nesterov=True), SGD(0.2, 0.0, nesterov=True)],
    "adam": [Adam(), Adam(0.1, 0.5, 0.9, 1e-3), Adam(1e-4, 0.0, 0.99)],
    "adamw": [AdamW(), AdamW(0.1, 0.5, 0.9, 1e-3)],
    "rmsprop": [RMSprop(), RMSprop(0.1, 0.9, 1e-3), RMSprop(0.01, momentum=0.9)],
}


def random_steps(runs: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Initial weights (K, P) and gradients (STEPS, K, P), some of them zero."""
    generator = torch.Generator().manual_seed(0)
    flat = torch.randn(runs, SIZE, generator=generator, dtype=torch.double)
    gradients = torch.randn(STEPS, runs, SIZE, generator=generator, dtype=torch.double)
    gradients[:, :, :5] = 0
    return flat.to(dtype), gradients.to(dtype)


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-5)], ids=str
)
@pytest.mark.parametrize("name", COHORTS)
def test_every_step_equals_torch_optim(name: str, dtype: torch.dtype, tolerance: float):
    optimizers = COHORTS[name]
    flat, gradients = random_steps(len(optimizers), dtype)
    parameters = [row.clone().requires_grad_() for row in flat]
    references = [torch_optimizer(own, w) for own, w in zip(optimizers, parameters)]
    state = OptimizerState(optimizers, flat)
    for gradient in gradients:
        state.step(flat, gradient.clone(), [True] * len(optimizers))
        for k, reference in enumerate(references):
            parameters[k].grad = gradient[k].clone()
            reference.step()
        expected = torch.stack(parameters).detach()
        torch.testing.assert_close(flat, expected, rtol=tolerance, atol=tolerance * 1e-2)


@pytest.mark.parametrize("kind", ALL)
def test_a_run_that_rests_keeps_weights_state_and_step_count(kind: type[Optimizer]):
    flat, gradients = random_steps(2, torch.float64)
    start, alone = flat.clone(), flat[:1].clone()
    settings = {"momentum": 0.9} if kind in (SGD, RMSprop) else {}
    state = OptimizerState([kind(0.1, **settings)] * 2, flat)
    reference = OptimizerState([kind(0.1, **settings)], alone)
    for number, gradient in enumerate(gradients[:6]):
        state.step(flat, gradient.clone(), [True, number % 2 == 0])
        reference.step(alone, gradient[:1].clone(), [True])
    assert torch.equal(flat[:1], alone)
    rested = OptimizerState([kind(0.1, **settings)], other := start[1:].clone())
    for gradient in gradients[:6:2]:
        rested.step(other, gradient[1:].clone(), [True])
    assert torch.equal(flat[1:], other)


def test_learning_rates_are_kept_in_double_precision():
    state = OptimizerState([SGD(0.1), SGD(1e-3)], torch.zeros(2, 3))
    assert state.learning_rate.tolist() == [0.1, 1e-3]


def test_only_adamw_decays_apart_from_the_gradient():
    assert [kind for kind in ALL if kind.decoupled] == [AdamW]


@pytest.mark.parametrize("kind", ALL)
def test_says_where_it_comes_from(kind: type[Optimizer]):
    assert kind.source
    assert kind.__doc__
    with pytest.raises(ValueError, match=rf"^{kind.__name__}\.lr must be in \(0, inf\), got 0$"):
        kind(lr=0)


@pytest.mark.parametrize("kind", ALL)
def test_defaults_are_torchs(kind: type[Optimizer]):
    """Apart from the learning rate of SGD and RMSprop, which torch sets for other problems."""
    defaults = torch_optimizer(kind(), torch.zeros(1, requires_grad=True)).defaults
    fresh = getattr(torch.optim, kind.__name__)([torch.zeros(1, requires_grad=True)]).defaults
    for name in ("betas", "eps", "alpha", "momentum", "nesterov", "dampening"):
        assert defaults.get(name) == fresh.get(name)

"""Each run's optimizer is torch's, with its own settings and its own state."""

import pytest
import torch
from torch import Tensor

from rnn_regexp.training.optimizers import (
    ALL,
    ASGD,
    SGD,
    Adam,
    AdamW,
    Averaging,
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
        case ASGD():
            t0 = int(own.t0)
            return torch.optim.ASGD([w], own.lr, own.lambd, own.alpha, t0, foreach=False)
    raise AssertionError(own)


COHORTS = {
    "sgd": [SGD(0.1), SGD(0.3), SGD(1e-3)],
    "momentum": [SGD(0.1, momentum=0.9), SGD(0.2, momentum=0.0), SGD(0.01, momentum=0.5)],
    "nesterov": [SGD(0.1, 0.9, nesterov=True), SGD(0.2, 0.0, nesterov=True)],
    "adam": [Adam(), Adam(0.1, 0.5, 0.9, 1e-3), Adam(1e-4, 0.0, 0.99)],
    "adamw": [AdamW(), AdamW(0.1, 0.5, 0.9, 1e-3)],
    "asgd": [
        ASGD(0.1, averaging=Averaging.torch),
        ASGD(0.3, 0.1, 0.5, t0=4, averaging=Averaging.torch),
        ASGD(0.2, 0.0, averaging=Averaging.torch),
    ],
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
        state.step(flat, gradient.clone(), torch.ones(len(optimizers), dtype=bool))
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
        state.step(flat, gradient.clone(), torch.tensor([True, number % 2 == 0]))
        reference.step(alone, gradient[:1].clone(), torch.tensor([True]))
    assert torch.equal(flat[:1], alone)
    rested = OptimizerState([kind(0.1, **settings)], other := start[1:].clone())
    for gradient in gradients[:6:2]:
        rested.step(other, gradient[1:].clone(), torch.tensor([True]))
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


# Averages of ASGD


def asgd(rates: list[float], t0: float, averaging: Averaging) -> tuple[Tensor, Tensor]:
    """One weight that starts at 0 and has the gradient -1, step by step, and its average."""
    own, flat = ASGD(rates[0], lambd=0.0, t0=t0, averaging=averaging), torch.zeros(1, 16).double()
    state = OptimizerState([own], flat)
    weights, means = [], []
    for rate in rates:
        state.scale([rate / rates[0]])
        state.step(flat, -torch.ones_like(flat), torch.tensor([True]))
        weights.append(flat[0, 0].item())
        means.append(state.averaged(flat)[0, 0].item())
    return torch.tensor(weights), torch.tensor(means)


def test_the_exact_average_is_the_mean_of_the_weights_behind_t0():
    weights, means = asgd([1.0] * 8, t0=3, averaging=Averaging.exact)
    assert weights.tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert means.tolist() == [1, 2, 3, 4, 4.5, 5, 5.5, 6]


def test_torch_leaves_the_first_weights_out():
    _, means = asgd([1.0] * 5, t0=0, averaging=Averaging.torch)
    assert means[-1] == 3.5
    _, means = asgd([1.0] * 5, t0=0, averaging=Averaging.exact)
    assert means[-1] == 3.0


def test_in_torch_a_new_rate_acts_one_step_late():
    rates = [1.0, 0.5, 0.1]
    torch.testing.assert_close(asgd(rates, 0, Averaging.exact)[0], torch.tensor([1.0, 1.5, 1.6]))
    torch.testing.assert_close(asgd(rates, 0, Averaging.torch)[0], torch.tensor([1.0, 2.0, 2.5]))


@pytest.mark.parametrize("t0", [0.0, 4.0])
def test_torchs_average_is_that_of_torch_optim(t0: float):
    flat, gradients = random_steps(1, torch.float64)
    own = ASGD(0.1, 0.05, t0=t0, averaging=Averaging.torch)
    parameter = flat[0].clone().requires_grad_()
    reference, state = torch_optimizer(own, parameter), OptimizerState([own], flat)
    for gradient in gradients:
        state.step(flat, gradient.clone(), torch.tensor([True]))
        parameter.grad = gradient[0].clone()
        reference.step()
        torch.testing.assert_close(
            state.averaged(flat)[0], reference.state[parameter]["ax"], rtol=1e-12, atol=1e-14
        )


def test_runs_are_judged_by_their_own_weights_but_for_those_that_average():
    flat, gradients = random_steps(2, torch.float64)
    state = OptimizerState([ASGD(0.1, t0=0), ASGD(0.1)], flat)
    for gradient in gradients[:5]:
        state.step(flat, gradient.clone(), torch.ones(2, dtype=bool))
    judged = state.averaged(flat)
    assert not torch.equal(judged[0], flat[0])
    assert torch.equal(judged[1], flat[1])
    assert OptimizerState([SGD()] * 2, flat).averaged(flat) is flat


def test_selected_runs_go_on_as_they_would_have():
    for kind in ALL:
        flat, gradients = random_steps(3, torch.float64)
        optimizers = [kind(0.1), kind(0.2), kind(0.3)]
        state = OptimizerState(optimizers, flat)
        for number, gradient in enumerate(gradients[:5]):
            state.step(flat, gradient.clone(), torch.tensor([number > 2, True, True]))
        part, rows = state.select([2, 0]), flat[[2, 0]].clone()
        for gradient in gradients[5:9]:
            state.step(flat, gradient.clone(), torch.ones(3, dtype=bool))
            part.step(rows, gradient[[2, 0]].clone(), torch.ones(2, dtype=bool))
        assert torch.equal(rows, flat[[2, 0]])


# All runs together, as on CUDA


@pytest.mark.parametrize("name", [*COHORTS, "exact_asgd"])
def test_together_they_step_as_one_by_one(name: str, monkeypatch: pytest.MonkeyPatch):
    """With rates that change and runs that rest; the order of operations rounds otherwise."""
    exact = [ASGD(0.1), ASGD(0.3, 0.1, 0.5, t0=4), ASGD(0.2, 0.0, averaging=Averaging.torch)]
    optimizers = COHORTS.get(name, exact)
    one_by_one, gradients = random_steps(len(optimizers), torch.float64)
    together = one_by_one.clone()
    near = {"rtol": 1e-6, "atol": 1e-7} if "asgd" in name else {"rtol": 1e-10, "atol": 1e-13}
    states = [OptimizerState(optimizers, flat) for flat in (one_by_one, together)]
    for number, gradient in enumerate(gradients):
        stepping = torch.arange(len(optimizers)) != number % 7
        for looking, own, flat in zip((True, False), states, (one_by_one, together)):
            monkeypatch.setattr("rnn_regexp.training.optimizers.may_ask", lambda _, it=looking: it)
            own.scale([0.5 + number % 3] * len(optimizers))
            before = flat.clone()
            own.step(flat, gradient.clone(), stepping)
            flat.copy_(torch.where(stepping[:, None], flat, before))
        torch.testing.assert_close(together, one_by_one, **near)  # torch's eta is in float32
        assert torch.equal(states[0].counts, states[1].counts)
        judged = [own.averaged(flat) for own, flat in zip(states, (one_by_one, together))]
        torch.testing.assert_close(*judged, **near)

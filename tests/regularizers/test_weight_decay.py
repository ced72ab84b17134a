"""Decay is that of torch's optimizers, run by run."""

import pytest
import torch
from torch import Tensor

from rnn_regexp.noise import Noise
from rnn_regexp.regularizers.base import Update
from rnn_regexp.regularizers.stack import RegularizerStack, stack
from rnn_regexp.regularizers.weight_decay import Coupling, WeightDecay
from rnn_regexp.training.optimizers import SGD, Adam, AdamW, Optimizer, OptimizerState, RMSprop
from rnn_regexp.weights import Kind, Spec, Weights
from tests.regularizers.catalogue import CPU, random_weights, update_of

STEPS, SIZE = 20, 40
COEFFICIENTS = (0.0, 1e-4, 0.1, 2.0)


def flat_weights(runs: int, value: float | None = None) -> Weights:
    weights = Weights.zeros((Spec("b", (SIZE,), Kind.bias),), runs, torch.double, CPU)
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randn(runs, SIZE, generator=generator, dtype=torch.double)
    weights.flat[:, :SIZE] = drawn if value is None else value
    return weights


def gradients(runs: int) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(STEPS, runs, SIZE, generator=generator, dtype=torch.double)


def trained(
    decays: list[WeightDecay], optimizer: Optimizer, steps: Tensor, value: float | None = None
) -> Tensor:
    """Weights (K, SIZE) after the steps, taken as the trainer takes them."""
    weights = flat_weights(len(decays), value)
    acting = RegularizerStack([{"weight_decay": own} for own in decays], CPU)
    state = OptimizerState([optimizer] * len(decays), weights.flat)
    for gradient in steps:
        weights.gradient[:, :SIZE] = gradient
        norm = torch.linalg.vector_norm(weights.gradient, dim=1)
        alive = torch.ones(len(decays), dtype=torch.bool)
        noise = Noise(torch.arange(len(decays)))
        update = Update(norm, state.learning_rate, state.decoupled, alive, noise)
        acting.before_step(weights, update)
        state.step(weights.flat, weights.gradient, alive)
    return weights.flat[:, :SIZE]


def by_torch(optimizer: Optimizer, decay: float, start: Tensor, steps: Tensor) -> Tensor:
    w = start.clone().requires_grad_()
    kind = getattr(torch.optim, type(optimizer).__name__)
    settings = {"momentum": optimizer.momentum} if hasattr(optimizer, "momentum") else {}
    reference = kind([w], lr=optimizer.lr, weight_decay=decay, foreach=False, **settings)
    for gradient in steps:
        w.grad = gradient.clone()
        reference.step()
    return w.detach()


OPTIMIZERS = [SGD(0.1, 0.9), SGD(0.05), Adam(0.01), AdamW(0.01), RMSprop(0.01, momentum=0.5)]


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda own: type(own).__name__)
def test_each_run_decays_as_by_torchs_optimizer(optimizer: Optimizer):
    runs = len(COEFFICIENTS)
    start, steps = flat_weights(runs).flat[:, :SIZE], gradients(runs)
    found = trained([WeightDecay(own) for own in COEFFICIENTS], optimizer, steps)
    for k, coefficient in enumerate(COEFFICIENTS):
        expected = by_torch(optimizer, coefficient, start[k], steps[:, k])
        torch.testing.assert_close(found[k], expected, rtol=1e-12, atol=1e-14)


def test_couplings_side_by_side_under_either_adam():
    """coupled is Adam's, decoupled AdamW's, whichever of the two the optimizer is."""
    start, steps = flat_weights(3).flat[:, :SIZE], gradients(3)
    torchs = (Coupling.optimizer, Coupling.coupled, Coupling.decoupled)
    decays = [WeightDecay(0.1, coupling) for coupling in torchs]
    for optimizer in (Adam(0.01), AdamW(0.01)):
        found = trained(decays, optimizer, steps)
        for k, own in enumerate(decays):
            same = own.coupling is Coupling.optimizer
            kind = AdamW if own.coupling is Coupling.decoupled else Adam
            reference = optimizer if same else kind(0.01)
            expected = by_torch(reference, 0.1, start[k], steps[:, k])
            torch.testing.assert_close(found[k], expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("coupling", [Coupling.optimizer, Coupling.coupled, Coupling.decoupled])
def test_under_plain_sgd_all_couplings_are_one(coupling: Coupling):
    steps = gradients(1)
    found = trained([WeightDecay(0.1, coupling)], SGD(0.1), steps)
    expected = by_torch(SGD(0.1), 0.1, flat_weights(1).flat[0, :SIZE], steps[:, 0])
    torch.testing.assert_close(found[0], expected, rtol=1e-12, atol=1e-14)


def test_decoupled_decay_stays_out_of_the_momentum():
    start, steps = flat_weights(1).flat[0, :SIZE].clone(), gradients(1)
    found = trained([WeightDecay(0.1, Coupling.decoupled)], SGD(0.1, 0.9), steps)
    w, momentum = start, torch.zeros(SIZE, dtype=torch.double)
    for gradient in steps[:, 0]:
        momentum = 0.9 * momentum + gradient
        w = (1 - 0.1 * 0.1) * w - 0.1 * momentum
    torch.testing.assert_close(found[0], w, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("optimizer", "start", "end", "digit"),
    [
        (Adam(1e-3), 10.0, 9.900, 1e-3),
        (Adam(1e-3), 0.01, 1.5e-5, 1e-6),
        (AdamW(1e-3), 10.0, 9.9999, 1e-4),
        (SGD(1e-3), 10.0, 9.9999, 1e-4),
    ],
    ids=["adam, large", "adam, small", "adamw", "sgd"],
)
def test_a_weight_without_gradient_after_100_steps(
    optimizer: Optimizer, start: float, end: float, digit: float
):
    """Under Adam coupled decay is no decay: the weight moves by the learning rate a step."""
    found = trained([WeightDecay(1e-4)], optimizer, torch.zeros(100, 1, SIZE), value=start)
    assert found.unique().item() == pytest.approx(end, abs=digit / 2)


@pytest.mark.parametrize("coefficient", [1e-6, 1e-4, 1e-2])
def test_under_adam_the_coefficient_does_not_matter_to_a_weight_without_gradient(
    coefficient: float,
):
    found = trained([WeightDecay(coefficient)], Adam(1e-3), torch.zeros(50, 1, SIZE), value=10.0)
    assert found.unique().item() == pytest.approx(9.95, abs=1e-3)


@pytest.mark.parametrize("coupling", [Coupling.coupled, Coupling.decoupled, Coupling.gal])
def test_what_is_not_chosen_does_not_decay(coupling: Coupling):
    """Matrices alone: neither biases nor the embeddings of words that do not occur."""
    matrices = [Kind.input_hidden, Kind.hidden_hidden, Kind.hidden_output]
    found = {}
    for name, on in {"matrices": matrices, "all": list(Kind)}.items():
        weights = random_weights()
        own = stack([WeightDecay(0.5, coupling, on)] * weights.runs, CPU)
        with torch.no_grad():
            for act in (own.transform_gradients, own.before_step, own.after_step):
                act(weights, update_of(weights))
        found[name] = weights
    untouched = random_weights()
    for spec in untouched.specs:
        chosen = spec.kind in matrices
        expected = found["all"] if chosen else untouched
        both = [(own[spec.name], own.gradients[spec.name]) for own in (found["matrices"], expected)]
        assert all(torch.equal(*pair) for pair in zip(*both)), spec.name
        everywhere = [(own[spec.name], own.gradients[spec.name]) for own in found.values()]
        assert all(torch.equal(*pair) for pair in zip(*everywhere)) == chosen

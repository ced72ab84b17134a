"""L1 and L2 against autograd of their formulas, and against their closed gradients."""

import pytest
import torch
from torch import Tensor

from rnn_regexp.models import LSTM
from rnn_regexp.regularizers.base import Regularizer
from rnn_regexp.regularizers.l1 import L1
from rnn_regexp.regularizers.l2 import L2, MATRICES
from rnn_regexp.regularizers.stack import RegularizerStack, stack
from rnn_regexp.training.optimizers import SGD
from rnn_regexp.weights import Kind, Weights
from tests.regularizers.catalogue import CPU, gradients, name_of, random_weights, trace
from tests.training.tiny import cohort, run, watch

COEFFICIENTS = (0.0, 1e-3, 2.5)


def formula(technique: type[Regularizer], coefficient: float, matrices: list[Tensor]) -> Tensor:
    if technique is L1:
        return coefficient * sum(W.abs().sum() for W in matrices)
    return coefficient / 2 * sum(torch.linalg.matrix_norm(W) ** 2 for W in matrices)


def closed(technique: type[Regularizer], coefficient: float, W: Tensor) -> Tensor:
    return coefficient * (W.sign() if technique is L1 else W)


@pytest.mark.parametrize("technique", [L1, L2])
@pytest.mark.parametrize(
    "on", [list(MATRICES), [Kind.hidden_hidden], [Kind.bias, Kind.embedding]], ids=str
)
def test_value_and_gradient_are_the_formulas_run_by_run(technique: type, on: list[Kind]):
    weights = random_weights(len(COEFFICIENTS))
    own = stack([technique(coefficient, on=on) for coefficient in COEFFICIENTS], CPU)
    penalty = own.penalty(weights, trace())
    weights.differentiate(penalty)
    for k, coefficient in enumerate(COEFFICIENTS):
        matrices = [
            W[k].detach().clone().view(len(W[k]), -1).requires_grad_() for _, W in weights.of(*on)
        ]
        expected = formula(technique, coefficient, matrices)
        assert penalty[k].item() == pytest.approx(expected.item(), rel=1e-13)
        wanted = torch.autograd.grad(expected, matrices)
        found_by_name = gradients(weights)
        names = [spec.name for spec, _ in weights.of(*on)]
        for name, want, W in zip(names, wanted, matrices):
            found = found_by_name.pop(name)[k].view_as(want)
            torch.testing.assert_close(found, want, rtol=1e-12, atol=1e-16)
            torch.testing.assert_close(found, closed(technique, coefficient, W.detach()))
        assert not any(other[k].any() for other in found_by_name.values())


@pytest.mark.parametrize("technique", [L1, L2])
def test_all_layers_and_directions_are_in_and_biases_and_embedding_are_not(technique: type):
    model = LSTM(3, 4, layers=2, bidirectional=True)
    own = cohort(run(technique(0.1)), model=model)
    touched = set()
    for name in own.weights:
        with torch.no_grad():
            own.weights.flat.zero_()
            own.weights[name].fill_(1)
        if list(own.regularizers.active.values())[-1].penalty(own.weights, trace()).any():
            touched.add(name)
    assert touched == {name for name in own.weights if ".W_" in name}


def test_l1_does_not_move_a_weight_that_is_zero():
    weights = random_weights(1)
    with torch.no_grad():
        weights.flat.zero_()
    weights.differentiate(stack([L1(1.0)], CPU).penalty(weights, trace()))
    assert not weights.gradient.any()


def test_the_penalty_is_in_the_gradient_and_not_in_the_loss_that_is_shown():
    plain, own = (cohort(run(*own, optimizer=SGD(0.1)), epochs=1) for own in ((), (L2(0.5),)))
    _, without = watch(plain)
    _, with_penalty = watch(own)
    assert torch.equal(without.losses[0], with_penalty.losses[0])
    for name, W in Weights(own.weights.specs, without.weights[0].clone()).items():
        moved = [
            Weights(own.weights.specs, j.weights[1].clone())[name] for j in (without, with_penalty)
        ]
        pull = 0.1 * 0.5 * W if ".W_" in name else 0 * W
        torch.testing.assert_close(moved[1], moved[0] - pull, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("technique", [L1, L2])
def test_without_a_matrix_there_is_no_penalty(technique: type):
    """A model of features has no embedding to penalize."""
    stacks = RegularizerStack([{name_of(technique): technique(0.1, on=[])}], CPU)
    assert technique in map(type, stacks.active.values())
    assert list(stacks.penalties(random_weights(1), trace())) == []

"""Elastic, L2-SP, AR, TAR, norm stabilizer and both penalties on spectra by their equations."""

import numpy as np
import pytest
import torch

from rnn_regexp.models import GRU
from rnn_regexp.regularizers.activation import Activation
from rnn_regexp.regularizers.base import Regularizer
from rnn_regexp.regularizers.elastic import Elastic
from rnn_regexp.regularizers.l1 import L1
from rnn_regexp.regularizers.l2 import L2, MATRICES
from rnn_regexp.regularizers.l2_sp import L2Sp
from rnn_regexp.regularizers.norm_stabilizer import NormStabilizer
from rnn_regexp.regularizers.orthogonality import Orthogonality
from rnn_regexp.regularizers.spectral_penalty import SpectralPenalty
from rnn_regexp.regularizers.stack import stack
from rnn_regexp.regularizers.temporal_activation import TemporalActivation
from rnn_regexp.regularizers.trace import Trace
from rnn_regexp.training.optimizers import SGD
from rnn_regexp.weights import Kind, Weights
from tests.regularizers.catalogue import CPU, RUNS, random_weights, remembering, trace
from tests.training.tiny import cohort, run, watch

STRENGTHS = (0.0, 0.5, 2.0)


def found(settings: list[Regularizer], weights: Weights, of: Trace) -> list[float]:
    return remembering(stack(settings, CPU), weights).penalty(weights, of).tolist()


def blocks(weights: Weights, k: int, *kinds: Kind) -> list[np.ndarray]:
    """Every gate's own matrix."""
    return [
        block
        for spec, W in weights.of(*kinds)
        for block in np.split(W[k].detach().numpy(), spec.gates)
    ]


# On weights


def test_elastic_lies_between_l1_and_l2():
    weights, of = random_weights(), trace()
    both = [found([own(c) for c in STRENGTHS], weights, of) for own in (L1, L2)]
    for ratio in (0.0, 0.3, 1.0):
        mixed = found([Elastic(c, ratio) for c in STRENGTHS], weights, of)
        expected = [ratio * one + (1 - ratio) * two for one, two in zip(*both)]
        assert mixed == pytest.approx(expected, rel=1e-12)
    assert both[0][2] != both[1][2]


def test_l2_sp_is_the_distance_from_the_start():
    weights = random_weights()
    own = remembering(stack([L2Sp(c) for c in STRENGTHS], CPU), weights)
    assert own.penalty(weights, trace()).tolist() == [0, 0, 0]
    start = {name: W.detach().numpy().copy() for name, W in weights.items()}
    with torch.no_grad():
        weights.flat.mul_(1.5)
    for k, value in enumerate(own.penalty(weights, trace()).tolist()):
        away = [(0.5 * start[spec.name][k]) ** 2 for spec, _ in weights.of(*MATRICES)]
        expected = STRENGTHS[k] / 2 * sum(square.sum() for square in away)
        assert value == pytest.approx(expected, rel=1e-12)


def test_l2_sp_pulls_back_to_where_the_run_started():
    """SGD on the task alone goes further from the start than with the pull."""
    far = {}
    for strength in (0.0, 5.0):
        own = cohort(run(L2Sp(strength), optimizer=SGD(0.05)), epochs=5)
        start = {name: W.detach().clone() for name, W in own.weights.items()}
        watch(own)
        away = [own.weights[spec.name] - start[spec.name] for spec, _ in own.weights.of(*MATRICES)]
        far[strength] = sum(d.detach().square().sum().item() for d in away)
    assert far[5.0] < 0.5 * far[0.0]


def test_orthogonality_is_the_gates_own_and_zero_for_orthogonal_matrices():
    weights = random_weights()
    values = found([Orthogonality(c) for c in STRENGTHS], weights, trace())
    for k, value in enumerate(values):
        gaps = [W.T @ W - np.eye(2) for W in blocks(weights, k, Kind.hidden_hidden)]
        assert value == pytest.approx(STRENGTHS[k] * sum((g**2).sum() for g in gaps), rel=1e-12)
    turn = torch.tensor([[0.6, -0.8], [0.8, 0.6]], dtype=torch.double)
    with torch.no_grad():
        weights["layer0.0.W_hh"].copy_(turn.repeat(3, 1))
    assert found([Orthogonality(1.0)] * RUNS, weights, trace()) == pytest.approx([0] * RUNS)


def test_orthogonality_has_its_closed_gradient():
    weights = random_weights()
    own = stack([Orthogonality(c) for c in STRENGTHS], CPU)
    weights.differentiate(own.penalty(weights, trace()))
    for k, c in enumerate(STRENGTHS):
        expected = [
            4 * c * W @ (W.T @ W - np.eye(2)) for W in blocks(weights, k, Kind.hidden_hidden)
        ]
        gradient = weights.gradients["layer0.0.W_hh"][k].numpy()
        np.testing.assert_allclose(gradient, np.concatenate(expected), rtol=1e-12)


@pytest.mark.parametrize("on", [list(MATRICES), [Kind.input_hidden]], ids=str)
def test_spectral_penalty_is_the_largest_singular_value_squared(on: list[Kind]):
    weights = random_weights()
    values = found([SpectralPenalty(c, on) for c in STRENGTHS], weights, trace())
    for k, value in enumerate(values):
        largest = [np.linalg.svd(W, compute_uv=False)[0] for W in blocks(weights, k, *on)]
        assert value == pytest.approx(STRENGTHS[k] / 2 * sum(s**2 for s in largest), rel=1e-12)


# On activations


def sequences(of: Trace, h: torch.Tensor, k: int) -> list[np.ndarray]:
    """The valid steps of each sequence of a run, (length, N*H)."""
    return [h[k, :n, b].numpy() for b, n in enumerate(of.lengths[k].tolist())]


def steps_read() -> Trace:
    """A trace whose head reads every step, with padding that must not count."""
    of = trace()
    return Trace(of.logits, of.outputs[0] * 1.5, of.inputs, of.outputs, of.lengths)


def test_activation_is_the_mean_square_of_what_the_head_reads():
    of = trace()
    values = found([Activation(c) for c in STRENGTHS], random_weights(), of)
    expected = [c * (of.read[k].numpy() ** 2).mean() for k, c in enumerate(STRENGTHS)]
    assert values == pytest.approx(expected, rel=1e-12)
    of = steps_read()
    values = found([Activation(c) for c in STRENGTHS], random_weights(), of)
    for k, value in enumerate(values):
        inside = np.concatenate(sequences(of, of.read, k))
        assert value == pytest.approx(STRENGTHS[k] * (inside**2).mean(), rel=1e-12)


def test_activation_reads_behind_dropout_and_its_temporal_sister_before_it():
    of = steps_read()
    other = Trace(of.logits, of.read * 2, of.inputs, of.outputs, of.lengths)
    for own, factor in ((Activation(1.0), 4), (TemporalActivation(1.0), 1)):
        before, after = (found([own] * RUNS, random_weights(), t) for t in (of, other))
        assert after == pytest.approx([factor * value for value in before])


def test_temporal_activation_is_the_mean_square_of_steps_within_sequences():
    of = trace()
    values = found([TemporalActivation(c) for c in STRENGTHS], random_weights(), of)
    for k, value in enumerate(values):
        moves = np.concatenate([np.diff(h, axis=0) for h in sequences(of, of.outputs[-1], k)])
        assert value == pytest.approx(STRENGTHS[k] * (moves**2).mean(), rel=1e-12)


def test_norm_stabilizer_sums_layers_and_directions():
    of, weights = trace(), random_weights()  # H = 2 of 6 outputs: three directions
    values = found([NormStabilizer(c) for c in STRENGTHS], weights, of)
    for k, value in enumerate(values):
        total = 0.0
        for outputs in of.outputs:
            for d in range(3):
                own = [h[:, 2 * d : 2 * d + 2] for h in sequences(of, outputs, k)]
                steps = [np.diff(np.linalg.norm(h, axis=1)) for h in own]
                total += (np.concatenate(steps) ** 2).mean()
        assert value == pytest.approx(STRENGTHS[k] * total, rel=1e-12)


@pytest.mark.parametrize("technique", [TemporalActivation, NormStabilizer])
def test_sequences_of_one_step_have_no_pairs(technique: type[Regularizer]):
    of = trace()
    short = Trace(of.logits, of.read, of.inputs, of.outputs, torch.ones_like(of.lengths))
    assert found([technique(1.0)] * RUNS, random_weights(), short) == [0.0] * RUNS


@pytest.mark.parametrize("own", [Activation(50.0), TemporalActivation(50.0), NormStabilizer(50.0)])
def test_training_makes_the_penalized_smaller(own: Regularizer):
    """Outputs are smaller, or move less, after a few steps of a strong penalty."""
    sizes = []
    for techniques in ((), (own,)):
        one = cohort(run(*techniques, optimizer=SGD(0.02)), model=GRU(3, 4), epochs=10)
        watch(one)
        batch = one.task.sample(one.split("train"), 1)
        of = one.task.forward(one.network(), batch, None)
        sizes.append(stack([own], CPU).penalty(one.weights, of).item())
    assert sizes[1] < 0.8 * sizes[0]

"""Initial weights against ``torch.nn.init`` and torch's modules, each gate by itself."""

import math
from collections.abc import Callable

import pytest
import torch
from scipy import stats
from torch import Tensor, nn

from rnn_regexp.models import GRU, LSTM, RNN, Model
from rnn_regexp.noise import Noise
from rnn_regexp.regularizers.init import Init, Others, Scheme, haar
from rnn_regexp.regularizers.stack import RegularizerStack
from rnn_regexp.weights import Kind, Spec, Weights
from tests.models.twin import Twin
from tests.regularizers.catalogue import CPU

VOCABULARY, EMBEDDING, HIDDEN, CLASSES = 50, 24, 64, 10
MODELS = {
    model: kind(EMBEDDING, HIDDEN) for model, kind in zip(("rnn", "gru", "lstm"), (RNN, GRU, LSTM))
}
each_model = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)


def initialized(model: Model, *settings: Init, seeds: tuple[int, ...] | None = None) -> Weights:
    specs = model.specs(VOCABULARY, 0, CLASSES)
    weights = Weights.zeros(specs, len(settings), torch.double, CPU)
    sets = [{"init": own} for own in settings]
    RegularizerStack(sets, CPU).initialize(
        weights, Noise(torch.tensor(seeds or (0,) * len(settings)))
    )
    return weights


def gates(weights: Weights, name: str, k: int = 0) -> tuple[Tensor, ...]:
    """The blocks of a matrix, (G, H, D)."""
    spec = next(own for own in weights.specs if own.name == name)
    return weights[name][k].detach().chunk(spec.gates)


# Torch's default


@each_model
def test_default_is_distributed_as_in_torchs_modules(model: Model):
    torch.manual_seed(0)
    twin = Twin(model, VOCABULARY, 0, CLASSES)
    weights = initialized(model, Init())
    for name, own in weights.items():
        found, expected = (x.detach().flatten().double() for x in (own, twin.parameter(name)))
        assert stats.ks_2samp(found.numpy(), expected.numpy()).pvalue > 1e-3, name
        if name != "embedding" and len(found) > 100:
            assert found.abs().max().item() == pytest.approx(expected.abs().max().item(), rel=0.05)


@each_model
def test_default_bounds_are_torchs(model: Model):
    for name, own in initialized(model, Init()).items():
        if name == "embedding":
            assert abs(own.std().item() - 1) < 4 / (2 * own.numel()) ** 0.5
        else:
            assert own.abs().max() <= HIDDEN**-0.5


def test_layers_are_not_alike():
    weights = initialized(LSTM(HIDDEN, HIDDEN, layers=2, bidirectional=True), Init())
    matrices = [own for name, own in weights.items() if name.endswith("W_hh")]
    assert len({own.flatten()[0].item() for own in matrices}) == 4


# Xavier and Kaiming, gate by gate


def kaiming(W: Tensor) -> Tensor:
    return nn.init.kaiming_uniform_(W, nonlinearity="relu")


REFERENCES: dict[Scheme, Callable[[Tensor], Tensor]] = {
    Scheme.xavier: nn.init.xavier_uniform_,
    Scheme.kaiming: kaiming,
}


@pytest.mark.parametrize("scheme", REFERENCES)
@pytest.mark.parametrize("name", ["layer0.0.W_hx", "layer0.0.W_hh", "head.W_yh"])
@each_model
def test_each_gate_is_distributed_as_torchs_block(model: Model, name: str, scheme: Scheme):
    torch.manual_seed(1)
    for block in gates(initialized(model, Init(scheme)), name):
        expected = REFERENCES[scheme](torch.empty(block.shape, dtype=torch.double))
        assert stats.ks_2samp(block.flatten().numpy(), expected.flatten().numpy()).pvalue > 1e-3
        # Of n numbers the largest misses the bound by a share of about 1/n.
        most, bound = block.abs().max(), expected.abs().max()
        assert abs(most / bound - 1) < 12 / block.numel()
        # The variance of a uniform number's square is 4/5 of its variance, squared.
        error = abs(block.square().mean() / expected.square().mean() - 1)
        assert error < 4 * (2 * 0.8 / block.numel()) ** 0.5


@pytest.mark.parametrize(
    ("scheme", "bound"),
    [
        (Scheme.xavier, math.sqrt(6 / (EMBEDDING + HIDDEN))),
        (Scheme.kaiming, math.sqrt(6 / EMBEDDING)),
    ],
)
def test_bounds_by_formula(scheme: Scheme, bound: float):
    block = torch.cat(gates(initialized(GRU(EMBEDDING, HIDDEN), Init(scheme)), "layer0.0.W_hx"))
    assert 0.999 * bound < block.abs().max() <= bound


def test_xavier_on_the_whole_stack_would_be_smaller():
    """What ``xavier_uniform_(lstm.weight_hh_l0)`` does: 0.632 of what a gate should have."""
    torch.manual_seed(0)
    stacked = nn.init.xavier_uniform_(torch.empty(4 * HIDDEN, HIDDEN))
    own = torch.cat(gates(initialized(MODELS["lstm"], Init(Scheme.xavier)), "layer0.0.W_hh"))
    assert stacked.std().item() / own.std().item() == pytest.approx(0.632, abs=0.01)


# Orthogonal


def unit(W: Tensor) -> Tensor:
    """W W^T."""
    return W @ W.T


@each_model
@pytest.mark.parametrize(
    ("scheme", "scale"), [(Scheme.orthogonal, 1.0), (Scheme.scaled_orthogonal, HIDDEN**-0.5)]
)
@pytest.mark.parametrize("gain", [1.0, 1.7])
def test_each_gate_is_orthogonal(model: Model, scheme: Scheme, scale: float, gain: float):
    blocks = gates(initialized(model, Init(scheme, gain)), "layer0.0.W_hh")
    expected = (scale * gain) ** 2 * torch.eye(HIDDEN, dtype=torch.double)
    for block in blocks:
        torch.testing.assert_close(unit(block), expected, rtol=1e-12, atol=1e-12)
    if len(blocks) > 1:
        assert not torch.equal(blocks[0], blocks[1])


def test_orthogonal_on_the_whole_stack_leaves_no_gate_orthogonal():
    """What ``orthogonal_(lstm.weight_hh_l0)`` does to its gates."""
    torch.manual_seed(0)
    stacked = nn.init.orthogonal_(torch.empty(4 * HIDDEN, HIDDEN, dtype=torch.double))
    singular = torch.linalg.svdvals(torch.stack(stacked.chunk(4)))
    assert singular.min() < 0.05
    assert singular.max() < 0.95
    own = gates(initialized(MODELS["lstm"], Init(Scheme.orthogonal)), "layer0.0.W_hh")
    ones = torch.ones(4, HIDDEN, dtype=torch.double)
    torch.testing.assert_close(torch.linalg.svdvals(torch.stack(own)), ones)


def test_the_surveys_scale_shrinks_the_state_at_every_step():
    """sqrt(1/n) Q takes sqrt(n) from the norm of the state a step; Q keeps it."""
    lost = {}
    for scheme in (Scheme.orthogonal, Scheme.scaled_orthogonal):
        W = initialized(MODELS["rnn"], Init(scheme))["layer0.0.W_hh"][0].detach()
        h = torch.ones(HIDDEN, dtype=torch.double)
        lost[scheme] = (torch.linalg.matrix_power(W, 10) @ h).norm() / h.norm()
    assert lost[Scheme.orthogonal].item() == pytest.approx(1, rel=1e-12)
    assert lost[Scheme.scaled_orthogonal].item() == pytest.approx(9.3e-10, rel=0.01)


def test_orthogonal_matrices_are_uniform_in_haar_measure():
    """Of Q (n, n): E[Q_ij] = 0, E[Q_ij^2] = 1/n, E[tr Q] = 0, E[(tr Q)^2] = 1."""
    n, count = 3, 4000
    Q = haar(Noise(torch.arange(count)).normal("Q", (n, n)))
    error = count**-0.5
    assert (Q.mean(dim=0).abs() < 4.5 * error * n**-0.5).all()
    assert (Q.square().mean(dim=0) - 1 / n).abs().max() < 4.5 * error * Q.square().std()
    trace = Q.diagonal(dim1=-2, dim2=-1).sum(dim=-1)
    assert abs(trace.mean()) < 4 * error
    assert abs(trace.square().mean() - 1) < 4 * error * trace.square().std()
    assert abs(torch.linalg.det(Q).mean()) < 4 * error  # half of them turn, half reflect


# Identity


@each_model
def test_identity_in_each_gate_and_zero_biases(model: Model):
    weights = initialized(model, Init(Scheme.identity, gain=0.9), Init())
    for block in gates(weights, "layer0.0.W_hh"):
        assert torch.equal(block, 0.9 * torch.eye(HIDDEN, dtype=torch.double))
    for spec, own in weights.of(Kind.bias):
        assert not own[0].any(), spec.name
        assert own[1].any(), spec.name


# Uniform, truncated normal, stacked


@each_model
def test_zarembas_start_is_uniform_in_every_parameter(model: Model):
    for name, own in initialized(model, Init(Scheme.uniform, 0.05)).items():
        drawn = own.detach().flatten().numpy()
        law = stats.uniform(-0.05, 0.1)
        assert stats.kstest(drawn, law.cdf).pvalue > 1e-3, name


@each_model
def test_truncated_normal_is_scipys_with_the_deviation_of_each_fan_in(model: Model):
    weights = initialized(model, Init(Scheme.truncated_normal, 0.7))
    for spec, own in weights.of(Kind.input_hidden, Kind.hidden_hidden, Kind.hidden_output):
        deviation = 0.7 * spec.shape[1] ** -0.5
        law = stats.truncnorm(-2, 2, scale=deviation)
        assert stats.kstest(own.detach().flatten().numpy(), law.cdf).pvalue > 1e-3, spec.name
        assert 1.9 * deviation < own.abs().max() <= 2 * deviation


def test_stacked_is_one_orthogonal_matrix_for_all_gates():
    for model in MODELS.values():
        settings = Init(Scheme.orthogonal, 1.5, stacked=True), Init(Scheme.orthogonal, 1.5)
        weights = initialized(model, *settings)
        W = weights["layer0.0.W_hh"].detach()
        expected = 1.5**2 * torch.eye(HIDDEN, dtype=torch.double)
        torch.testing.assert_close(W[0].T @ W[0], expected, rtol=1e-12, atol=1e-12)
        assert torch.equal(W[0], W[1]) == (model is MODELS["rnn"])


# Beside the hidden-to-hidden matrices


@pytest.mark.parametrize("scheme", [Scheme.orthogonal, Scheme.scaled_orthogonal, Scheme.identity])
@pytest.mark.parametrize("others", Others)
def test_the_other_matrices_follow_others(scheme: Scheme, others: Others):
    weights = initialized(MODELS["gru"], Init(scheme, others=others), Init(Scheme[others.name]))
    for _, own in weights.of(Kind.input_hidden, Kind.hidden_output):
        assert torch.equal(own[0], own[1])


def test_what_a_scheme_does_not_touch_is_shared_by_runs_of_one_seed():
    schemes = [own for own in Scheme if own not in (Scheme.identity, Scheme.uniform)]
    weights = initialized(MODELS["gru"], *map(Init, schemes))
    for _, own in weights.of(Kind.embedding, Kind.bias):
        assert torch.equal(own, own[:1].expand_as(own))


def test_uniform_schemes_of_one_seed_differ_by_a_factor():
    schemes = Scheme.default, Scheme.xavier, Scheme.kaiming
    weights = initialized(MODELS["gru"], *map(Init, schemes))
    for _, own in weights.of(Kind.input_hidden, Kind.hidden_hidden, Kind.hidden_output):
        for other in own[1:]:
            ratio = (other / own[0]).detach()
            assert ratio.max() - ratio.min() < 1e-9


def test_each_run_has_its_own_scheme_gain_and_seed():
    settings = [Init(scheme, gain) for scheme in Scheme for gain in (1.0, 2.0)]
    together = initialized(MODELS["lstm"], *settings, seeds=tuple(range(len(settings))))
    for k, own in enumerate(settings):
        alone = initialized(MODELS["lstm"], own, seeds=(k,))
        assert torch.equal(together.flat[k], alone.flat[0])


def test_every_weight_is_initialized_by_every_scheme():
    for scheme in set(Scheme) - {Scheme.identity}:
        weights = initialized(MODELS["gru"], Init(scheme))
        assert all((own != 0).all() for own in weights.values()), scheme


def test_one_unit_and_one_class_are_enough():
    model = GRU(1, 1)
    specs: tuple[Spec, ...] = model.specs(2, 0, 1)
    for scheme in Scheme:
        weights = Weights.zeros(specs, 1, torch.double, CPU)
        sets = [{"init": Init(scheme)}]
        RegularizerStack(sets, CPU).initialize(weights, Noise(torch.tensor([0])))
        assert weights.flat.isfinite().all()

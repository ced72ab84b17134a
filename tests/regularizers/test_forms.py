"""Other forms of the matrices: torch's parametrizations, Keras' rule and power iteration."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from rnn_regexp.errors import BadInput
from rnn_regexp.models import GRU, LSTM, Model
from rnn_regexp.noise import Noise
from rnn_regexp.regularizers.base import Regularizer
from rnn_regexp.regularizers.embedding_dropout import EmbeddingDropout
from rnn_regexp.regularizers.max_norm import MaxNorm
from rnn_regexp.regularizers.orthogonal import Map, Orthogonal
from rnn_regexp.regularizers.orthogonality import Orthogonality
from rnn_regexp.regularizers.spectral_norm import SpectralNorm
from rnn_regexp.regularizers.stack import stack
from rnn_regexp.regularizers.weight_decay import Coupling, WeightDecay
from rnn_regexp.regularizers.weight_norm import WeightNorm
from rnn_regexp.regularizers.weight_tying import WeightTying
from rnn_regexp.training.cohort import Cohort
from rnn_regexp.training.optimizers import SGD, Adam
from rnn_regexp.weights import Kind
from tests.regularizers.catalogue import CPU, random_weights, remembering, update_of
from tests.training.tiny import cohort, run, stream, watch

W_HH = "layer0.0.W_hh"


def gates(W: Tensor) -> Tensor:
    """(G*H, H) to (G, H, H)."""
    return W.unflatten(0, (-1, W.shape[-1]))


def in_effect(own: Cohort) -> dict[str, Tensor]:
    return own.network().applied.weights(own.weights)


# Constraints after the step


def test_max_norm_projects_rows_and_leaves_short_ones_alone():
    weights = random_weights()
    before = {spec.name: W.detach().clone() for spec, W in weights.of(*Kind)}
    bounds = [0.8, 1.3, math.inf]
    with torch.no_grad():
        stack([MaxNorm(bound) for bound in bounds], CPU).after_step(weights, update_of(weights))
    for spec, W in weights.of(*Kind):
        for k, bound in enumerate(bounds):
            own = before[spec.name][k]
            if ".W_" in spec.name:
                norm = own.norm(dim=1, keepdim=True)
                own = torch.where(norm > bound, own / norm * bound, own)
            torch.testing.assert_close(W[k].detach(), own, rtol=1e-14, atol=0)


def test_gals_decay_takes_its_share_whatever_the_learning_rate():
    moved = []
    for decay in (0.0, 0.25):
        own = cohort(
            run(WeightDecay(decay, Coupling.gal), optimizer=SGD(0.1)), epochs=1, batch_size=11
        )
        _, journal = watch(own)
        moved.append(journal.weights[1])
    torch.testing.assert_close(moved[1], 0.75 * moved[0], rtol=1e-14, atol=0)


# Weight tying


def tied(*techniques: Regularizer) -> Cohort:
    model = LSTM(4, 4, layers=2)
    return cohort(run(WeightTying(True), *techniques), model=model, data=stream(), window=6)


def test_the_head_reads_with_the_embedding_and_has_no_matrix_of_its_own():
    own = tied()
    assert "head.W_yh" not in own.weights
    assert in_effect(own)["head.W_yh"] is own.weights["embedding"]
    untied = cohort(run(), model=own.model, data=stream())
    saved = sum(s.size for s in untied.weights.specs) - sum(s.size for s in own.weights.specs)
    assert saved == 9 * 4


def test_embedding_dropout_masks_the_embedded_words_and_not_the_head():
    own = tied(EmbeddingDropout(0.9))
    noise = Noise(own.seeds, 1)
    batch = next(iter(own.task.batches(own.split("train"), noise, own.batching(noise))))
    network = own.network(noise)
    trace = own.task.forward(network, batch, ())
    table = own.weights["embedding"]
    assert (trace.inputs[0] == 0).all(dim=-1).any()
    expected = trace.read @ table.mT[:, None] + own.weights["head.b_y"][:, None, None]
    torch.testing.assert_close(trace.logits, expected)


@pytest.mark.parametrize(
    ("model", "data", "line"),
    [
        (
            GRU(4, 4),
            None,
            "only a language model or a decoder reads the words that it writes (task classify)",
        ),
        (GRU(3, 4), stream(), "model.embedding=3 must be as wide as what the head reads (4)"),
    ],
    ids=["task", "width"],
)
def test_what_cannot_be_tied_is_refused(model: Model, data: object, line: str):
    with pytest.raises(BadInput) as caught:
        cohort(run(WeightTying(True)), model=model, data=data)
    assert str(caught.value) == f"regularizers.weight_tying: {line}"


# Weight norm


def test_weight_norm_starts_as_drawn_and_is_torchs():
    plain, own = (
        cohort(run()),
        cohort(run(WeightNorm(True, [Kind.hidden_hidden, Kind.hidden_output]))),
    )
    names = {"layer0.0.W_hh", "head.W_yh"}
    assert {name[:-2] for name in own.weights if name.endswith(".g")} == names
    for name, W in plain.weights.items():
        torch.testing.assert_close(in_effect(own)[name], W, rtol=1e-14, atol=1e-16)
    with torch.no_grad():
        own.weights["head.W_yh"].mul_(3)
        own.weights["head.W_yh.g"].mul_(-2)
    layer = parametrizations.weight_norm(nn.Linear(4, 3).double())
    with torch.no_grad():
        layer.parametrizations.weight.original0.copy_(own.weights["head.W_yh.g"][0][:, None])
        layer.parametrizations.weight.original1.copy_(own.weights["head.W_yh"][0])
    torch.testing.assert_close(in_effect(own)["head.W_yh"][0], layer.weight, rtol=1e-14, atol=0)


# Orthogonal


@pytest.mark.parametrize("by", [Map.exp, Map.cayley, Map.householder])
def test_each_map_is_torchs_and_its_gradient_too(by: Map):
    own = cohort(run(Orthogonal(by)), model=LSTM(3, 4))
    X = own.weights[W_HH][0]
    found = gates(in_effect(own)[W_HH][0])
    along = torch.randn(found.shape, dtype=torch.double, generator=torch.Generator().manual_seed(0))
    gradient = torch.autograd.grad((found * along).sum(), own.weights[W_HH])[0][0]
    for g in range(4):
        layer = nn.Linear(4, 4, bias=False).double()
        name = "matrix_exp" if by is Map.exp else by.name
        parametrizations.orthogonal(layer, "weight", name, use_trivialization=False)
        inner = layer.parametrizations.weight.original
        with torch.no_grad():
            inner.copy_(gates(X)[g])
            if by is Map.householder:
                inner.diagonal().fill_(1)
        torch.testing.assert_close(found[g], layer.weight, rtol=1e-12, atol=1e-14)
        wanted = torch.autograd.grad((layer.weight * along[g]).sum(), inner)[0].tril(-1)
        torch.testing.assert_close(gates(gradient)[g].tril(-1), wanted, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("by", [Map.exp, Map.cayley, Map.householder])
@pytest.mark.parametrize("hidden", [1, 4, 5])
def test_w_hh_stays_orthogonal_while_it_learns(by: Map, hidden: int):
    own = cohort(run(Orthogonal(by), optimizer=Adam(0.1)), model=GRU(3, hidden), epochs=3)
    before = in_effect(own)[W_HH].detach().clone()
    watch(own)
    W = in_effect(own)[W_HH].detach()
    for one in (before, W):
        product = gates(one[0]) @ gates(one[0]).mT
        eye = torch.eye(hidden, dtype=torch.double).expand_as(product)
        torch.testing.assert_close(product, eye, rtol=0, atol=1e-12)
    assert torch.equal(W, before) == (hidden == 1)


@pytest.mark.parametrize(("by", "low", "high"), [(Map.exp, 0, 1), (Map.cayley, 0, 0.5)])
def test_rotations_start_by_the_papers_angles(by: Map, low: float, high: float):
    own = cohort(run(Orthogonal(by)), model=GRU(3, 200))
    W = gates(in_effect(own)[W_HH][0].detach())
    angles = torch.atan2(W[:, 1::2, ::2].diagonal(0, 1, 2), W[:, ::2, ::2].diagonal(0, 1, 2))
    assert torch.linalg.matrix_norm(W[0] @ W[0].mT - torch.eye(200)) < 1e-10
    size = angles.abs() / math.pi
    assert low <= size.min() < low + 0.02
    assert high - 0.02 < size.max() <= high
    assert abs(size.mean() - (low + high) / 2) < 0.06
    assert (angles < 0).any() == (by is Map.exp)


# Spectral norm


def test_spectral_norm_bounds_each_gate_of_its_own_runs():
    own = cohort(run(SpectralNorm(0.7)), run(), run(SpectralNorm(2.0)), model=LSTM(3, 4, layers=2))
    for layer in (0, 1):
        name = f"layer{layer}.0.W_hh"
        W = in_effect(own)[name].detach()
        for k, bound in ((0, 0.7), (2, 2.0)):
            largest = torch.linalg.matrix_norm(gates(W[k]), 2)
            torch.testing.assert_close(largest, torch.full((4,), bound).double())
        assert torch.equal(W[1], own.weights[name][1])


def test_power_iteration_goes_on_from_step_to_step_where_a_run_steps():
    weights = random_weights()
    own = remembering(stack([SpectralNorm(1.0)] * 3, CPU), weights)
    with torch.no_grad():
        weights[W_HH].add_(torch.randn(3, 6, 2, generator=torch.Generator().manual_seed(1)))
    before = {name: vector.numpy().copy() for name, vector in own.state.items()}
    update = update_of(weights)
    update.stepping[1] = False
    with torch.no_grad():
        own.after_step(weights, update)
    for k in range(3):
        for g, W in enumerate(gates(weights[W_HH][k].detach()).numpy()):
            u, v = before["u"][k, 0, g], before["v"][k, 0, g]
            if k != 1:
                v = W.T @ u / np.linalg.norm(W.T @ u)
                u = W @ v / np.linalg.norm(W @ v)
            np.testing.assert_allclose(own.state["v"][k, 0, g].numpy(), v, rtol=1e-12)
            np.testing.assert_allclose(own.state["u"][k, 0, g].numpy(), u, rtol=1e-12)


def test_spectral_norm_is_torchs_with_the_same_vectors():
    own = cohort(run(SpectralNorm(1.0), optimizer=Adam(0.05)), epochs=2)
    watch(own)
    state = own.regularizers.active["spectral_norm"].state
    for g, W in enumerate(gates(own.weights[W_HH][0].detach())):
        layer = nn.Linear(4, 4, bias=False).double()
        parametrizations.spectral_norm(layer).eval()
        inner = layer.parametrizations.weight
        with torch.no_grad():
            inner.original.copy_(W)
            inner[0]._u.copy_(state["u"][0, 0, g])
            inner[0]._v.copy_(state["v"][0, 0, g])
        found = gates(in_effect(own)[W_HH][0])[g]
        torch.testing.assert_close(found, layer.weight, rtol=1e-12, atol=1e-14)
        assert 1 <= torch.linalg.matrix_norm(found, 2) < 1.05


# One form at a time


@pytest.mark.parametrize(
    ("techniques", "line"),
    [
        (
            [Orthogonal(Map.exp), SpectralNorm(1.0)],
            "orthogonal: spectral_norm beside it gives W_hh another form (take one)",
        ),
        (
            [Orthogonal(Map.exp), WeightNorm(True, [Kind.hidden_hidden])],
            "orthogonal: weight_norm beside it gives W_hh another form (take one)",
        ),
        (
            [SpectralNorm(1.0), WeightNorm(True, [Kind.hidden_hidden])],
            "spectral_norm: weight_norm.on beside it gives W_hh another form (take one)",
        ),
        (
            [Orthogonal(Map.exp), Orthogonality(1.0)],
            "orthogonal: orthogonality beside it would act on X, of which W_hh is made",
        ),
        ([WeightNorm(True, [Kind.bias])], "weight_norm.on: bias has no rows to normalize"),
    ],
)
def test_two_forms_of_one_matrix_are_refused(techniques: list[Regularizer], line: str):
    with pytest.raises(BadInput) as caught:
        cohort(run(*techniques))
    assert str(caught.value) == f"regularizers.{line}"


def test_other_matrices_may_have_other_forms():
    cohort(
        run(Orthogonal(Map.exp), WeightNorm(True, [Kind.input_hidden]), MaxNorm(3.0, [Kind.bias]))
    )

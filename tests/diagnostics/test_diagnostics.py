"""Each diagnostic against its definition, and the survey's statements as they show in them."""

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from rnn_regexp.diagnostics import ALL, Diagnostic, View, diagnose
from rnn_regexp.diagnostics.gradient_flow import gradient_flow
from rnn_regexp.diagnostics.saturation import saturation
from rnn_regexp.diagnostics.sparsity import sparsity
from rnn_regexp.diagnostics.spectrum import spectrum
from rnn_regexp.models import GRU, LSTM, RNN, Model, Nonlinearity
from rnn_regexp.recurrence.backends import Backend
from rnn_regexp.regularizers.base import Regularizer
from rnn_regexp.regularizers.init import Init, Scheme
from rnn_regexp.regularizers.l1 import L1
from rnn_regexp.regularizers.layer_norm import LayerNorm
from rnn_regexp.regularizers.recurrent_batch_norm import RecurrentBatchNorm
from rnn_regexp.regularizers.truncated_bptt import TruncatedBptt
from rnn_regexp.training.cohort import Cohort, RunSettings
from rnn_regexp.training.optimizers import SGD, Adam
from tests.recurrence.examples import BY_NUMBA
from tests.training.tiny import cohort, run, sentences, stream, translations, watch, without_time

MODELS = {
    "rnn": RNN(3, 4),
    "gru": GRU(3, 4, layers=2),
    "lstm": LSTM(3, 4, bidirectional=True),
}


def view_of(own: Cohort) -> View:
    flat = own.judged().detach().requires_grad_()
    batch = own.task.sample(own.split("valid"), own.runs)
    return View(own.network(flat=flat), own.weights.specs, own.task, batch)


def looked_at(model: Model, *runs: RunSettings, longest: int = 9) -> View:
    return view_of(cohort(*(runs or (run(), run(seed=1))), data=sentences(longest), model=model))


def states(model: Model, view: View, k: int, b: int) -> list[Tensor]:
    """h_t of one sequence by the cell's own equations, each a node of the graph, then the loss."""
    weights = {name: own[k : k + 1] for name, own in view.weights.items()}
    parts = [weights[f"layer0.0.{name}"] for name in ("W_hx", "W_hh", "b_hx", "b_hh")]
    W_hx, W_hh, b_hx, b_hh = parts
    state = tuple(torch.zeros(1, 1, 4).double() for _ in range(model.cell.states))
    seen = []
    for token in view.batch.inputs[k, : view.batch.lengths[k, b], b]:
        x = weights["embedding"][:, token] @ W_hx.mT + b_hx
        state = model.cell.step(x.view(1, 1, -1), state, W_hh, b_hh)
        seen.append(state[0].requires_grad_())
        state = (seen[-1], *state[1:])
    logits = seen[-1] @ weights["head.W_yh"].mT + weights["head.b_y"]
    return [*seen, F.cross_entropy(logits[0], view.batch.targets[k, b].view(1))]


@pytest.mark.parametrize("model", [RNN(3, 4), GRU(3, 4), LSTM(3, 4)], ids=lambda m: m.cell.name)
def test_gradient_flow_is_the_mean_norm_of_each_sequences_own_gradient(model: Model):
    view = looked_at(model)
    found = gradient_flow(view)
    assert list(found) == ["0", "1", "2", "4", "8"][: len(found)]
    for k in range(2):
        norms: dict[int, list[float]] = {}
        for b in range(view.batch.lengths.shape[1]):
            *seen, loss = states(model, view, k, b)
            gradients = torch.autograd.grad(loss, seen)
            for distance, gradient in enumerate(reversed(gradients)):
                norms.setdefault(distance, []).append(gradient.norm().item())
        for name, own in found.items():
            assert own[k].item() == pytest.approx(np.mean(norms[int(name)]), rel=1e-9)


@pytest.mark.parametrize("backend", [Backend.cells, Backend.scan, Backend.native, *BY_NUMBA])
def test_gradient_flow_is_seen_whatever_trains(backend: Backend):
    model = MODELS["gru"]
    found = gradient_flow(view_of(cohort(run(), model=model, backend=backend)))
    wanted = gradient_flow(view_of(cohort(run(), model=model)))
    assert {name: own.tolist() for name, own in found.items()} == {
        name: own.tolist() for name, own in wanted.items()
    }


def test_spectrum_is_that_of_numpy_gate_by_gate():
    view = looked_at(MODELS["lstm"])
    found = spectrum(view)
    assert len(found) == 2 * 4 * 4
    for k in range(2):
        W = view.weights["layer0.1.W_hh"][k].detach().numpy()
        for g, gate in enumerate("ifgo"):
            values = np.linalg.svd(W[4 * g : 4 * g + 4], compute_uv=False)
            gram = W[4 * g : 4 * g + 4].T @ W[4 * g : 4 * g + 4]
            place = f"layer0.1/{gate}"
            assert found[f"{place}/largest"][k].item() == pytest.approx(values[0])
            assert found[f"{place}/median"][k].item() == pytest.approx(values[2])
            assert found[f"{place}/smallest"][k].item() == pytest.approx(values[-1])
            distance = np.linalg.norm(gram - np.eye(4)) / 2
            assert found[f"{place}/orthogonality"][k].item() == pytest.approx(distance)


@pytest.mark.parametrize("name", MODELS)
def test_saturation_counts_valid_steps_alone(name: str):
    model = MODELS[name]
    view = looked_at(model)
    found = saturation(view)
    gates = {"rnn": "h", "gru": "rzn", "lstm": "ifgo"}[name]
    assert set(found) == {
        f"layer{layer}.0/{gate}/{side}"
        for layer in range(model.layers)
        for gate in gates
        for side in ("shut", "open")
    }
    assert all((own >= 0).all() and (own <= 1).all() for own in found.values())
    behind = view.batch.inputs.clone()
    steps = torch.arange(behind.shape[1])[None, :, None] >= view.batch.lengths[:, None]
    behind[steps] = 5
    view.batch.inputs.copy_(behind)
    again = saturation(View(view.network, view.specs, view.task, view.batch))
    assert all(torch.equal(found[own], again[own]) for own in found)


@pytest.mark.parametrize("technique", [LayerNorm(True), RecurrentBatchNorm(True)], ids=str)
def test_saturation_says_nothing_of_gates_that_a_technique_has_changed(technique: Regularizer):
    assert saturation(looked_at(GRU(3, 4), run(technique))) == {}
    assert saturation(looked_at(GRU(3, 4), run(TruncatedBptt(2))))


def test_saturation_of_an_elman_network_is_that_of_its_states():
    own = cohort(run(), data=sentences(9), model=RNN(3, 4))
    with torch.no_grad():
        own.weights["layer0.0.W_hx"].mul_(6)
    view = view_of(own)
    h = view.trace.outputs[0][0]  # (T, B, H)
    inside = torch.arange(len(h))[:, None] < view.batch.lengths[0]
    found = saturation(view)
    assert found["layer0.0/h/open"].item() == pytest.approx((h[inside] > 0.8).double().mean())
    assert found["layer0.0/h/shut"].item() == pytest.approx((h[inside] < -0.8).double().mean())
    assert found["layer0.0/h/open"].item() > 0.1


@pytest.mark.parametrize("gate", [0, 1])
def test_a_gate_that_its_bias_holds_open_or_shut_is_saturated(gate: int):
    own = cohort(run(), run(), data=sentences(9), model=GRU(3, 4))
    with torch.no_grad():
        own.weights["layer0.0.b_hx"][0, 4 * gate : 4 * gate + 4] = 50
        own.weights["layer0.0.b_hh"][1, 4 * gate : 4 * gate + 4] = -50
    found = saturation(view_of(own))
    name = "rz"[gate]
    assert found[f"layer0.0/{name}/open"].tolist() == [1, 0]
    assert found[f"layer0.0/{name}/shut"].tolist() == [0, 1]


def test_sparsity_counts_small_weights():
    own = cohort(run(), run(), model=GRU(3, 4))
    with torch.no_grad():
        own.weights["layer0.0.W_hh"][1, :6] = 9e-4
        own.weights["layer0.0.W_hh"][1, 6:] = 1.1e-3
    found = sparsity(view_of(own))
    assert set(found) == {"W_hx", "W_hh", "W_yh"}
    assert found["W_hh"].tolist() == pytest.approx([0, 0.5])


def test_they_are_written_down_epoch_by_epoch_and_change_nothing():
    plain, _ = watch(cohort(run(), run(seed=1), epochs=2))
    outcomes, _ = watch(cohort(run(), run(seed=1), epochs=2, diagnostics=list(Diagnostic)))
    for own, other in zip(outcomes, plain):
        for row, without in zip(without_time(own), without_time(other), strict=True):
            inside = {name for name in row if name.startswith("diagnostics/")}
            assert {name.split("/")[1] for name in inside} == {one.name for one in ALL}
            assert {name: row[name] for name in row if name not in inside} == without


def test_of_a_language_model_the_loss_is_that_of_the_last_step():
    own = cohort(run(), data=stream(), model=LSTM(3, 4), window=4)
    found = diagnose([Diagnostic.gradient_flow], view_of(own))
    assert found["diagnostics/gradient_flow/0"].item() > 0


def test_of_a_translation_the_encoder_is_looked_into_and_all_matrices():
    """Its encoder starts as the classifier of the same sentences does."""
    model, data = GRU(3, 4, layers=2), translations(longest=5)
    whole, encoder = (
        view_of(cohort(run(), data=own, model=model)) for own in (data, sentences(longest=5))
    )
    torch.testing.assert_close(saturation(whole), saturation(encoder), rtol=1e-12, atol=0)
    places = {name.partition("/")[0] for name in spectrum(whole)}
    assert places == {"layer0.0", "layer1.0", "layer2.0", "layer3.0"}
    assert list(gradient_flow(whole)) == list(gradient_flow(encoder))
    assert all(own > 0 for own in gradient_flow(whole).values())


# What the survey says, to be seen


def flow(model: Model, *runs: RunSettings) -> dict[int, list[float]]:
    view = looked_at(model, *runs, longest=30)
    return {int(distance): own.tolist() for distance, own in gradient_flow(view).items()}


def test_gradients_vanish_with_scaled_orthogonal_weights_and_survive_with_orthogonal_ones():
    model = RNN(3, 16)
    runs = run(Init(Scheme.scaled_orthogonal)), run(Init(Scheme.orthogonal))
    found = flow(model, *runs)
    falls = [found[16][k] / found[0][k] for k in range(2)]
    assert falls[0] < 16**-6  # sqrt(1/n) Q shrinks the gradient by sqrt(n) at every step
    assert falls[1] > 1e-3


def test_gradients_explode_with_large_weights_and_clipping_bounds_the_step_not_the_flow():
    model = RNN(3, 16, nonlinearity=Nonlinearity.relu)
    found = flow(model, run(Init(Scheme.identity, gain=1.6)), run(Init(Scheme.identity)))
    assert found[16][0] / found[0][0] > 100
    assert found[16][1] / found[0][1] < 10


def test_orthogonality_is_lost_during_training():
    own = cohort(
        run(Init(Scheme.orthogonal), optimizer=Adam(0.02)),
        model=RNN(3, 8),
        epochs=5,
        diagnostics=[Diagnostic.spectrum],
    )
    start = spectrum(view_of(own))["layer0.0/h/orthogonality"].item()
    (outcome,), _ = watch(own)
    distances = [row["diagnostics/spectrum/layer0.0/h/orthogonality"] for row in outcome.history]
    assert start < 1e-12
    assert distances == sorted(distances)
    assert distances[-1] > 0.05


def test_l1_makes_weights_sparse():
    runs = run(optimizer=SGD(0.01)), run(L1(0.08), optimizer=SGD(0.01))
    own = cohort(*runs, epochs=60, batch_size=1, diagnostics=[Diagnostic.sparsity])
    outcomes, _ = watch(own)
    shares = [one.history[-1]["diagnostics/sparsity/W_hh"] for one in outcomes]
    assert shares[0] < 0.1
    assert shares[1] > 0.5

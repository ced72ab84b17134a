"""Layer norm, truncation and Pascanu's Omega by their equations."""

import numpy as np
import pytest
import torch
from torch import Tensor

from rnn_regexp.errors import BadInput
from rnn_regexp.models import GRU, LSTM, RNN, Model
from rnn_regexp.noise import Noise
from rnn_regexp.recurrence.backends import Backend
from rnn_regexp.regularizers.base import Regularizer
from rnn_regexp.regularizers.dropout import Dropout
from rnn_regexp.regularizers.fraternal import Fraternal
from rnn_regexp.regularizers.jacobian import Jacobian, omega
from rnn_regexp.regularizers.layer_norm import LayerNorm
from rnn_regexp.regularizers.truncated_bptt import TruncatedBptt
from rnn_regexp.training.cohort import Cohort
from rnn_regexp.training.step import losses
from tests.training.tiny import cohort, pixels, run


def batch_of(own: Cohort):
    return own.task.sample(own.split("train"), own.runs)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


# Layer norm


def ln(a: np.ndarray, g: np.ndarray) -> np.ndarray:
    mean, variance = a.mean(axis=-1, keepdims=True), a.var(axis=-1, keepdims=True)
    return g * (a - mean) / np.sqrt(variance + 1e-5)


def normalized(model: Model, w: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
    """The last state of (T, D) by equations 20 to 25 and the supplement of Ba et al."""
    H = model.hidden
    h = c = np.zeros(H)
    for x_t in x:
        a, b = w["W_hx"] @ x_t, w["W_hh"] @ h
        parts = [slice(0, 2 * H), slice(2 * H, 3 * H)] if model.cell.gates == 3 else [slice(None)]
        a = np.concatenate([ln(a[s], w["g_hx"][s]) for s in parts]) + w["b_hx"]
        b = np.concatenate([ln(b[s], w["g_hh"][s]) for s in parts]) + w["b_hh"]
        if model.cell.gates == 1:
            h = np.tanh(a + b)
        elif model.cell.gates == 3:
            r, z = (sigmoid(own) for own in np.split(a[: 2 * H] + b[: 2 * H], 2))
            h = (1 - z) * np.tanh(a[2 * H :] + r * b[2 * H :]) + z * h
        else:
            i, f, g, o = np.split(a + b, 4)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(ln(c, w["g_c"]) + w["b_c"])
    return h


@pytest.mark.parametrize("kind", [RNN, GRU, LSTM])
def test_layer_norm_follows_the_paper(kind: type[Model]):
    model = kind(3, 4)
    own = cohort(run(LayerNorm(True)), run(LayerNorm(True), seed=1), model=model, data=pixels())
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, W in own.weights.items():
            if ".g_" in name or ".b_c" in name:
                W.copy_(torch.rand(W.shape, generator=generator) + 0.5)
    batch = batch_of(own)
    trace = own.task.forward(own.network(), batch, None)
    for k in range(2):
        w = {
            name.removeprefix("layer0.0."): W[k].detach().numpy() for name, W in own.weights.items()
        }
        for b in range(4):
            x = batch.inputs[k, : batch.lengths[k, b], b].numpy()
            found = trace.read[k, b].detach().numpy()
            np.testing.assert_allclose(found, normalized(model, w, x), rtol=1e-9, atol=1e-12)


def test_layer_norm_starts_with_gains_of_one_and_does_not_feel_the_inputs_scale():
    own = cohort(run(LayerNorm(True)), model=LSTM(3, 4, layers=2, bidirectional=True))
    assert len([name for name in own.weights if ".g_" in name]) == 4 * 3
    assert all((W == 1).all() for name, W in own.weights.items() if ".g_" in name)
    assert not any(W.any() for name, W in own.weights.items() if ".b_c" in name)
    before = own.task.forward(own.network(), batch_of(own), None).logits
    with torch.no_grad():
        own.weights["layer1.1.W_hh"].mul_(50)
        own.weights["layer0.0.W_hx"].mul_(50)
    after = own.task.forward(own.network(), batch_of(own), None).logits
    torch.testing.assert_close(after, before, rtol=1e-2, atol=1e-3)


# Truncation


def gradient_of(own: Cohort) -> Tensor:
    _, total = losses(own, batch_of(own), Noise(own.seeds, 1), None)
    own.weights.differentiate(total)
    return own.weights.gradient.clone()


@pytest.mark.parametrize("model", [GRU(3, 4, layers=2), LSTM(3, 4, bidirectional=True)], ids=str)
def test_truncation_leaves_the_loss_and_cuts_the_gradient(model: Model):
    plain = cohort(run(), model=model)
    batch = batch_of(plain)
    expected = losses(plain, batch, Noise(plain.seeds, 1), None)[1]
    whole = gradient_of(plain)
    for steps, same in ((1, False), (3, False), (5, True), (100, True)):
        own = cohort(run(TruncatedBptt(steps)), model=model)
        found = losses(own, batch, Noise(own.seeds, 1), None)[1]
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=0)
        assert torch.allclose(gradient_of(own), whole, rtol=1e-9, atol=1e-12) == same


def test_truncation_is_the_gradient_of_a_detached_loop():
    """Steps 0, 1 | 2, 3 | 4 of an Elman network, written out."""
    own = cohort(run(TruncatedBptt(2)), model=RNN(3, 4), data=pixels())
    batch, weights = batch_of(own), own.weights
    w = {name: weights[f"layer0.0.{name}"][0] for name in ("W_hx", "W_hh", "b_hx", "b_hh")}
    h = torch.zeros(batch.inputs.shape[2], 4, dtype=torch.double)
    steps = []
    for t, x in enumerate(batch.inputs[0]):
        h = h.detach() if t in (2, 4) else h
        h = torch.tanh(x @ w["W_hx"].T + w["b_hx"] + h @ w["W_hh"].T + w["b_hh"])
        steps.append(h)
    last = torch.stack(steps)[batch.lengths[0] - 1, torch.arange(len(h))]
    logits = last @ weights["head.W_yh"][0].T + weights["head.b_y"][0]
    loss = torch.nn.functional.cross_entropy(logits, batch.targets[0])
    wanted = torch.autograd.grad(loss, weights["layer0.0.W_hh"])[0]
    gradient_of(own)
    found = weights.gradients["layer0.0.W_hh"]
    torch.testing.assert_close(found, wanted, rtol=1e-10, atol=1e-14)


# Pascanu's Omega


def test_omega_is_the_closed_form_of_an_elman_network():
    """dh_{t+1} / dh_t = diag(1 - h_{t+1}^2) W_hh, and d_T from the head alone."""
    own = cohort(run(Jacobian(0.7)), run(Jacobian(2.0), seed=1), model=RNN(3, 4), data=pixels())
    batch = batch_of(own)
    trace, total = losses(own, batch, Noise(own.seeds, 1), None)
    for k, coefficient in ((0, 0.7), (1, 2.0)):
        W = own.weights["layer0.0.W_hh"][k].detach().numpy()
        V = own.weights["head.W_yh"][k].detach().numpy()
        omegas = []
        for b, n in enumerate(batch.lengths[k].tolist()):
            h = trace.outputs[0][k, :, b].detach().numpy()
            logits = trace.logits[k, b].detach().numpy()
            error = np.exp(logits) / np.exp(logits).sum() - np.eye(3)[batch.targets[k, b]]
            d, sum_ = error @ V, 0.0
            for t in range(n - 1, 0, -1):
                back = d * (1 - h[t] ** 2) @ W
                sum_ += (np.linalg.norm(back) / np.linalg.norm(d) - 1) ** 2
                d = back
            omegas.append(sum_)
        found = (total - trace.losses)[k].item()
        assert found == pytest.approx(coefficient * np.mean(omegas), rel=1e-9)


def test_a_step_that_loses_everything_counts_one_and_none_without_gradient():
    h = torch.ones(1, 2, 3, dtype=torch.double, requires_grad=True)
    after = h * torch.tensor([[[0.0], [1.0]]])  # the first sequence forgets
    last = after * 1
    losses_of = (last[0, 0].sum() * 1e-200 + last[0, 1].sum() * 0)[None]
    found = omega(losses_of, [h, after])
    assert found.tolist() == [1.0]
    tiny = omega((last[0, 1].sum() * 1e-200)[None], [h, after])
    assert tiny.tolist() == [0.0]  # a norm that is kept, however small it is


# Refused


@pytest.mark.parametrize(
    ("techniques", "model", "backend", "line"),
    [
        (
            [LayerNorm(True)],
            GRU(3, 4),
            Backend.native,
            "layer_norm: training.backend=native has no such cell (take auto or cells)",
        ),
        (
            [TruncatedBptt(2)],
            GRU(3, 4),
            Backend.scan,
            "truncated_bptt: training.backend=scan has no such cell (take auto or cells)",
        ),
        (
            [Jacobian(1.0)],
            GRU(3, 4),
            Backend.native,
            "jacobian: training.backend=native has no such cell (take auto or cells)",
        ),
        (
            [Jacobian(1.0)],
            LSTM(3, 4),
            Backend.auto,
            "jacobian: h is not the whole state of the LSTM (model=lstm)",
        ),
        (
            [Jacobian(1.0), Fraternal(1.0), Dropout(0.1)],
            GRU(3, 4),
            Backend.auto,
            "jacobian: fraternal beside it takes two passes a step, it needs one",
        ),
    ],
)
def test_what_cannot_be_computed_is_refused(
    techniques: list[Regularizer], model: Model, backend: Backend, line: str
):
    with pytest.raises(BadInput) as caught:
        cohort(run(*techniques), model=model, backend=backend)
    assert str(caught.value) == f"regularizers.{line}"

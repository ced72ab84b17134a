"""Techniques equal those of other packages (extra [oracles]), where they are installed."""

import os
from typing import Any

import pytest
import torch
from torch import Tensor

from rnn_regexp.models import GRU, LSTM
from rnn_regexp.noise import Noise
from rnn_regexp.regularizers.clip import By, Clip
from rnn_regexp.regularizers.elastic import Elastic
from rnn_regexp.regularizers.l1 import L1
from rnn_regexp.regularizers.l2 import L2
from rnn_regexp.regularizers.max_norm import MaxNorm
from rnn_regexp.regularizers.orthogonal import Map, Orthogonal
from rnn_regexp.regularizers.sam import Sam
from rnn_regexp.regularizers.stack import stack
from rnn_regexp.training.cohort import Cohort
from rnn_regexp.training.optimizers import SGD
from rnn_regexp.training.step import losses
from rnn_regexp.weights import Kind
from tests.regularizers.catalogue import CPU, random_weights, trace, update_of
from tests.training.tiny import cohort, run, watch

os.environ.setdefault("KERAS_BACKEND", "torch")
MATRICES = (Kind.input_hidden, Kind.hidden_hidden, Kind.hidden_output)


def package(name: str) -> Any:
    root = name.partition(".")[0]
    return pytest.importorskip(name, reason=f"{root} is not installed: extra [oracles]")


def test_adaptive_clipping_is_that_of_pytorch_optimizer():
    agc = package("pytorch_optimizer.optimizer.agc").agc
    weights = random_weights()
    before = {name: own.clone() for name, own in weights.gradients.items()}
    stack([Clip(0.3, By.adaptive)] * weights.runs, CPU).transform_gradients(
        weights, update_of(weights)
    )
    for name, gradient in before.items():
        for k in range(weights.runs):
            wanted = agc(weights[name][k].detach(), gradient[k], agc_clip_val=0.3)
            torch.testing.assert_close(weights.gradients[name][k], wanted, rtol=1e-12, atol=0)
            assert not torch.equal(wanted, gradient[k])


def test_sam_is_that_of_pytorch_optimizer():
    sam = package("pytorch_optimizer").SAM
    _, journal = watch(cohort(run(Sam(0.3), optimizer=SGD(0.1)), epochs=2))
    plain = cohort(run(optimizer=SGD(0.1)), epochs=2)
    w = plain.weights.flat.detach().clone().requires_grad_()
    optimizer = sam([w], torch.optim.SGD, rho=0.3, lr=0.1)
    path = [w.detach().clone()]
    for batch in batches(plain, epochs=2):
        w.grad = gradient_at(plain, w, batch)
        optimizer.first_step()
        w.grad = gradient_at(plain, w, batch)
        optimizer.second_step()
        path.append(w.detach().clone())
    # Its norm of the gradient is rounded to float32.
    torch.testing.assert_close(journal.path(0), torch.cat(path), rtol=1e-6, atol=1e-8)


def batches(own: Cohort, epochs: int):
    for epoch in range(1, epochs + 1):
        noise = Noise(own.seeds, epoch)
        yield from own.task.batches(own.split("train"), noise, own.batching(noise))


def gradient_at(own: Cohort, w: Tensor, batch: object) -> Tensor:
    with torch.no_grad():
        own.weights.flat.copy_(w)
    own.weights.differentiate(losses(own, batch, Noise(own.seeds, 1), None)[1])
    return own.weights.gradient.clone()


@pytest.mark.parametrize("by", [Map.exp, Map.cayley])
@pytest.mark.parametrize("model", [GRU(3, 4), LSTM(3, 5)], ids=lambda own: own.cell.name)
def test_orthogonal_maps_are_those_of_geotorch(by: Map, model: GRU | LSTM):
    so = package("geotorch.so").SO
    own = cohort(run(Orthogonal(by)), model=model)
    X, effective = own.weights["layer0.0.W_hh"], dict(own.weights)
    own.regularizers.active["orthogonal"].transform_weights(effective, None)
    shape = (model.cell.gates, model.hidden, model.hidden)
    theirs = so(shape, triv="expm" if by is Map.exp else "cayley").double()
    theirs.base.copy_(torch.eye(model.hidden).expand(shape))
    wanted = theirs(X[0].view(shape))
    torch.testing.assert_close(
        effective["layer0.0.W_hh"][0].view(shape), wanted, rtol=1e-10, atol=1e-12
    )


def test_max_norm_is_keras_constraint():
    """Keras has units in columns, and an epsilon of 1e-7 in the denominator."""
    constraint = package("keras").constraints.MaxNorm(1.5, axis=0)
    weights = random_weights()
    before = {spec.name: W.detach().clone() for spec, W in weights.of(*MATRICES)}
    with torch.no_grad():
        stack([MaxNorm(1.5)] * weights.runs, CPU).after_step(weights, update_of(weights))
    for name, W in before.items():
        for k in range(weights.runs):
            wanted = constraint(W[k].T).T
            torch.testing.assert_close(weights[name][k].detach(), wanted, rtol=1e-6, atol=1e-6)
    assert any(not torch.equal(weights[name].detach(), W) for name, W in before.items())


def test_penalties_are_keras_regularizers():
    """Keras has no factor 1/2 before the squares."""
    of_keras = package("keras").regularizers.L1L2
    weights = random_weights()
    for own, l1, l2 in ((L1(0.1), 0.1, 0.0), (L2(0.1), 0.0, 0.05), (Elastic(0.1), 0.05, 0.025)):
        found = stack([own] * weights.runs, CPU).penalty(weights, trace())
        for k in range(weights.runs):
            terms = [of_keras(l1, l2)(W[k].detach()) for _, W in weights.of(*MATRICES)]
            torch.testing.assert_close(found[k].detach(), sum(terms), rtol=1e-6, atol=0)

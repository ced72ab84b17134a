"""Evaluation is exact: torch's modules on all sequences at once give the same numbers."""

import dataclasses

import pytest
import torch
from torch.nn import functional as F

from rnn_regexp.data.sequences import SequenceData, Split
from rnn_regexp.models import GRU, LSTM, RNN, Model
from rnn_regexp.regularizers.dropout import Dropout
from rnn_regexp.tasks import base
from rnn_regexp.training.cohort import Cohort
from rnn_regexp.training.evaluate import evaluate
from tests.models.twin import Twin
from tests.training.tiny import cohort, pixels, run, sentences

MODELS = [RNN(3, 4, bidirectional=True), GRU(3, 4, layers=2), LSTM(3, 4)]
DATA = {"tokens": sentences(longest=9, valid=37), "features": pixels(longest=9, valid=37)}


@pytest.fixture(params=DATA)
def data(request: pytest.FixtureRequest) -> SequenceData:
    return DATA[request.param]


def two_runs(data: SequenceData, model: Model | None = None) -> Cohort:
    return cohort(run(Dropout(0.5)), run(seed=1), data=data, model=model)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_metrics_are_those_of_torch_without_dropout(data: SequenceData, model: Model):
    own = two_runs(data, model)
    split = own.split("valid")
    metrics = evaluate(own, split)
    assert set(metrics) == {"loss", "accuracy", "macro_f1"}
    for k in range(2):
        logits = Twin.of(model, own.weights, k)(split.inputs.transpose(0, 1), split.lengths)
        loss = F.cross_entropy(logits, split.targets).item()
        assert metrics["loss"][k].item() == pytest.approx(loss, rel=1e-10)
        accuracy = (logits.argmax(dim=1) == split.targets).double().mean().item()
        assert metrics["accuracy"][k].item() == pytest.approx(accuracy, rel=1e-6)


@pytest.mark.parametrize("size", [1, 5, 36, 1000])
def test_the_size_of_batches_changes_nothing(
    data: SequenceData, size: int, monkeypatch: pytest.MonkeyPatch
):
    own = two_runs(data)
    expected = evaluate(own, own.split("valid"))
    monkeypatch.setattr(base, "_BATCH", size)
    found = evaluate(own, own.split("valid"))
    torch.testing.assert_close(found, expected, rtol=1e-13, atol=0)


def test_the_order_of_sequences_changes_nothing(data: SequenceData):
    own = two_runs(data)
    split = own.split("valid")
    order = torch.randperm(len(split), generator=torch.Generator().manual_seed(0))
    other = Split(split.inputs[order], split.lengths[order], split.targets[order])
    found, expected = evaluate(own, other), evaluate(own, split)
    torch.testing.assert_close(found, expected, rtol=1e-13, atol=0)


def test_padding_changes_nothing(data: SequenceData):
    own = two_runs(data)
    split = own.split("valid")
    wider = torch.cat((split.inputs, torch.zeros_like(split.inputs)), dim=1)
    found = evaluate(own, dataclasses.replace(split, inputs=wider))
    torch.testing.assert_close(found, evaluate(own, split), rtol=0, atol=0)


def test_twice_is_the_same_and_leaves_the_weights_alone(data: SequenceData):
    own = two_runs(data)
    before = own.weights.flat.clone()
    first, second = (evaluate(own, own.split("valid")) for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert torch.equal(own.weights.flat, before)
    assert not first["loss"].requires_grad

"""Labels of steps: only judged steps count, and each as much as any other."""

import dataclasses

import pytest
import torch
from torch.nn import functional as F

from rnn_regexp.data.sequences import SequenceData, Split
from rnn_regexp.models import GRU
from rnn_regexp.regularizers.application import NOTHING
from rnn_regexp.training.evaluate import evaluate
from rnn_regexp.training.optimizers import Adam
from tests.training.tiny import cohort, run, sentences, watch


def tagged() -> SequenceData:
    """Whether a token is odd, three steps ago: not judged before, and not behind the end."""
    data = sentences(9, classes="eo", train=60, valid=20)

    def split(own: Split) -> Split:
        targets = torch.full_like(own.inputs, -1)
        targets[:, 3:] = own.inputs[:, :-3] % 2
        targets[torch.arange(targets.shape[1]) >= own.lengths[:, None]] = -1
        return dataclasses.replace(own, targets=targets)

    parts = {name: split(getattr(data, name)) for name in ("train", "valid", "test")}
    return dataclasses.replace(data, **parts, task="tag")


def test_loss_and_metrics_are_means_over_judged_steps():
    own = cohort(run(), run(seed=1), data=tagged(), model=GRU(3, 4, bidirectional=True))
    found = evaluate(own, own.split("valid"))
    batch = own.task.sample(own.split("valid"), 2)
    trace = own.task.forward(own.network(), batch, None)
    loss = own.task.loss(trace, batch, NOTHING)
    for k in range(2):
        steps = trace.logits.shape[1]
        targets = batch.targets[k, :, :steps].T
        judged = targets >= 0
        expected = F.cross_entropy(trace.logits[k][judged], targets[judged]).item()
        hits = (trace.logits[k].argmax(-1) == targets)[judged].double().mean().item()
        assert loss[k].item() == pytest.approx(expected, rel=1e-9)
        assert found["loss"][k].item() == pytest.approx(expected, rel=1e-9)
        assert found["accuracy"][k].item() == pytest.approx(hits, rel=1e-6)


def test_a_network_learns_it():
    own = cohort(run(optimizer=Adam(0.03)), data=tagged(), model=GRU(4, 16), epochs=40)
    (outcome,), _ = watch(own)
    assert outcome.metrics["best/train_eval/accuracy"] > 0.95
    assert outcome.metrics["best/valid/accuracy"] > 0.8


def test_a_sequence_of_which_nothing_is_judged_adds_nothing():
    own = cohort(run(), data=tagged())
    batch = own.task.sample(own.split("valid"), 1)
    silent = dataclasses.replace(batch, targets=torch.full_like(batch.targets, -1))
    trace = own.task.forward(own.network(), silent, None)
    assert own.task.loss(trace, silent, NOTHING).item() == 0
    assert own.task.sums(trace, silent)["steps"].item() == 0

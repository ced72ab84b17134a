"""CTC of K runs against torch's on each, and label error rates by hand."""

import dataclasses
import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from rnn_regexp.data.sequences import SequenceData, Split
from rnn_regexp.models import GRU
from rnn_regexp.tasks.transduce import BLANK, collapse, edit_distance
from rnn_regexp.training.evaluate import evaluate
from rnn_regexp.training.optimizers import Adam
from tests.training.tiny import cohort, run, sentences, watch


def strings() -> SequenceData:
    """Tokens 2 to 8 are to be written down as a, b or c where they stand above the average."""
    data = sentences(9, classes="abc", train=60, valid=20)

    def split(own: Split) -> Split:
        targets = torch.full_like(own.inputs, -1)
        for row, tokens in enumerate(own.inputs.tolist()):
            said = [token - 6 for token in tokens if token >= 6][:3]
            targets[row, : len(said)] = torch.tensor(said, dtype=torch.int64)
        return dataclasses.replace(own, targets=targets, lengths=own.lengths.clamp_min(7))

    parts = {name: split(getattr(data, name)) for name in ("train", "valid", "test")}
    return dataclasses.replace(data, **parts, task="transduce")


def test_the_loss_is_torchs_of_each_sequence():
    own = cohort(run(), run(seed=1), data=strings(), model=GRU(3, 4))
    assert own.weights["head.W_yh"].shape[1] == 4
    batch = own.task.sample(own.split("valid"), 2)
    trace = own.task.forward(own.network(), batch, None)
    each = own.task.last_loss(trace, batch)
    for k, b in itertools.product(range(2), range(batch.lengths.shape[1])):
        labels = batch.targets[k, b][batch.targets[k, b] >= 0] + 1
        log_p = trace.logits[k, : batch.lengths[k, b], b].log_softmax(-1)
        expected = F.ctc_loss(
            log_p[:, None], labels[None], batch.lengths[k, b][None], torch.tensor([len(labels)]),
            BLANK, reduction="none",
        )  # fmt: skip
        assert each[k, b].item() == pytest.approx(expected.item() / max(1, len(labels)), rel=1e-9)


def test_metrics_are_over_all_sequences_and_labels():
    own = cohort(run(), run(seed=1), data=strings(), model=GRU(3, 4))
    split = own.split("valid")
    found = evaluate(own, split)
    batch = own.task.sample(split, 2)
    trace = own.task.forward(own.network(), batch, None)
    for k in range(2):
        edits = labels = 0
        for b in range(20):
            said = [label for label in batch.targets[k, b].tolist() if label >= 0]
            path = trace.logits[k, : batch.lengths[k, b], b].argmax(-1).tolist()
            edits, labels = edits + edit_distance(collapse(path), said), labels + len(said)
        assert found["label_error_rate"][k].item() == pytest.approx(edits / labels)
        losses = own.task.last_loss(trace, batch)[k]
        assert found["loss"][k].item() == pytest.approx(losses.mean().item(), rel=1e-9)


def test_a_network_learns_it():
    own = cohort(run(optimizer=Adam(0.03)), data=strings(), model=GRU(6, 24), epochs=60)
    (outcome,), _ = watch(own)
    assert outcome.metrics["best/train_eval/label_error_rate"] < 0.2
    assert outcome.history[0]["valid/label_error_rate"] > 0.6


def test_repetitions_are_merged_before_blanks_are_removed():
    assert collapse([0, 1, 1, 0, 1, 2, 2, 0, 0, 3]) == [0, 0, 1, 2]
    assert collapse([]) == collapse([0, 0]) == []


@pytest.mark.parametrize(
    ("one", "other", "edits"),
    [("kitten", "sitting", 3), ("", "abc", 3), ("abc", "", 3), ("abc", "abc", 0), ("ab", "ba", 2)],
)
def test_edit_distances_that_are_known(one: str, other: str, edits: int):
    assert edit_distance(one, other) == edits


@given(st.text("ab", max_size=6), st.text("ab", max_size=6), st.text("ab", max_size=6))
def test_edit_distance_is_a_metric(a: str, b: str, c: str):
    assert edit_distance(a, b) == edit_distance(b, a)
    assert (edit_distance(a, b) == 0) is (a == b)
    assert edit_distance(a, c) <= edit_distance(a, b) + edit_distance(b, c)
    assert abs(len(a) - len(b)) <= edit_distance(a, b) <= max(len(a), len(b))

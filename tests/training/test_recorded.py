"""Recorded training is plain training, to the last bit, whatever changes from step to step.

What a recording freezes (``tape``) must not change: of all that a schedule, an epoch's end, a
divergence, a run that leaves or a batch of another shape changes, nothing may stand in Python.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from rnn_regexp.models import GRU, LSTM, RNN, Model
from rnn_regexp.models.attention import Score
from rnn_regexp.models.lstm import Mogrifier
from rnn_regexp.models.pooling import Pooling
from rnn_regexp.models.rnn import Nonlinearity
from rnn_regexp.recurrence.backends import Backend
from rnn_regexp.regularizers.clip import Clip
from rnn_regexp.regularizers.dropout import Dropout
from rnn_regexp.regularizers.early_stopping import EarlyStopping
from rnn_regexp.regularizers.ema import Ema
from rnn_regexp.regularizers.fraternal import Fraternal
from rnn_regexp.regularizers.recurrent_batch_norm import RecurrentBatchNorm
from rnn_regexp.regularizers.sam import Sam
from rnn_regexp.regularizers.variable_bptt import VariableBptt
from rnn_regexp.regularizers.weight_decay import WeightDecay
from rnn_regexp.regularizers.zoneout import Zoneout
from rnn_regexp.training import loop
from rnn_regexp.training.checkpoint import Checkpoint
from rnn_regexp.training.cohort import Cohort, RunSettings
from rnn_regexp.training.graph import Graphed
from rnn_regexp.training.optimizers import ALL as OPTIMIZERS
from rnn_regexp.training.optimizers import ASGD, SGD, Averaging, Optimizer, RMSprop
from rnn_regexp.training.record import Outcome
from rnn_regexp.training.schedules import Cosine, Moment, Plateau, Schedule
from rnn_regexp.training.settings import Precision, Reduction
from tests.regularizers.catalogue import BESIDE, Technique, each, name_of, problem_of, strong
from tests.tasks.test_forecast import series
from tests.tasks.test_tag import tagged
from tests.training.tape import Taping
from tests.training.test_checkpoint import cut_after
from tests.training.test_steps import ASKING
from tests.training.tiny import cohort, pixels, run, stream, translations, without_time

Make = Callable[[], Cohort]
Train = Callable[..., list[Outcome]]

EPOCHS = 4
MIDDLE = 2  # the epoch in which a run diverges, and another stops early
STOPS = EarlyStopping(MIDDLE - 1, min_delta=1e3)


@dataclass
class Leap(Schedule):
    """A rate that no run survives, from the middle of training on."""

    def factor(self, at: Moment) -> float:
        return math.inf if at.epoch >= MIDDLE and at.step % at.steps_per_epoch else 1.0


def lively(*runs: RunSettings) -> list[RunSettings]:
    """Runs of which each has a schedule; the last diverges in the middle."""
    warming, falling, leaping = Cosine(warmup=0.3, floor=0.1), Plateau(patience=0), Leap()
    schedules = (*(warming, falling)[: len(runs) - 1], leaping)
    return [replace(own, schedule=by) for own, by in zip(runs, schedules, strict=True)]


def one_hot(ids: Tensor, classes: int) -> Tensor:
    """torch's, which on CPU alone looks whether every id is below ``classes``."""
    return (ids[..., None] == torch.arange(classes)).long()


@pytest.fixture
def train(monkeypatch: pytest.MonkeyPatch) -> Train:
    """Trains plainly and by recordings, the host behaving as on CUDA, and compares."""
    for place in ASKING:
        monkeypatch.setattr(f"rnn_regexp.{place}.may_ask", lambda device: False)
    monkeypatch.setattr(functional, "one_hot", one_hot)

    def compared(make: Make, by: Callable[[Cohort], list[Outcome]] = loop.train) -> list[Outcome]:
        expected = loop.train(plain := make())
        taping = Taping()
        monkeypatch.setattr(
            Graphed, "on", lambda device, *words: Graphed(*words, taping if device else None)
        )
        found = by(own := make())
        assert taping.replays > taping.recordings
        assert [without_time(one) for one in found] == [without_time(one) for one in expected]
        assert torch.equal(own.weights.flat, plain.weights.flat)
        for outcome, other in zip(found, expected, strict=True):
            assert outcome.metrics == other.metrics
            assert outcome.diverged_at == other.diverged_at
            assert outcome.stopped_at == other.stopped_at
        return found

    return compared


@each
def test_with_every_technique(technique: Technique, train: Train):
    problem = problem_of(strong(technique))
    beside = BESIDE.get(name_of(technique), ())
    other = (strong(technique),) if technique.separate else ()

    def made() -> Cohort:
        runs = (
            run(strong(technique), *beside),
            run(*other, *beside, seed=1),
            run(strong(technique), *beside, seed=2),
        )
        return problem.cohort(*lively(*runs), epochs=EPOCHS)

    *_, last = train(made)
    assert last.diverged_at


OPTIMIZED: tuple[tuple[Optimizer, ...], ...] = (
    *((kind(), kind(lr=0.05), kind()) for kind in OPTIMIZERS),
    (SGD(0.1, 0.9, nesterov=True), SGD(0.2, 0.5, nesterov=True), SGD(nesterov=True)),
    (RMSprop(momentum=0.9), RMSprop(alpha=0.5), RMSprop()),
    (ASGD(0.1, t0=3), ASGD(0.1, t0=2, averaging=Averaging.torch), ASGD(t0=0)),
)


@pytest.mark.parametrize("three", OPTIMIZED, ids=lambda own: type(own[0]).__name__)
def test_with_every_optimizer(three: tuple[Optimizer, ...], train: Train):
    def made() -> Cohort:
        techniques = (Clip(0.5), WeightDecay(1e-3), STOPS), (Dropout(0.5),), ()
        runs = (run(*own, seed=k, optimizer=three[k]) for k, own in enumerate(techniques))
        return cohort(*lively(*runs), epochs=EPOCHS)

    first, _, last = train(made)
    assert (first.stopped_at, last.diverged_at > 0) == (MIDDLE, True)


WINDOWS = {"data": stream(), "window": 6}
NORMALIZED = RecurrentBatchNorm(True), Fraternal(0.15), Dropout(0.5)
CASES: dict[str, tuple[Model, dict[str, object]]] = {
    "two layers, both directions": (GRU(3, 4, layers=2, bidirectional=True), {}),
    "tanh": (RNN(3, 4), {"data": pixels()}),
    "relu": (RNN(3, 4, nonlinearity=Nonlinearity.relu), {"data": tagged()}),
    "mean": (LSTM(3, 4, pooling=Pooling.mean), {"data": series()}),
    "max": (LSTM(3, 4, pooling=Pooling.max), {"backend": Backend.cells}),
    "attention": (LSTM(3, 4, pooling=Pooling.attention), {"backend": Backend.scan}),
    "mogrifier": (LSTM(3, 4, mogrifier=Mogrifier(3, rank=2)), {"precision": Precision.float32}),
    "bfloat16": (GRU(3, 4), {"precision": Precision.bfloat16}),
    "windows": (LSTM(4, 4, layers=2), {**WINDOWS, "reduction": Reduction.time_sum}),
    "dot": (LSTM(4, 4, attention=Score.dot), {"data": translations()}),
    "general": (GRU(4, 4), {"data": translations()}),
    "concat": (GRU(4, 4, attention=Score.concat), {"data": translations()}),
}


@pytest.mark.parametrize("case", CASES)
def test_with_every_model(case: str, train: Train):
    model, words = CASES[case]

    def made() -> Cohort:
        runs = (
            run(STOPS, Ema(0.5), Zoneout(0.2)),
            run(Clip(0.1), WeightDecay(1e-3), seed=1),
            run(Dropout(0.5), seed=2),
        )
        return cohort(*lively(*runs), model=model, epochs=EPOCHS, **words)

    first, _, last = train(made)
    assert (first.stopped_at, last.diverged_at > 0) == (MIDDLE, True)


def test_with_windows_of_random_length(train: Train):
    def made() -> Cohort:
        runs = (
            run(VariableBptt(0.5, least=2), STOPS),
            run(Sam(0.05), seed=1),
            run(VariableBptt(0.2, least=2), Dropout(0.5), seed=2),
        )
        return cohort(*lively(*runs), model=LSTM(4, 4), epochs=EPOCHS, **WINDOWS)

    first, _, last = train(made)
    assert (first.stopped_at, last.diverged_at > 0) == (MIDDLE, True)


def test_resumed(train: Train, tmp_path: Path):
    path = tmp_path / "a.safetensors"

    def made() -> Cohort:
        runs = run(STOPS, Ema(0.5)), run(Dropout(0.5), seed=1), run(Zoneout(0.2), seed=2)
        return cohort(*lively(*runs), epochs=EPOCHS)

    def interrupted(own: Cohort) -> list[Outcome]:
        cut_after(made(), Checkpoint(path, "me"), 5)
        return loop.train(own, checkpoint=Checkpoint(path, "me"))

    train(made, interrupted)


def test_with_techniques_that_need_a_cohort_of_their_own(train: Train):
    def made() -> Cohort:
        runs = (run(*NORMALIZED, STOPS), run(*NORMALIZED, seed=1), run(*NORMALIZED, seed=2))
        model = LSTM(3, 4, mogrifier=Mogrifier(3))
        return cohort(*lively(*runs), model=model, epochs=EPOCHS)

    first, _, last = train(made)
    assert (first.stopped_at, last.diverged_at > 0) == (MIDDLE, True)

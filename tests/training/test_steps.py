"""Steps that ask the device nothing, as a recording needs them: on meta tensors, and on CUDA."""

from collections.abc import Iterator
from contextlib import nullcontext

import pytest
import torch
from torch import Tensor

from rnn_regexp.models import GRU, LSTM
from rnn_regexp.models.lstm import Mogrifier
from rnn_regexp.noise import Noise
from rnn_regexp.regularizers.clip import Clip
from rnn_regexp.regularizers.dropout import Dropout
from rnn_regexp.regularizers.ema import Ema
from rnn_regexp.regularizers.fraternal import Fraternal
from rnn_regexp.regularizers.recurrent_batch_norm import RecurrentBatchNorm
from rnn_regexp.regularizers.sam import Sam
from rnn_regexp.regularizers.stack import RegularizerStack
from rnn_regexp.regularizers.variable_bptt import VariableBptt
from rnn_regexp.regularizers.weight_decay import WeightDecay
from rnn_regexp.regularizers.zoneout import Zoneout
from rnn_regexp.training import loop
from rnn_regexp.training.cohort import Cohort
from rnn_regexp.training.evaluate import carried
from rnn_regexp.training.graph import Graphed
from rnn_regexp.training.optimizers import ALL as OPTIMIZERS
from rnn_regexp.training.optimizers import ASGD, SGD, Adam, Optimizer
from rnn_regexp.training.record import Outcome
from rnn_regexp.training.settings import Device, Training
from rnn_regexp.training.steps import Steps, put_together, taken_apart
from rnn_regexp.training.tally import Tally
from tests.regularizers.catalogue import BESIDE, Technique, each, name_of, problem_of, strong
from tests.training.tiny import cohort, pixels, run, stream, without_time

# Who leaves out padding, and compiles, where it may ask: that is another rounding.
ROUNDING = ("recurrence.layer", "recurrence.lengths", "recurrence.ragged", "compiler")
ASKING = ("host", "training.optimizers", *ROUNDING)  # where the device is considered


@pytest.fixture
def nothing_to_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    """The host behaves as on CUDA."""
    for place in ASKING:
        monkeypatch.setattr(f"rnn_regexp.{place}.may_ask", lambda device: False)


@pytest.fixture
def without_values(nothing_to_ask: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tensors have shapes, types and a device of their own, and no values that could be asked."""
    monkeypatch.setattr(Training, "torch_device", lambda self: torch.device("meta"))
    monkeypatch.setattr(Cohort, "autocast", lambda self: nullcontext())
    monkeypatch.setattr(torch, "is_autocast_enabled", lambda device: False)
    monkeypatch.setattr(RegularizerStack, "initialize", lambda self, weights, noise: None)
    number = torch.tensor(-1.0, device="meta")  # on CUDA one of the host's may stand beside
    monkeypatch.setattr("rnn_regexp.recurrence.sigmoid._MINUS_ONE", number)


def first_batch(own: Cohort) -> tuple[object, Tensor]:
    noise = Noise(torch.arange(own.runs), 1)
    data = own.task.data.train
    how = own.batching(noise)
    how = type(how)(how.batch_size, how.window)
    batch = next(iter(own.task.batches(data, noise, how)))
    tensors, form = taken_apart(batch, None)
    dtype = own.weights.flat.dtype
    there = (it.to(own.device, dtype if it.is_floating_point() else None) for it in tensors)
    return put_together(tuple(there), form)[0]


def one_step(own: Cohort) -> Tally:
    tally = Tally(own.runs, own.weights.flat.detach())
    Steps(own, tally)(first_batch(own), carried(own, None, True))
    return tally


@each
def test_a_step_asks_the_device_nothing(technique: Technique, without_values: None):
    """On the meta device a look at a value is an error; so is another device's tensor."""
    own = strong(technique)
    problem = problem_of(own)
    beside = BESIDE.get(name_of(technique), ())
    runs = [run(own, *beside), run(*beside, seed=1), run(own, *beside, seed=2)]
    if technique.separate:
        runs = [runs[0], runs[2]]
    tally = one_step(problem.cohort(*runs))
    assert tally.steps.is_meta


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_nor_does_an_optimizer(kind: type[Optimizer], without_values: None):
    assert one_step(cohort(run(optimizer=kind()), run(optimizer=kind(), seed=1))).steps.is_meta


MODELS = [
    GRU(3, 4, layers=2, bidirectional=True),
    LSTM(3, 4),
    LSTM(3, 4, mogrifier=Mogrifier(3, rank=2)),
]


@pytest.mark.parametrize("model", MODELS)
def test_nor_does_a_model(model: object, without_values: None):
    assert one_step(cohort(run(), run(seed=1), model=model)).steps.is_meta
    assert one_step(cohort(run(), model=model, data=pixels())).steps.is_meta


def recorded_cohorts(**training: object) -> Iterator[Cohort]:
    yield cohort(
        run(Dropout(0.5), Clip(0.1), WeightDecay(1e-3), optimizer=Adam(0.05)),
        run(Ema(0.5), seed=1, optimizer=Adam(0.01)),
        run(Zoneout(0.2), seed=2, optimizer=Adam(1e200)),  # diverges
        **training,
    )
    ascending = run(Sam(0.05), optimizer=SGD(0.1, 0.9))
    yield cohort(ascending, run(seed=1, optimizer=SGD(0.2)), **training)
    runs = (
        run(VariableBptt(0.5, least=2), optimizer=ASGD(0.1, t0=3)),
        run(seed=1, optimizer=ASGD(0.1)),
    )
    yield cohort(*runs, model=LSTM(3, 4), data=stream(), window=6, **training)
    normalized = RecurrentBatchNorm(True), Fraternal(0.15), Dropout(0.5)
    mogrifier = LSTM(3, 4, mogrifier=Mogrifier(3))
    yield cohort(run(*normalized), run(*normalized, seed=1), model=mogrifier, **training)


def test_on_cuda_training_is_that_on_the_host_up_to_rounding(nothing_to_ask: None):
    """The path without looks, on CPU: the optimizers' own updates in place of torch's."""
    own = next(recorded_cohorts())
    found = loop.train(own)
    with pytest.MonkeyPatch.context() as looking:
        for place in set(ASKING) - set(ROUNDING):
            looking.setattr(f"rnn_regexp.{place}.may_ask", lambda device: True)
        expected = loop.train(other := next(recorded_cohorts()))
    assert [one.diverged_at for one in found] == [one.diverged_at for one in expected]
    torch.testing.assert_close(own.weights.flat, other.weights.flat, rtol=1e-8, atol=1e-10)


def test_where_recording_fails_steps_are_plain_and_a_warning_says_so(
    monkeypatch: pytest.MonkeyPatch,
):
    def refused(call: object) -> None:
        call()
        raise RuntimeError("operation not permitted when stream is capturing\nmore")

    monkeypatch.setattr(
        Graphed, "on", lambda device, function, state: Graphed(function, state, refused)
    )
    with pytest.warns(RuntimeWarning, match="^steps are not recorded, and slower: operation not"):
        found = loop.train(own := cohort(run(Dropout(0.5))))
    monkeypatch.undo()
    expected = loop.train(other := cohort(run(Dropout(0.5))))
    assert [without_time(one) for one in found] == [without_time(one) for one in expected]
    assert torch.equal(own.weights.flat, other.weights.flat)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device: no graph is recorded")
@pytest.mark.parametrize("number", range(4))
def test_on_cuda_replayed_steps_are_the_plain_ones(number: int):
    def trained(graph: bool) -> tuple[list[Outcome], Tensor]:
        own = list(recorded_cohorts(device=Device.cuda, graph=graph))[number]
        return loop.train(own), own.weights.flat

    (found, flat), (expected, plain) = trained(True), trained(False)
    assert [one.diverged_at for one in found] == [one.diverged_at for one in expected]
    torch.testing.assert_close(flat, plain, rtol=1e-8, atol=1e-10)

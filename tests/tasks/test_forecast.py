"""Errors of forecasts against scikit-learn, and the naive forecast as the unit of MASE."""

import dataclasses

import pytest
import torch
from sklearn.metrics import mean_absolute_error, mean_squared_error

from rnn_regexp.data.batches import Batch
from rnn_regexp.data.sequences import SequenceData, Split
from rnn_regexp.models import GRU
from rnn_regexp.regularizers.application import NOTHING
from rnn_regexp.regularizers.trace import Trace
from rnn_regexp.tasks import Forecast
from rnn_regexp.tasks.base import add_up
from rnn_regexp.training.optimizers import Adam
from tests.training.tiny import cohort, pixels, run, watch

NAIVE = torch.tensor([0.5, 2.0])


def series() -> SequenceData:
    """Two numbers to be predicted from features: their sum over time, and the last of them."""
    data = pixels(7, train=40)

    def split(own: Split) -> Split:
        last = own.inputs[torch.arange(len(own)), own.lengths - 1, 0]
        return dataclasses.replace(own, targets=torch.stack((own.inputs.sum((1, 2)), last), dim=1))

    parts = {name: split(getattr(data, name)) for name in ("train", "valid", "test")}
    return dataclasses.replace(
        data, **parts, classes=(), task="forecast", constants={"naive": NAIVE}
    )


def seen(outputs: torch.Tensor, targets: torch.Tensor) -> tuple[Trace, Batch]:
    lengths = torch.ones(outputs.shape[:2], dtype=torch.int64)
    return Trace(outputs, outputs, (), (), lengths), Batch(lengths[:, None], lengths, targets)


def test_metrics_are_those_of_scikit_learn_over_all_batches():
    generator = torch.Generator().manual_seed(0)
    outputs, targets = torch.randn(2, 3, 9, 2, generator=generator, dtype=torch.double)
    task = Forecast(series())
    cuts = ((0, 4), (4, 8), (8, 9))
    parts = [task.sums(*seen(outputs[:, a:b], targets[:, a:b])) for a, b in cuts]
    found = task.summarize(add_up(parts))
    for k in range(3):
        pair = targets[k].numpy(), outputs[k].numpy()
        squared = mean_squared_error(*pair)
        assert found["loss"][k].item() == pytest.approx(squared)
        assert found["rmse"][k].item() == pytest.approx(squared**0.5)
        assert found["mae"][k].item() == pytest.approx(mean_absolute_error(*pair))
        columns = mean_absolute_error(*pair, multioutput="raw_values")
        mase = (columns / NAIVE.numpy()).mean()
        assert found["mase"][k].item() == pytest.approx(mase)
    loss = task.loss(*seen(outputs, targets), NOTHING)
    torch.testing.assert_close(loss, found["loss"])
    each = task.last_loss(*seen(outputs, targets))
    assert each.shape == (3, 9)
    torch.testing.assert_close(each.mean(dim=1), loss)


def test_a_network_learns_it():
    own = cohort(run(optimizer=Adam(0.02)), data=series(), model=GRU(3, 8), epochs=40)
    assert own.weights["head.W_yh"].shape == (1, 2, 8)
    (outcome,), _ = watch(own)
    first, last = outcome.history[0], outcome.history[-1]
    assert last["valid/loss"] < 0.3 * first["valid/loss"]
    assert set(own.task.metrics) == {n.split("/")[1] for n in last if n.startswith("valid/")}

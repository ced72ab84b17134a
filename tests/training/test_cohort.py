"""Which runs train together, and what a cohort makes of its data."""

import dataclasses

import pytest
import torch

from rnn_regexp.models import GRU, LSTM
from rnn_regexp.regularizers.base import Regularizer
from rnn_regexp.regularizers.clip import By, Clip
from rnn_regexp.regularizers.dropout import Dropout, Where
from rnn_regexp.regularizers.init import Init, Scheme
from rnn_regexp.training.cohort import compatible, key, structure
from rnn_regexp.training.optimizers import SGD, Adam
from rnn_regexp.training.settings import Device, Precision, Training
from tests.training.tiny import cohort, pixels, run


def test_runs_that_differ_in_per_run_settings_have_one_structure():
    assert key([Adam(0.1), GRU()]) == key([Adam(0.2, eps=1e-3), GRU()])
    assert key([Dropout(0.1)]) == key([Dropout(0.2)])
    assert key([Clip(1.0)]) == key([Clip(5.0, By.value)])
    assert key([Training()]) == key([Training(device=Device.cpu)])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (GRU(), LSTM()),
        (GRU(), GRU(hidden=65)),
        (GRU(), GRU(bidirectional=True)),
        (Adam(), SGD()),
        (SGD(), SGD(nesterov=True)),
        (Training(), Training(epochs=11)),
        (Training(), Training(precision=Precision.float64)),
        (Dropout(0.1), Dropout(0.1, locked=True)),
        (Dropout(0.1), Dropout(0.1, on=[Where.input])),
    ],
    ids=str,
)
def test_runs_that_differ_in_shape_do_not(one: object, other: object):
    assert key([one]) != key([other])


def fit(*sets: dict[str, Regularizer]) -> bool:
    return compatible([structure(own) for own in sets])


def test_one_run_may_lack_what_another_has():
    dropout, clip = {"dropout": Dropout(0.5)}, {"clip": Clip(1.0)}
    assert fit(dropout, clip, {}, dropout | clip)
    assert fit(dropout, {"dropout": Dropout(0.1)})


def test_a_technique_that_two_runs_use_must_have_one_structure():
    locked = {"dropout": Dropout(0.1, locked=True)}
    assert not fit({"dropout": Dropout(0.5)}, locked)
    assert not fit({"dropout": Dropout(0.5)}, {}, locked)
    assert fit({"dropout": Dropout(0.0)}, locked)  # without strength its structure has no effect


def test_the_weights_are_those_of_the_seed():
    own = cohort(run(seed=4), run(Init(Scheme.orthogonal), seed=4), run(seed=5))
    head = own.weights["head.b_y"]
    assert torch.equal(head[0], head[1])
    assert not torch.equal(head[0], head[2])


DTYPES = {
    Precision.float32: torch.float32,
    Precision.float64: torch.float64,
    Precision.bfloat16: torch.float32,  # the products alone are in bfloat16
}


@pytest.mark.parametrize("precision", Precision)
def test_features_come_in_the_cohorts_precision(precision: Precision):
    own = cohort(run(), data=pixels(), precision=precision)
    split = own.split("valid")
    assert split.inputs.dtype is own.weights.flat.dtype is DTYPES[precision]
    assert split.lengths.dtype is split.targets.dtype is torch.int64


def test_sizes_follow_from_the_data():
    own = cohort(run(), run(), data=pixels(), model=GRU(7, 5, bidirectional=True))
    assert own.runs == 2
    assert own.weights["layer0.1.W_hx"].shape == (2, 15, 4)
    assert own.weights["head.W_yh"].shape == (2, 3, 10)


def test_every_setting_of_a_cohort_is_marked():
    for settings in (Adam, SGD, GRU, Training):
        assert all("per_run" in field.metadata for field in dataclasses.fields(settings))

"""Which backend computes what on CUDA, with and without Triton; no device is needed to ask."""

from types import SimpleNamespace

import pytest
import torch

from rnn_regexp import kernels
from rnn_regexp.recurrence.backends import Backend, choose
from rnn_regexp.recurrence.cells import ALL, GRU, LSTM
from rnn_regexp.recurrence.layer import layer
from tests.recurrence.examples import example


class OnCuda(SimpleNamespace):
    """What ``choose`` asks of inputs (K, T, B, D)."""

    is_cuda, device, dtype = True, torch.device("cuda"), torch.float32

    def __len__(self) -> int:
        return self.runs


@pytest.mark.parametrize(
    ("runs", "asked", "with_triton", "without"),
    [
        (1, {}, Backend.native, Backend.native),
        (8, {}, Backend.cuda, Backend.native),
        (1, {"noise": True}, Backend.cuda, Backend.scan),
        (8, {"noise": True}, Backend.cuda, Backend.scan),
        (1, {"every_c": True}, Backend.cuda, Backend.scan),
    ],
)
def test_auto(
    runs: int,
    asked: dict[str, bool],
    with_triton: Backend,
    without: Backend,
    monkeypatch: pytest.MonkeyPatch,
):
    for there, wanted in ((True, with_triton), (False, without)):
        monkeypatch.setattr(kernels, "ready", lambda device, there=there: there)
        for cell in ALL:
            assert choose(Backend.auto, cell, OnCuda(runs=runs), **asked) is wanted


def test_cuda_is_refused_where_it_does_not_run(monkeypatch: pytest.MonkeyPatch):
    own = example(GRU, runs=2)
    monkeypatch.setattr(kernels, "obstacle", lambda device: "Triton cannot be imported (none)")
    with pytest.raises(ValueError) as refusal:  # noqa: PT011
        layer(GRU, own.inputs, None, own.weights, Backend.cuda)
    assert str(refusal.value) == (
        "backend cuda does not run here: Triton cannot be imported (none); take auto or scan"
    )


def test_cuda_is_taken_when_forced(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(kernels, "obstacle", lambda device: None)
    assert choose(Backend.cuda, LSTM, torch.zeros(1)) is Backend.cuda

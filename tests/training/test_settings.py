"""Device and precision as asked for."""

import pytest
import torch

from rnn_regexp.recurrence.backends import Backend
from rnn_regexp.training.settings import Device, DeviceError, Precision, Training


@pytest.mark.parametrize(
    ("asked", "present", "device"),
    [
        (Device.auto, False, "cpu"),
        (Device.auto, True, "cuda"),
        (Device.cpu, True, "cpu"),
        (Device.cuda, True, "cuda"),
    ],
)
def test_device(asked: Device, present: bool, device: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: present)
    assert Training(device=asked).torch_device().type == device


def test_cuda_that_is_absent_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DeviceError) as refusal:
        Training(device=Device.cuda).torch_device()
    assert str(refusal.value) == "training.device=cuda: no CUDA device here (allowed: auto, cpu)"


def test_precision():
    assert Training().dtype() is torch.float32
    assert Training(precision=Precision.float64).dtype() is torch.float64


@pytest.mark.parametrize(("field", "least"), [("epochs", 1), ("batch_size", 1), ("limit", 2)])
def test_budgets_below_the_least_are_refused(field: str, least: int):
    Training(**{field: least})
    line = rf"^Training\.{field} must be in \[{least}, inf\), got {least - 1}$"
    with pytest.raises(ValueError, match=line):
        Training(**{field: least - 1})


def test_our_kernels_are_refused_where_they_do_not_run(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("rnn_regexp.kernels.obstacle", lambda device: f"no kernels on {device}")
    monkeypatch.setattr("rnn_regexp.compiler.obstacle", lambda device: None)
    own = Training(backend=Backend.cuda, device=Device.cpu)
    with pytest.raises(DeviceError) as refusal:
        own.torch_device()
    expected = "training.backend=cuda: no kernels on cpu (allowed: auto, cells, scan, native, cpu)"
    assert str(refusal.value) == expected

"""Kernels are used where they run; where they do not, one line says why."""

import importlib
import warnings
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
import torch

from rnn_regexp import kernels

CUDA, CPU = torch.device("cuda"), torch.device("cpu")


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing remembered, Triton there and compiled, a device of the newest kind."""
    kernels.obstacle.cache_clear()
    kernels._tell.cache_clear()
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    monkeypatch.setattr(
        importlib, "import_module", lambda name: SimpleNamespace(__version__="3.10")
    )
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (9, 0))
    yield
    kernels.obstacle.cache_clear()
    kernels._tell.cache_clear()


def without_triton(name: str) -> None:
    raise ImportError(f"No module named '{name}'")


def test_on_cuda_kernels_are_used():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert kernels.ready(CUDA)


def test_on_cpu_they_are_not_and_nothing_is_said(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(importlib, "import_module", without_triton)
    assert not kernels.ready(CPU)


def test_without_triton_one_warning_says_so(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(importlib, "import_module", without_triton)
    with pytest.warns(RuntimeWarning) as told:
        assert not any(kernels.ready(CUDA) for _ in range(3))
    assert [str(own.message) for own in told] == [
        "Triton cannot be imported (No module named 'triton'): noise and recurrences of several"
        " runs are computed by torch alone, slower"
    ]


@pytest.mark.parametrize("version", ["2.1.0", "3.3.1+git1"])
def test_an_old_triton_is_named(version: str, monkeypatch: pytest.MonkeyPatch):
    own = SimpleNamespace(__version__=version)
    monkeypatch.setattr(importlib, "import_module", lambda name: own)
    assert kernels.obstacle(CUDA) == f"Triton {version} is too old, 3.4 is needed"


def test_an_old_device_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (7, 5))
    assert kernels.obstacle(CUDA) == (
        "Triton's kernels need compute capability 8.0, this device has 7.5"
    )


def test_a_cpu_needs_the_interpreter(monkeypatch: pytest.MonkeyPatch):
    assert kernels.obstacle(CPU) == "Triton's kernels need a CUDA device, not cpu"
    kernels.obstacle.cache_clear()
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    assert kernels.obstacle(CPU) is None
    assert not kernels.ready(CPU)

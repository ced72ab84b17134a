"""Numba is there or not, and what it compiled is kept where it can be."""

import stat
from pathlib import Path

import pytest
import torch

from rnn_regexp import compiler
from rnn_regexp.recurrence.cells import GRU
from rnn_regexp.recurrence.layer import Backend, choose, layer
from rnn_regexp.training.settings import DeviceError, Training
from tests.recurrence.examples import example


@pytest.fixture
def anew() -> None:
    """What a process finds out once is found out again, before and after."""
    for known in (compiler.obstacle, compiler._folder):
        known.cache_clear()
    yield
    for known in (compiler.obstacle, compiler._folder):
        known.cache_clear()


@pytest.fixture
def without_numba(anew: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(name: str) -> None:
        raise ImportError(f"No module named '{name}'")

    monkeypatch.setattr(compiler.importlib, "import_module", refused)


def test_without_numba_the_scan_is_taken(without_numba: None):
    assert choose(Backend.auto, GRU, torch.zeros(1), noise=True) is Backend.scan


def test_without_numba_its_kernels_are_refused(without_numba: None):
    why = (
        "Numba cannot be imported (No module named 'numba'); pip install 'rnn-regexp[fast]' "
        "brings it"
    )
    own = example(GRU, runs=1)
    with pytest.raises(ValueError) as refusal:  # noqa: PT011
        layer(GRU, own.inputs, None, own.weights, Backend.cpu)
    assert str(refusal.value) == f"backend cpu does not run here: {why}; take auto or scan"
    with pytest.raises(DeviceError) as refusal:
        Training(backend=Backend.cpu).torch_device()
    assert str(refusal.value).startswith(f"training.backend=cpu: {why} (allowed: auto, cells, scan")


def test_nothing_is_compiled_for_cuda():
    assert compiler.obstacle(torch.device("cuda")) == "Numba compiles for the CPU, not for cuda"


def test_what_is_kept_is_the_users_alone(
    anew: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    folder = compiler._folder()
    assert folder is not None
    assert folder.parent == tmp_path / "rnn_regexp" / "compiled"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize("where", ["/proc/nowhere", "/dev/full"])
def test_where_nothing_can_be_kept_it_is_compiled_all_the_same(
    where: str, anew: None, monkeypatch: pytest.MonkeyPatch
):
    pytest.importorskip("numba")
    monkeypatch.setenv("NUMBA_CACHE_DIR", where)
    assert compiler._folder() is None
    with compiler.alone():
        assert compiler.compiled(lambda x: 2 * x)(3) == 6


def test_nor_does_a_user_without_a_home_fail(anew: None, monkeypatch: pytest.MonkeyPatch):
    for name in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)

    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(compiler.Path, "home", homeless)
    assert compiler._folder() is None

"""Numba is there or not, and what it compiled is kept where it can be."""

import fcntl
import os
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from rnn_regexp import compiler
from rnn_regexp.recurrence.backends import Backend, choose
from rnn_regexp.recurrence.cells import GRU
from rnn_regexp.recurrence.layer import layer
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
    double, found = compiler.compiled(lambda x: 2 * x), []
    compiler.first(lambda: found.append(double(3)))
    assert found == [6]


def test_nor_does_a_user_without_a_home_fail(anew: None, monkeypatch: pytest.MonkeyPatch):
    for name in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)

    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(compiler.Path, "home", homeless)
    assert compiler._folder() is None


class Numba(SimpleNamespace):
    """One that imports."""

    __version__ = "0.61.2"
    config = SimpleNamespace(DISABLE_JIT=0)


@pytest.mark.parametrize(
    ("numba", "why"),
    [
        (OSError("libllvm.so is missing"), "Numba does not start (OSError: libllvm.so is missing)"),
        (AttributeError("_ARRAY_API"), "Numba does not start (AttributeError: _ARRAY_API)"),
        (Numba(__version__="0.60.0"), "Numba 0.60.0 is too old, 0.61 is needed"),
        (
            Numba(config=SimpleNamespace(DISABLE_JIT=1)),
            "Numba is told not to compile (NUMBA_DISABLE_JIT)",
        ),
        (Numba(), None),
    ],
)
def test_a_numba_that_does_not_work_is_as_good_as_none(
    numba: object, why: str | None, anew: None, monkeypatch: pytest.MonkeyPatch
):
    def imported(name: str) -> object:
        if isinstance(numba, Exception):
            raise numba
        return numba

    monkeypatch.setattr(compiler.importlib, "import_module", imported)
    assert compiler.obstacle(torch.device("cpu")) == why
    wanted = Backend.cpu if why is None else Backend.scan
    assert choose(Backend.auto, GRU, torch.zeros(1)) is wanted


SUM = """
import torch
from rnn_regexp.recurrence.cpu_products import product
assert product(torch.ones(1, 3, 2), torch.ones(1, 2, 40)).eq(2).all()
"""


@pytest.mark.parametrize("kind", ["nbi", "nbc"])
def test_what_was_kept_and_is_damaged_is_compiled_anew(kind: str, tmp_path: Path):
    pytest.importorskip("numba")
    command, environment = (
        [sys.executable, "-c", SUM],
        {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)},
    )
    subprocess.run(command, env=environment, check=True)
    kept = list(tmp_path.rglob(f"*.{kind}"))
    for file in kept:
        file.write_bytes(file.read_bytes()[:20])
    subprocess.run(command, env=environment, check=True)
    assert kept
    assert all(file.stat().st_size > 20 for file in tmp_path.rglob(f"*_products*.{kind}"))


def test_a_folder_that_others_can_write_to_is_not_used(
    anew: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    folder = compiler._folder()
    assert folder is not None
    for mode in (0o720, 0o702):
        folder.chmod(mode)
        compiler._folder.cache_clear()
        assert compiler._folder() is None
    folder.chmod(0o700)
    monkeypatch.setattr(os, "geteuid", lambda: folder.stat().st_uid + 1)
    compiler._folder.cache_clear()
    assert compiler._folder() is None


def test_a_process_that_does_not_move_is_waited_for_a_while_alone(
    anew: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(compiler, "_PATIENCE", 0.3)
    folder, called = compiler._folder(), []
    with Path(folder, "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        started = time.monotonic()
        compiler.first(lambda: called.append(time.monotonic() - started))
    compiler.first(lambda: called.append(0.0))
    shutil.rmtree(folder)  # somebody cleared the cache
    compiler.first(lambda: called.append(0.0))
    assert called[0] >= 0.3
    assert len(called) == 3

"""Functions that Numba compiles for the CPU; Numba is optional, and what it made is kept on disk.

It is kept in ``rnn_regexp/compiled`` of ``$NUMBA_CACHE_DIR``, ``$XDG_CACHE_HOME`` or ``~/.cache``,
the first that is there: not with the data, which users may share, for it is executed.  Numba looks
at a function's own file alone to see whether what it kept is of today; hence a folder for each
state of all the files.
"""

import fcntl
import hashlib
import importlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import torch

_LEAST_ROOM = 4 << 20  # bytes
_KERNELS = Path(__file__).parent / "recurrence"
# Nothing is assumed about infinite numbers and those that are none: a run that diverges shows it.
_OPTIONS: dict[str, Any] = {"error_model": "numpy", "fastmath": {"arcp", "contract", "nsz"}}


@cache
def obstacle(device: torch.device) -> str | None:
    """Why nothing is compiled for ``device``, or None where it is."""
    if device.type != "cpu":
        return f"Numba compiles for the CPU, not for {device.type}"
    try:
        importlib.import_module("numba")
    except ImportError as error:
        return f"Numba cannot be imported ({error}); pip install 'rnn-regexp[fast]' brings it"
    return None


def ready(device: torch.device) -> bool:
    """Whether to use what Numba compiles."""
    return obstacle(device) is None


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function`` compiled at its first call, which must be made ``alone``."""
    from numba import config, njit

    if (folder := _folder()) is None:
        return njit(**_OPTIONS)(function)
    named = config.CACHE_DIR
    try:
        config.CACHE_DIR = str(folder)
        return njit(cache=True, **_OPTIONS)(function)
    finally:
        config.CACHE_DIR = named


def warm_up() -> None:
    """Have Numba import what it imports when it first compiles or finds something, for .3 s."""
    from numba import njit

    njit("void()")(lambda: None)


@contextmanager
def alone() -> Iterator[None]:
    """No other process is here: Numba mixes up what two of them keep on disk at once."""
    if (folder := _folder()) is None:
        yield
    else:
        with _locked(folder):
            yield


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with Path(folder, "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@cache
def _folder() -> Path | None:
    """Where to keep what was compiled, made for the user alone; None where nothing can be kept."""
    named = os.environ.get("NUMBA_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME")
    try:
        folder = Path(named or Path.home() / ".cache", "rnn_regexp", "compiled", _state())
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _locked(folder), TemporaryFile(dir=folder) as file:
            file.write(bytes(_LEAST_ROOM))
    except (OSError, RuntimeError):
        return None
    return folder


def _state() -> str:
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for source in sorted(_KERNELS.glob("cpu*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]

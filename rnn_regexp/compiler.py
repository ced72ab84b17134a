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
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import torch

from rnn_regexp.host import may_ask

_OLDEST_NUMBA = (0, 61)
_LEAST_ROOM = 4 << 20  # bytes
_PATIENCE = 60  # seconds for other processes to compile
_KERNELS = Path(__file__).parent / "recurrence"
# Nothing is assumed about infinite numbers and those that are none: a run that diverges shows it.
_OPTIONS: dict[str, Any] = {"error_model": "numpy", "fastmath": {"arcp", "contract", "nsz"}}


@cache
def obstacle(device: torch.device) -> str | None:
    """Why nothing is compiled for ``device``, or None where it is."""
    if device.type != "cpu":
        return f"Numba compiles for the CPU, not for {device.type}"
    try:
        numba = importlib.import_module("numba")
    except ImportError as error:
        return f"Numba cannot be imported ({error}); pip install 'rnn-regexp[fast]' brings it"
    except Exception as error:  # a library that is missing, another numpy than it was built for
        return f"Numba does not start ({type(error).__name__}: {error})"
    if tuple(int(part) for part in numba.__version__.split(".")[:2]) < _OLDEST_NUMBA:
        return f"Numba {numba.__version__} is too old, 0.61 is needed"
    return "Numba is told not to compile (NUMBA_DISABLE_JIT)" if numba.config.DISABLE_JIT else None


def ready(device: torch.device) -> bool:
    """Whether to use what Numba compiles: where it does, and a step is not recorded."""
    return may_ask(device) and obstacle(device) is None


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function`` compiled at its ``first`` call."""
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


def first(call: Callable[[], object]) -> None:
    """A call that compiles, or takes what was kept; where that is damaged, compiles it anew.

    One process at a time: Numba mixes up what two of them keep on disk at once.
    """
    folder = _folder()
    with _locked(folder) if folder else nullcontext():
        try:
            call()
        except Exception:
            if folder is None:
                raise
            for kept in [*folder.rglob("*.nbi"), *folder.rglob("*.nbc")]:
                kept.unlink(missing_ok=True)
            call()


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Behind other processes, unless one of them does not move."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # it may have been cleared away
    with Path(folder, "lock").open("w") as file:
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            with suppress(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            time.sleep(0.01)
        yield


@cache
def _folder() -> Path | None:
    """Where to keep what was compiled, made for the user alone; None where nothing can be kept."""
    named = os.environ.get("NUMBA_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME")
    try:
        folder = Path(named or Path.home() / ".cache", "rnn_regexp", "compiled", _state())
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with TemporaryFile(dir=folder) as file:
            file.write(bytes(_LEAST_ROOM))
        found = folder.stat()
    except (OSError, RuntimeError):
        return None
    others = found.st_uid != os.geteuid() or found.st_mode & 0o022
    return None if others else folder  # what others could write would be executed


def _state() -> str:
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for source in sorted(_KERNELS.glob("cpu*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]

"""Functions that Numba compiles for the CPU; Numba is optional, and what it made is kept on disk.

It is kept where only the user writes: in ``$NUMBA_CACHE_DIR``, else ``$XDG_CACHE_HOME/rnn_regexp``,
else ``~/.cache/rnn_regexp``.  Numba looks at a function's own file alone to see whether what it
kept is of today; hence a folder for each state of all the files.
"""

import hashlib
import importlib
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import torch

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
    """``function`` compiled at its first call, or as it was compiled before."""
    from numba import config, njit

    named = config.CACHE_DIR
    try:
        config.CACHE_DIR = str(_folder(named))
        return njit(cache=True, **_OPTIONS)(function)
    except (OSError, RuntimeError):  # nowhere to keep it
        return njit(**_OPTIONS)(function)
    finally:
        config.CACHE_DIR = named


@cache
def _folder(named: str) -> Path:
    """Made for the user alone, as what lies there is executed."""
    own = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(named or Path(own, "rnn_regexp")) / "compiled" / _state()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _state() -> str:
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for source in sorted(_KERNELS.glob("cpu*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]

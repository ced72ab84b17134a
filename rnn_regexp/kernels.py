"""Whether Triton's kernels run on a device; Triton is optional and comes with torch for CUDA."""

import importlib
import os
import warnings
from functools import cache

import torch

_OLDEST_TRITON = (3, 4)  # the first to compile our kernels
_OLDEST_DEVICE = (8, 0)  # compute capability (Ampere), for which Triton's products are made


@cache
def obstacle(device: torch.device) -> str | None:
    """Why no kernel of Triton runs on ``device``, or None where they run.

    On CPU they run in Triton's interpreter, for tests: with TRITON_INTERPRET=1 from the start.
    """
    try:
        version = importlib.import_module("triton").__version__
    except ImportError as error:
        return f"Triton cannot be imported ({error})"
    if tuple(int(part) for part in version.split(".")[:2]) < _OLDEST_TRITON:
        return f"Triton {version} is too old, 3.4 is needed"
    if os.environ.get("TRITON_INTERPRET") == "1":
        return None
    if device.type != "cuda":
        return f"Triton's kernels need a CUDA device, not {device.type}"
    if (own := torch.cuda.get_device_capability(device)) < _OLDEST_DEVICE:
        return f"Triton's kernels need compute capability 8.0, this device has {own[0]}.{own[1]}"
    return None


def ready(device: torch.device) -> bool:
    """Whether to use kernels of Triton: on CUDA, where they run; where not, warns once."""
    if device.type != "cuda":
        return False
    if (why := obstacle(device)) is not None:
        _tell(why)
    return why is None


@cache
def _tell(why: str) -> None:
    warnings.warn(
        f"{why}: noise and recurrences of several runs are computed by torch alone, slower",
        RuntimeWarning,
        stacklevel=2,
    )

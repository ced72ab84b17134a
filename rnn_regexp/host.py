"""What the host may ask of the device in the middle of a step: on CUDA nothing.

A question waits for the device, and a step that asks one cannot be recorded (``training.graph``).
"""

import torch
from torch import Tensor


def may_ask(device: torch.device) -> bool:
    """Whether looking at a tensor's values costs no wait."""
    return device.type != "cuda"


def possibly(condition: Tensor) -> bool:
    """Whether it may hold somewhere: looks where looking is free, else says yes."""
    return not may_ask(condition.device) or bool(condition.any())

"""What can be set about training."""

from dataclasses import dataclass
from enum import Enum

import torch

from rnn_regexp.diagnostics import Diagnostic
from rnn_regexp.errors import BadInput
from rnn_regexp.fields import Settings, structural, volatile
from rnn_regexp.recurrence.backends import Backend, obstacle


class Device(Enum):
    """Where to train; ``auto`` takes CUDA when there is one."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


class Precision(Enum):
    """Floating-point type of weights and activations.

    ``bfloat16`` is mixed: products outside the recurrence in bfloat16, weights, states and
    updates in float32 (torch's autocast).
    """

    float32 = "float32"
    float64 = "float64"
    bfloat16 = "bfloat16"


class Reduction(Enum):
    """What the loss of a task with an output at every step is; other losses are means anyway.

    ``time_sum``, the sum over steps of the mean over sequences, is T times ``mean``: clipping
    thresholds, learning rates and penalties of papers that use it (Zaremba et al. 2014, Gal &
    Ghahramani 2016) are in its units.
    """

    mean = "mean"
    time_sum = "time_sum"


class DeviceError(BadInput):
    """A device that was asked for and is not there; the message is one line for the user."""


@dataclass
class Training(Settings):
    """A fixed budget of epochs. Both the last and the best epoch (by validation loss) are kept."""

    epochs: int = structural(10, "[1, inf)")
    batch_size: int = structural(32, "[1, inf)")  # sequences
    limit: int | None = structural(None, "[2, inf)")  # use at most so many sequences of each split
    window: int = structural(35, "[1, inf)")  # steps between two cuts of a stream
    reduction: Reduction = structural(Reduction.mean)
    backend: Backend = structural(Backend.auto)
    precision: Precision = structural(Precision.float32)
    device: Device = volatile(Device.auto)
    diagnostics: list[Diagnostic] = volatile(list)  # looked at behind every epoch
    graph: bool = volatile(True)  # on CUDA: record steps and replay them
    checkpoint_seconds: float = volatile(60.0, "(0, inf]")  # between two checkpoints of a cohort
    checkpoint_epochs: int = volatile(0, "[0, inf)")  # also behind every so many; 0: by time alone

    def dtype(self) -> torch.dtype:
        """The torch type of weights and states."""
        return torch.float64 if self.precision is Precision.float64 else torch.float32

    def torch_device(self) -> torch.device:
        """The device to use.

        Raises ``DeviceError`` where CUDA, or our kernels on it, are asked for and absent.
        """
        there = torch.cuda.is_available()
        if self.device is Device.cuda and not there:
            raise DeviceError("training.device=cuda: no CUDA device here (allowed: auto, cpu)")
        found = torch.device("cuda" if there and self.device is not Device.cpu else "cpu")
        if why := obstacle(self.backend, found):
            others = ", ".join(own.name for own in Backend if obstacle(own, found) is None)
            raise DeviceError(f"training.backend={self.backend.name}: {why} (allowed: {others})")
        return found

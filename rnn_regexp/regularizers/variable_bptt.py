"""Windows of random length for truncated backpropagation through time."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from rnn_regexp.fields import per_run
from rnn_regexp.noise import Noise
from rnn_regexp.regularizers.base import Regularizer
from rnn_regexp.regularizers.subject import Subject


@dataclass
class VariableBptt(Regularizer):
    """Cut a stream into windows of random length, and scale the learning rate with it.

    length = max(least, floor(N(base, deviation^2))),  base = window, or window / 2 with
    probability ``halved``;  rate <- rate * length / window

    window is ``training.window``.  The paper takes a deviation of 5 and halves 5% of the windows:
    so that the cuts lie elsewhere in every epoch.
    """

    source = "Merity et al. 2018, section 4.1"

    deviation: float = per_run(0.0, "[0, inf)", strength=True)  # steps
    halved: float = per_run(0.0, "[0, 1]", strength=True)
    least: int = per_run(5, "[1, inf)")  # steps

    def objections(self, subject: Subject) -> Iterator[tuple[str, str]]:
        if not subject.carries:
            yield "", f"task {subject.task} has whole sequences: only streams are cut into windows"

    def window(self, length: Tensor, index: int, noise: Noise) -> Tensor:
        halve = noise.uniform(f"variable_bptt/halved/{index}", ()) < self.halved
        base = torch.where(halve, length / 2, length.double())
        drawn = base + self.deviation * noise.normal(f"variable_bptt/length/{index}", ())
        own = drawn.floor().maximum(self.least).long()
        return torch.where(self._varies(), own, length)

    def rate_factor(self, steps: Tensor, window: int) -> Tensor:
        return torch.where(self._varies(), steps / window, 1.0)

    def _varies(self) -> Tensor:
        return torch.as_tensor((self.deviation > 0) | (self.halved > 0))

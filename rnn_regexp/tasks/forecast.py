"""Numbers to be predicted from a sequence: the next values of a series, or a sum along it."""

from collections.abc import Iterable, Mapping
from functools import reduce

import torch
from torch import Tensor

from rnn_regexp.data.batches import Batch
from rnn_regexp.regularizers.application import Application
from rnn_regexp.regularizers.trace import Trace
from rnn_regexp.tasks.base import Task


class Forecast(Task):
    """Targets (N, O) are O numbers for each sequence: horizon * channels of a series, scaled.

    The loss is the mean squared error over sequences and outputs; ``mae`` and ``rmse`` are in
    the same scaled units.  ``mase`` is the mean over outputs of their mean absolute error over
    ``constants["naive"]`` (O,), that of the naive forecast on the training series: below 1 is
    better than naive (Hyndman & Koehler 2006, section 3).
    """

    source = "Hyndman & Koehler 2006 (MASE)"
    metrics = ("loss", "mae", "rmse", "mase")

    @property
    def outputs(self) -> int:
        return self.data.train.targets.shape[1]

    def loss(self, trace: Trace, batch: Batch, applied: Application) -> Tensor:
        return (trace.logits - batch.targets).square().mean(dim=(1, 2))

    def mixture(self, outputs: Iterable[Tensor], counts: Tensor) -> Tensor:
        own = (x * (i < counts).view(-1, 1, 1) for i, x in enumerate(outputs))
        total = reduce(torch.add, own)
        return total / counts.to(total).view(-1, 1, 1)

    def last_loss(self, trace: Trace, batch: Batch) -> Tensor:
        return (trace.logits - batch.targets).square().mean(dim=2)

    def sums(self, trace: Trace, batch: Batch) -> dict[str, Tensor]:
        error = trace.logits - batch.targets  # (K, B, O)
        return {
            "squares": error.square().sum(dim=1),
            "sizes": error.abs().sum(dim=1),
            "count": torch.full_like(error[:, 0, 0], error.shape[1]),
        }

    def summarize(self, totals: Mapping[str, Tensor]) -> dict[str, Tensor]:
        count = totals["count"][:, None]  # (K, 1)
        loss = (totals["squares"] / count).mean(dim=1)
        sizes = totals["sizes"] / count  # (K, O)
        naive = self.data.constants["naive"].to(sizes)
        return {
            "loss": loss,
            "mae": sizes.mean(dim=1),
            "rmse": loss.sqrt(),
            "mase": (sizes / naive).mean(dim=1),
        }

"""Sequence classification: one label for each sequence."""

from collections.abc import Mapping

import torch
from torch import Tensor

from rnn_regexp.data.batches import Batch
from rnn_regexp.regularizers.application import Application
from rnn_regexp.regularizers.trace import Trace
from rnn_regexp.tasks.base import Task
from rnn_regexp.tasks.cross_entropy import cross_entropy


class Classify(Task):
    """Targets (N,) are class indices; the loss is the cross-entropy in nats, mean over sequences.

    macro_f1 is the mean over classes of 2 TP / (2 TP + FP + FN), 0 for a class never met.
    """

    metrics = ("loss", "accuracy", "macro_f1")

    def loss(self, trace: Trace, batch: Batch, applied: Application) -> Tensor:
        return cross_entropy(trace.logits, batch.targets, applied).mean(dim=1)

    def last_loss(self, trace: Trace, batch: Batch) -> Tensor:
        return cross_entropy(trace.logits, batch.targets)

    def sums(self, trace: Trace, batch: Batch) -> dict[str, Tensor]:
        losses = cross_entropy(trace.logits, batch.targets)  # (K, B)
        chosen = trace.logits.argmax(dim=-1)  # (K, B)
        return {"loss": losses.sum(dim=1), "table": confusion(batch.targets, chosen, self.outputs)}

    def summarize(self, totals: Mapping[str, Tensor]) -> dict[str, Tensor]:
        table = totals["table"]  # (K, C, C)
        hits = table.diagonal(dim1=1, dim2=2)  # (K, C)
        count = table.sum(dim=(1, 2))
        f1 = 2 * hits / (table.sum(dim=1) + table.sum(dim=2)).clamp_min(1)
        return {
            "loss": totals["loss"] / count,
            "accuracy": hits.sum(dim=1) / count,
            "macro_f1": f1.mean(dim=1),
        }


def confusion(targets: Tensor, chosen: Tensor, classes: int) -> Tensor:
    """How often each class (row) was called which (column): (K, B), (K, B) -> (K, C, C) int64."""
    K = len(targets)
    cells = targets * classes + chosen  # (K, B)
    table = torch.zeros(K, classes * classes, dtype=torch.int64, device=cells.device)
    return table.scatter_add_(1, cells, torch.ones_like(cells)).view(K, classes, classes)

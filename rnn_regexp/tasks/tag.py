"""Tagging: a label for every step."""

from collections.abc import Mapping

from torch import Tensor

from rnn_regexp.data.batches import Batch
from rnn_regexp.models.forward import Reads
from rnn_regexp.recurrence.lengths import at_length
from rnn_regexp.regularizers.application import NOTHING, Application
from rnn_regexp.regularizers.trace import Trace
from rnn_regexp.tasks.base import Task
from rnn_regexp.tasks.cross_entropy import cross_entropy


class Tag(Task):
    """Targets (N, T) are class indices, -1 at steps that are not judged (padding among them).

    The loss is the cross-entropy in nats, a mean over the judged steps of a batch, and accuracy
    the share of judged steps that are right: Q3 where the classes are helix, strand and coil.
    """

    source = "Qian & Sejnowski 1988 (Q3)"
    metrics = ("loss", "accuracy")
    reads = Reads.steps

    def loss(self, trace: Trace, batch: Batch, applied: Application) -> Tensor:
        losses, judged = self._losses(trace, batch, applied)
        return losses.sum(dim=(1, 2)) / judged.sum(dim=(1, 2)).clamp_min(1)

    def last_loss(self, trace: Trace, batch: Batch) -> Tensor:
        losses, _ = self._losses(trace, batch, NOTHING)
        return at_length(losses[..., None], batch.lengths)[..., 0]

    def sums(self, trace: Trace, batch: Batch) -> dict[str, Tensor]:
        losses, judged = self._losses(trace, batch, NOTHING)
        hits = (trace.logits.argmax(dim=-1) == _by_step(trace, batch)) & judged
        return {
            "loss": losses.sum(dim=(1, 2)),
            "hits": hits.sum(dim=(1, 2)),
            "steps": judged.sum(dim=(1, 2)),
        }

    def summarize(self, totals: Mapping[str, Tensor]) -> dict[str, Tensor]:
        steps = totals["steps"]
        return {"loss": totals["loss"] / steps, "accuracy": totals["hits"] / steps}

    def _losses(self, trace: Trace, batch: Batch, applied: Application) -> tuple[Tensor, Tensor]:
        """Of every step, 0 where it is not judged, and which are judged; (K, T, B) each."""
        targets = _by_step(trace, batch)
        judged = targets >= 0
        return cross_entropy(trace.logits, targets.clamp_min(0), applied) * judged, judged


def _by_step(trace: Trace, batch: Batch) -> Tensor:
    """Targets (K, B, T) of the batch's steps, time first: (K, T, B)."""
    return batch.targets[..., : trace.logits.shape[1]].transpose(1, 2)

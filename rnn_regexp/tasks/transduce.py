"""Transduction without alignment: connectionist temporal classification."""

from collections.abc import Mapping, Sequence
from itertools import groupby

import torch
from torch import Tensor
from torch.nn import functional as F

from rnn_regexp.data.batches import Batch
from rnn_regexp.models.forward import Reads
from rnn_regexp.regularizers.application import Application
from rnn_regexp.regularizers.trace import Trace
from rnn_regexp.tasks.base import Task

BLANK = 0  # output 0; label l is output l + 1


class Transduce(Task):
    """Targets (N, L) are labels in order, without times, and -1 behind the last of a sequence.

    The loss is -log p(labels | sequence) by CTC over each sequence's number of labels, a mean
    over sequences (torch's reduction).  ``label_error_rate`` is the number of insertions,
    deletions and substitutions between the labels and the best path's, over all sequences, by
    the number of labels.
    """

    source = "Graves et al. 2006, sections 3 and 4"
    metrics = ("loss", "label_error_rate")
    reads = Reads.steps
    recordable = False  # torch's CTC on CUDA takes its lengths from the host

    @property
    def outputs(self) -> int:
        return 1 + len(self.data.classes)

    def loss(self, trace: Trace, batch: Batch, applied: Application) -> Tensor:
        return self.last_loss(trace, batch).mean(dim=1)

    def last_loss(self, trace: Trace, batch: Batch) -> Tensor:
        log_p = trace.logits.log_softmax(dim=-1)  # (K, T, B, C)
        K, T, B, C = log_p.shape
        counts = (batch.targets >= 0).sum(dim=-1)  # (K, B)
        losses: Tensor = F.ctc_loss(
            log_p.permute(1, 0, 2, 3).reshape(T, K * B, C),
            (batch.targets + 1).flatten(0, 1),
            batch.lengths.flatten(),
            counts.flatten(),
            BLANK,
            reduction="none",
        )
        return losses.view(K, B) / counts.clamp_min(1)

    def sums(self, trace: Trace, batch: Batch) -> dict[str, Tensor]:
        losses = self.last_loss(trace, batch)
        counts = (batch.targets >= 0).sum(dim=(1, 2))
        return {
            "loss": losses.sum(dim=1),
            "sequences": torch.full_like(counts, losses.shape[1]),
            "labels": counts,
            "edits": torch.tensor(_edits(trace, batch), device=counts.device),
        }

    def summarize(self, totals: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {
            "loss": totals["loss"] / totals["sequences"],
            "label_error_rate": totals["edits"] / totals["labels"],
        }


def _edits(trace: Trace, batch: Batch) -> list[int]:
    """Of each run, the edits between the best paths' labels and the targets."""
    paths = trace.logits.argmax(dim=-1).transpose(1, 2).tolist()  # (K, B, T)
    lengths, targets = batch.lengths.tolist(), batch.targets.tolist()
    return [
        sum(
            edit_distance(collapse(path[:length]), [label for label in own if label >= 0])
            for path, length, own in zip(*run, strict=True)
        )
        for run in zip(paths, lengths, targets, strict=True)
    ]


def collapse(path: Sequence[int]) -> list[int]:
    """The labels of a path of outputs: repetitions merged, then blanks removed."""
    return [output - 1 for output, _ in groupby(path) if output != BLANK]


def edit_distance(one: Sequence[int], other: Sequence[int]) -> int:
    """Least number of insertions, deletions and substitutions (Levenshtein 1966)."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, start=1):
        above, row[0] = row[0], i
        for j, b in enumerate(other, start=1):
            above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, above + (a != b))
    return row[-1]

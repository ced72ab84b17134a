"""What a task is: what the head reads, a loss for each run, and metrics from sums over batches."""

from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar

import torch
from torch import Tensor

from rnn_regexp.data.batches import Batch, Batching, gather, shuffled, sorted_by_length
from rnn_regexp.data.sequences import SequenceData, Split
from rnn_regexp.models.forward import Network, Reads, States, forward
from rnn_regexp.models.recurrent import Model
from rnn_regexp.noise import Noise
from rnn_regexp.regularizers.application import Application
from rnn_regexp.regularizers.trace import Trace
from rnn_regexp.weights import Spec

_SAMPLE = 64
_BATCH = 128  # sequences evaluated at once; bounds memory, changes no result


class Task:
    """A task on a dataset. A subclass says how outputs are judged; the trainer knows no more."""

    source: ClassVar[str] = ""
    metrics: ClassVar[tuple[str, ...]] = ("loss",)  # the loss comes first
    reads: ClassVar[Reads] = Reads.sequence
    carries: ClassVar[bool] = False  # whether states go on from one batch to the next
    recordable: ClassVar[bool] = True  # whether the loss never waits for the device

    def __init__(self, data: SequenceData) -> None:
        self.data = data

    def check(self, model: Model) -> None:
        """Refuse a model that cannot do the task; raises ``BadInput`` with one line."""

    @property
    def outputs(self) -> int:
        """The number of the head's outputs."""
        return len(self.data.classes)

    def specs(self, model: Model) -> tuple[Spec, ...]:
        """The parameters of a model for this task."""
        pooled = self.reads is Reads.sequence
        return model.specs(len(self.data.vocabulary), self.data.features, self.outputs, pooled)

    def provenance(self) -> dict[str, str]:
        """What computes the metrics, where that is no code of ours: name -> version."""
        return {}

    # Batches

    def head(self, split: Split, count: int) -> Split:
        """The first ``count`` sequences; of a stream, ``count`` times 64 steps."""
        return split.head(count)

    def known(self, train: Split, valid: Split) -> Split:
        """As much training data as there is for validation: the generalization gap's other side."""
        return train.head(len(valid))

    def steps(self, split: Split, how: Batching) -> int:
        """Optimizer steps in an epoch."""
        return -(-len(split) // how.batch_size)

    def batches(self, split: Split, noise: Noise, how: Batching) -> Iterator[Batch]:
        """One epoch of training, each run in its own order; ``noise`` is that of the epoch."""
        return shuffled(split, noise.permutation("order", len(split)), how.batch_size)

    def evaluation(self, split: Split, runs: int) -> Iterator[Batch]:
        """One pass without noise, the same for all runs."""
        return sorted_by_length(split, runs, _BATCH)

    def sample(self, split: Split, runs: int) -> Batch:
        """The sequences that diagnostics look at: the first 64, the same for all runs."""
        rows = torch.arange(min(_SAMPLE, len(split)), device=split.lengths.device)
        return gather(split, rows.expand(runs, -1))

    # One batch

    def forward(self, network: Network, batch: Batch, states: States | None) -> Trace:
        """What the head says of a batch; ``states`` as ``models.forward`` takes them."""
        return forward(network, batch, self.reads, states)

    def evaluated(self, network: Network, batch: Batch, states: States | None) -> Trace:
        """``forward`` without noise, and what else the metrics ask for."""
        return self.forward(network, batch, states)

    def loss(self, trace: Trace, batch: Batch, applied: Application) -> Tensor:
        """The loss of each run, a mean over the batch: (K,)."""
        raise NotImplementedError

    def last_loss(self, trace: Trace, batch: Batch) -> Tensor:
        """Each sequence's own loss, of its last step where there is one at every step: (K, B)."""
        raise NotImplementedError

    def mixture(self, outputs: Iterable[Tensor], counts: Tensor) -> Tensor:
        """The mean prediction of each run's first ``counts`` (K,) of ``outputs`` (K, ..., C).

        For logits the logarithm of the mean probability.
        """
        total = None
        for index, logits in enumerate(outputs):
            more = (index < counts).view(-1, *(1 for _ in logits.shape[1:]))
            log_p = logits.log_softmax(dim=-1).masked_fill(~more, -torch.inf)
            total = log_p if total is None else torch.logaddexp(total, log_p)
        assert total is not None
        return total - counts.to(total).log().view(-1, *(1 for _ in total.shape[1:]))

    def sums(self, trace: Trace, batch: Batch) -> dict[str, Tensor]:
        """What adds up over batches, (K, ...) each."""
        raise NotImplementedError

    def summarize(self, totals: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The metrics (K,) from the totals of ``sums`` over a split."""
        raise NotImplementedError


def add_up(parts: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """The totals of the sums of batches."""
    return {name: torch.stack([part[name] for part in parts]).sum(dim=0) for name in parts[0]}

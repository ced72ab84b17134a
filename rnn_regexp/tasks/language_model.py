"""Language modelling: the next token at every step, on one long stream."""

import math
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from rnn_regexp.data.batches import Batch, Batching
from rnn_regexp.data.sequences import Split
from rnn_regexp.errors import BadInput
from rnn_regexp.models.forward import Reads
from rnn_regexp.models.recurrent import Model
from rnn_regexp.noise import Noise
from rnn_regexp.recurrence.lengths import at_length, valid
from rnn_regexp.regularizers.application import NOTHING, Application
from rnn_regexp.regularizers.trace import Trace
from rnn_regexp.tasks.base import Task
from rnn_regexp.tasks.cross_entropy import cross_entropy

EVALUATED_STREAMS, EVALUATED_STEPS = 10, 64


class LanguageModel(Task):
    """Truncated backpropagation through time with carried states.

    A split is one stream: inputs (1, T), targets (1, T) the same stream one token later.
    Training cuts it into ``training.batch_size`` parallel streams (the last T modulo batch_size
    tokens are left out) and these into windows of ``training.window`` steps; the state goes on
    from window to window without gradient and is zero where an epoch begins.  The loss is the
    cross-entropy in nats, a mean over tokens; perplexity = exp(loss), and bits = loss / ln 2 a
    token, which is bits per character where tokens are characters.  Evaluation sees every token
    once, in ten streams that begin in a zero state.
    """

    source = "Mikolov et al. 2010; Zaremba et al. 2014, section 4.1"
    metrics = ("loss", "perplexity", "bits")
    reads = Reads.steps
    carries = True

    def check(self, model: Model) -> None:
        if model.bidirectional:
            raise BadInput("model.bidirectional: a language model must not see the words to come")

    @property
    def outputs(self) -> int:
        return len(self.data.vocabulary)

    def head(self, split: Split, count: int) -> Split:
        return _first(split, count * EVALUATED_STEPS)

    def known(self, train: Split, valid: Split) -> Split:
        return _first(train, valid.inputs.shape[1])

    def steps(self, split: Split, how: Batching) -> int:
        columns = split.inputs.shape[1] // how.batch_size
        return -(-columns // how.window)

    def batches(self, split: Split, noise: Noise, how: Batching) -> Iterator[Batch]:
        columns = split.inputs.shape[1] // how.batch_size
        if not columns:
            raise BadInput(
                f"training.batch_size: {how.batch_size} streams from {split.inputs.shape[1]} tokens"
            )
        whole = columns * how.batch_size
        cut = [stream[0, :whole].view(how.batch_size, columns) for stream in _both(split)]
        ends = torch.full((how.batch_size,), columns, device=split.inputs.device)
        return windows(cut[0], cut[1], ends, len(noise.seeds), how)

    def evaluation(self, split: Split, runs: int) -> Iterator[Batch]:
        total = split.inputs.shape[1]
        columns = -(-total // EVALUATED_STREAMS)
        gap = columns * EVALUATED_STREAMS - total
        cut = [F.pad(own[0], (0, gap)).view(EVALUATED_STREAMS, columns) for own in _both(split)]
        starts = torch.arange(EVALUATED_STREAMS, device=split.inputs.device) * columns
        ends = (total - starts).clamp(0, columns)
        return windows(cut[0], cut[1], ends, runs, Batching(EVALUATED_STREAMS, EVALUATED_STEPS))

    def sample(self, split: Split, runs: int) -> Batch:
        return next(self.evaluation(split, runs))

    def loss(self, trace: Trace, batch: Batch, applied: Application) -> Tensor:
        losses, inside = self._losses(trace, batch, applied)
        return losses.sum(dim=(1, 2)) / inside.sum(dim=(1, 2)).clamp_min(1)

    def last_loss(self, trace: Trace, batch: Batch) -> Tensor:
        losses, _ = self._losses(trace, batch, NOTHING)
        return at_length(losses[..., None], batch.lengths)[..., 0]

    def sums(self, trace: Trace, batch: Batch) -> dict[str, Tensor]:
        losses, inside = self._losses(trace, batch, NOTHING)
        return {"loss": losses.sum(dim=(1, 2)), "tokens": inside.sum(dim=(1, 2))}

    def _losses(self, trace: Trace, batch: Batch, applied: Application) -> tuple[Tensor, Tensor]:
        """Of every step, 0 behind a stream's end, and which steps are inside; (K, T, B) each."""
        inside = valid(batch.lengths, batch.targets.shape[1])
        return cross_entropy(trace.logits, batch.targets, applied) * inside, inside

    def summarize(self, totals: Mapping[str, Tensor]) -> dict[str, Tensor]:
        loss = totals["loss"] / totals["tokens"]
        return {"loss": loss, "perplexity": loss.exp(), "bits": loss / math.log(2)}


def windows(
    inputs: Tensor, targets: Tensor, ends: Tensor, runs: int, how: Batching
) -> Iterator[Batch]:
    """Streams (B, C), of which each ends at its own of ``ends`` (B,), window by window."""
    columns = inputs.shape[1]
    start = torch.zeros(runs, dtype=torch.int64, device=inputs.device)  # (K,)
    index = 0
    while (start < columns).any():
        length = torch.full_like(start, how.window)
        if how.stretch is not None:
            length = how.stretch(length, index)
        length = length.minimum(columns - start)
        steps = start[:, None] + torch.arange(int(length.max()), device=start.device)  # (K, T)
        seen = (ends - start[:, None]).clamp_min(0).minimum(length[:, None])  # (K, B)
        seen_steps = steps.clamp_max(columns - 1)
        yield Batch(
            inputs.T[seen_steps], seen, targets.T[seen_steps], begins=index == 0, active=length > 0
        )
        start, index = start + length, index + 1


def _first(split: Split, steps: int) -> Split:
    inputs, targets = split.inputs[:, :steps], split.targets[:, :steps]
    return Split(inputs, split.lengths.clamp_max(steps), targets)


def _both(split: Split) -> tuple[Tensor, Tensor]:
    return split.inputs, split.targets

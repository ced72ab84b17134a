"""Translation: a sequence of words for a sequence of words."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial

import torch
from torch import Tensor

from rnn_regexp.data.batches import Batch, Batching, sorted_by_length
from rnn_regexp.data.parallel_texts import REFERENCE, joined, sentences
from rnn_regexp.data.sequences import Split
from rnn_regexp.errors import BadInput
from rnn_regexp.models.attention import Score
from rnn_regexp.models.forward import Network, Reads, States
from rnn_regexp.models.recurrent import Model
from rnn_regexp.models.search import END, Search
from rnn_regexp.models.translation import Encoded, decode, encode, translation_specs
from rnn_regexp.noise import Noise
from rnn_regexp.recurrence.lengths import at_length
from rnn_regexp.regularizers.application import NOTHING, Application
from rnn_regexp.regularizers.trace import Trace
from rnn_regexp.tasks import bleu
from rnn_regexp.tasks.base import Task
from rnn_regexp.tasks.cross_entropy import cross_entropy
from rnn_regexp.weights import Spec

_BATCH = 64  # sequences evaluated at once, with the logits of all their words; changes no result


class Translate(Task):
    """An encoder reads the source, a decoder with attention writes the target word by word.

    Targets (N, 1 + L) are the number of the reference in ``constants["references"]``, then the
    words of the target among ``classes``, the end mark last, and -1 behind it.  In training the
    decoder reads the true words (teacher forcing).  The loss is the cross-entropy in nats, a mean
    over the target's words, the end mark among them; perplexity = exp(loss), and accuracy the
    share of words that are right after true ones.  ``bleu`` compares what a beam search writes
    with the references as they are published, sacrebleu's corpus BLEU without case (0 to 100).
    """

    source = "Luong et al. 2015; Bahdanau et al. 2015; Post 2018 (BLEU)"
    metrics = ("loss", "perplexity", "accuracy", "bleu")
    reads = Reads.steps

    def check(self, model: Model) -> None:
        if model.attention is Score.dot and model.bidirectional:
            raise BadInput(
                "model.attention=dot: both directions of the encoder are wider than the decoder "
                "(take general or concat)"
            )

    def specs(self, model: Model) -> tuple[Spec, ...]:
        return tuple(translation_specs(model, len(self.data.vocabulary), self.outputs))

    def provenance(self) -> dict[str, str]:
        return {"sacrebleu": bleu.signature()}

    # Batches, as long as their own longest target

    def batches(self, split: Split, noise: Noise, how: Batching) -> Iterator[Batch]:
        return map(_cut, super().batches(split, noise, how))

    def evaluation(self, split: Split, runs: int) -> Iterator[Batch]:
        return map(_cut, sorted_by_length(split, runs, _BATCH))

    def sample(self, split: Split, runs: int) -> Batch:
        return _cut(super().sample(split, runs))

    # One batch

    def forward(self, network: Network, batch: Batch, states: States | None) -> Trace:
        return _teach(encode(network, batch.inputs, batch.lengths), batch)

    def evaluated(self, network: Network, batch: Batch, states: States | None) -> Trace:
        encoded = encode(network, batch.inputs, batch.lengths)
        width, alpha = (self.data.constants[name] for name in ("beam", "length_normalization"))
        search = Search(int(width), float(alpha), self.data.train.targets.shape[1] - 1)
        words = search(partial(_next_words, encoded), batch.lengths)
        return replace(_teach(encoded, batch), words=words)

    def loss(self, trace: Trace, batch: Batch, applied: Application) -> Tensor:
        losses = self._losses(trace, batch, applied)
        return losses.sum(dim=(1, 2)) / trace.lengths.sum(dim=1)

    def last_loss(self, trace: Trace, batch: Batch) -> Tensor:
        losses = self._losses(trace, batch, NOTHING)
        return at_length(losses[..., None], trace.lengths)[..., 0]

    def sums(self, trace: Trace, batch: Batch) -> dict[str, Tensor]:
        losses, words = self._losses(trace, batch, NOTHING), _words(batch)
        hits = trace.logits.argmax(dim=-1) == words  # -1 is never the largest
        return {
            "loss": losses.sum(dim=(1, 2)),
            "hits": hits.sum(dim=(1, 2)),
            "words": trace.lengths.sum(dim=1),
            "counts": self._counts(trace, batch),
        }

    def summarize(self, totals: Mapping[str, Tensor]) -> dict[str, Tensor]:
        words = totals["words"]
        loss = totals["loss"] / words
        return {
            "loss": loss,
            "perplexity": loss.exp(),
            "accuracy": totals["hits"] / words,
            "bleu": loss.new_tensor([bleu.score(own) for own in totals["counts"].tolist()]),
        }

    def _losses(self, trace: Trace, batch: Batch, applied: Application) -> Tensor:
        """Of every word, 0 behind the last: (K, T, B)."""
        words = _words(batch)
        return cross_entropy(trace.logits, words.clamp_min(0), applied) * (words >= 0)

    def _counts(self, trace: Trace, batch: Batch) -> Tensor:
        """What BLEU adds up, (K, 10) float64."""
        assert trace.words is not None
        rows = batch.targets[..., REFERENCE].tolist()  # (K, B)
        found = [
            bleu.counts(self.texts(written), [self._references[row] for row in own])
            for written, own in zip(trace.words.tolist(), rows, strict=True)
        ]
        return torch.tensor(found, dtype=torch.double, device=trace.words.device)

    def texts(self, written: Sequence[Sequence[int]]) -> list[str]:
        """Sentences of words (B, L), -1 behind the last."""
        return [joined(self.data.classes[word] for word in own if word >= 0) for own in written]

    @cached_property
    def _references(self) -> list[str]:
        return sentences(self.data.constants["references"])


def _cut(batch: Batch) -> Batch:
    longest = int((batch.targets[..., REFERENCE + 1 :] >= 0).sum(dim=-1).max())
    return replace(batch, targets=batch.targets[..., : 1 + longest])


def _words(batch: Batch) -> Tensor:
    """The words to write, time first, -1 behind the last: (K, T, B)."""
    return batch.targets[..., REFERENCE + 1 :].transpose(1, 2)


def _teach(encoded: Encoded, batch: Batch) -> Trace:
    """What a decoder says that reads the true words, or its own where a technique has it so."""
    words = _words(batch)
    lengths = (words >= 0).sum(dim=1)  # (K, B)
    true = torch.cat((torch.full_like(words[:, :1], END), words[:, :-1].clamp_min(0)), dim=1)

    def answer(previous: Tensor) -> Tensor:
        return decode(encoded, previous, lengths).logits

    previous = encoded.decoder.applied.previous(true, answer)
    return replace(decode(encoded, previous, lengths), states=())  # the next batch begins anew


def _next_words(encoded: Encoded, last: Tensor, states: States | None) -> tuple[Tensor, States]:
    """One step of a search: log-probabilities (K, W*B, C) behind ``last`` (K, W*B), and states."""
    if states is None:
        times = last.shape[1] // encoded.trace.lengths.shape[1]
        states = tuple(
            tuple(tuple(own.repeat(1, times, 1) for own in state) for state in layer)
            for layer in encoded.states
        )
    trace = decode(encoded, last[:, None], torch.ones_like(last), states)
    return trace.logits[:, 0].log_softmax(dim=-1), trace.states

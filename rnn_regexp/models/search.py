"""Beam search for K runs: the most probable sequence that a decoder can write, or nearly so."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from rnn_regexp.models.forward import States

END = 0  # the word that ends a sequence, and from which a decoder starts
Step = Callable[[Tensor, States | None], tuple[Tensor, States]]


@dataclass(frozen=True)
class Search:
    """A beam of ``width`` hypotheses for each sequence, at most ``longest`` words each.

    Hypotheses Y are ranked by log P(Y) / ((5 + |Y|) / 6)^alpha, the end mark counted (Wu et al.
    2016, equation 14, without coverage; alpha = 0 is log P itself).  One that has ended keeps its
    place among the ``width`` best until better ones displace it.  A beam of 1 is greedy search.
    """

    width: int
    alpha: float
    longest: int

    def __call__(self, step: Step, sequences: Tensor) -> Tensor:
        """Words (K, B, L), -1 behind the last; ``sequences`` (K, B) says how many there are.

        ``step`` takes the last words (K, W*B), W-fold in the order of the sequences, and the
        states behind the step before (None at first), to log-probabilities (K, W*B, C) of the
        next words and states.
        """
        beam, states = _begin(sequences, self.width), None
        for _ in range(self.longest):
            log_p, states = step(beam.last.flatten(1), states)
            beam, parents = self._extended(beam, log_p.unflatten(1, beam.scores.shape[1:]))
            if self._settled(beam):
                break
            states = _reordered(states, parents)
        return self._best(beam)

    def _extended(self, beam: "Beam", log_p: Tensor) -> tuple["Beam", Tensor]:
        """The best continuations by one word, and which hypothesis (K, W, B) each continues."""
        more, words = _continuations(beam, log_p, self.width)  # (K, W, B, M) each
        scores, lengths = beam.scores[..., None] + more, beam.lengths + ~beam.ended
        ranks = scores / self._penalty(lengths)[..., None]
        best = _by_sequence(ranks).topk(self.width).indices  # (K, B, W) of W*M
        scores, words = (
            _by_sequence(own).gather(2, best).transpose(1, 2) for own in (scores, words)
        )
        parents = (best // more.shape[-1]).transpose(1, 2)  # (K, W, B)
        paths = beam.paths.gather(1, parents[..., None].expand_as(beam.paths))
        return Beam(
            torch.cat((paths, words[..., None]), dim=-1),
            scores,
            lengths.gather(1, parents),
            words == END,
        ), parents

    def _penalty(self, lengths: Tensor) -> Tensor:
        return ((5 + lengths.double()) / 6) ** self.alpha

    def _settled(self, beam: "Beam") -> bool:
        """Whether no hypothesis that goes on can overtake the best that has ended."""
        ranks = beam.scores / self._penalty(beam.lengths)
        most = beam.scores / self._penalty(torch.full_like(beam.lengths, self.longest))
        ended = ranks.masked_fill(~beam.ended, -torch.inf).amax(dim=1)  # (K, B)
        return bool((ended >= most.masked_fill(beam.ended, -torch.inf).amax(dim=1)).all())

    def _best(self, beam: "Beam") -> Tensor:
        """The best hypothesis that has ended, else the best; without start and end marks."""
        ranks = beam.scores / self._penalty(beam.lengths)
        none = ~beam.ended.any(dim=1, keepdim=True)
        chosen = ranks.masked_fill(~(beam.ended | none), -torch.inf).argmax(dim=1)  # (K, B)
        index = chosen[:, None, :, None].expand(-1, 1, -1, beam.paths.shape[-1])
        words = beam.paths.gather(1, index)[:, 0, :, 1:]  # (K, B, L)
        return words.masked_fill((words == END).cumsum(dim=-1) > 0, -1)


@dataclass(frozen=True, eq=False)
class Beam:
    """W hypotheses for each of B sequences of K runs."""

    paths: Tensor  # (K, W, B, 1 + L) words behind the start
    scores: Tensor  # (K, W, B) log-probabilities, float64
    lengths: Tensor  # (K, W, B) words, the end mark among them
    ended: Tensor  # (K, W, B) bool

    @property
    def last(self) -> Tensor:
        return self.paths[..., -1]


def _begin(sequences: Tensor, width: int) -> Beam:
    """One hypothesis, the empty one, in ``width`` places: only the first may be continued."""
    K, B = sequences.shape
    paths = torch.full((K, width, B, 1), END, device=sequences.device)
    scores = torch.full(paths.shape[:-1], -torch.inf, device=paths.device, dtype=torch.double)
    scores[:, 0] = 0
    lengths = torch.zeros_like(paths[..., 0])
    return Beam(paths, scores, lengths, lengths > 0)


def _continuations(beam: Beam, log_p: Tensor, width: int) -> tuple[Tensor, Tensor]:
    """The log-probabilities of each hypothesis' most probable words, and these: (K, W, B, M).

    No more than the ``width`` best can be among the best of all.  What has ended goes on with the
    end mark alone, at no cost.
    """
    more, words = log_p.double().topk(min(width, log_p.shape[-1]))
    ended = beam.ended[..., None]
    stays = torch.full_like(more[0, 0, 0], -torch.inf)
    stays[0] = 0
    return torch.where(ended, stays, more), words.masked_fill(ended, END)


def _by_sequence(own: Tensor) -> Tensor:
    """(K, W, B, M) to (K, B, W*M)."""
    return own.transpose(1, 2).flatten(2)


def _reordered(states: States, parents: Tensor) -> States:
    """The states (K, W*B, H) each of the hypotheses that were continued."""
    B = parents.shape[2]
    index = (parents * B + torch.arange(B, device=parents.device)).flatten(1)[..., None]
    return tuple(
        tuple(tuple(own.gather(1, index.expand_as(own)) for own in state) for state in layer)
        for layer in states
    )

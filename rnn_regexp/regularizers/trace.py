"""What a forward pass leaves behind: for the loss, for penalties, for the next window."""

from dataclasses import dataclass

from torch import Tensor

from rnn_regexp.recurrence.cells import State


@dataclass(frozen=True, eq=False)
class Trace:
    """The activations of one forward pass of K runs; T steps, B sequences, N*H units."""

    logits: Tensor  # (K, B, C), or (K, T, B, C) where every step is read; an encoder's are ``read``
    read: Tensor  # what the head read, behind dropout: (K, B, N*H) or (K, T, B, N*H)
    inputs: tuple[Tensor, ...]  # of each layer, behind dropout: (K, T, B, D)
    outputs: tuple[Tensor, ...]  # of each layer, before dropout: (K, T, B, N*H)
    lengths: Tensor  # (K, B) valid steps
    states: tuple[
        tuple[State, ...], ...
    ] = ()  # of each layer and direction, where they are carried
    losses: Tensor | None = None  # (K,) the task's loss
    second: "Trace | None" = None  # of the second pass, where a technique asks for one
    encoder: "Trace | None" = None  # of what a decoder attends to: all else is then the decoder's
    words: Tensor | None = None  # (K, B, L) that evaluation found by a search, -1 behind the last

    @property
    def stacks(self) -> tuple["Trace", ...]:
        """The encoder, where there is one, and what reads it: a stack of layers each."""
        return (self,) if self.encoder is None else (self.encoder, self)

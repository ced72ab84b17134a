"""What a technique is to act on, so that it can say what it cannot do there."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rnn_regexp.recurrence.backends import Backend
from rnn_regexp.recurrence.cells import Cell

TRANSLATE = "translate"  # the task that has an encoder and a decoder


@dataclass(frozen=True)
class Subject:
    """A model on a task, and the techniques that act on it together."""

    model: str  # as YAML calls it, like the task
    cell: Cell
    layers: int
    directions: int
    hidden: int  # H
    vocabulary: int  # V, 0 where inputs are features
    width: int  # D, of embeddings or features
    outputs: int  # C
    task: str
    every_step: bool  # whether the head reads every step
    carries: bool  # whether states go on from one batch to the next
    batch: int  # sequences of a step
    backend: Backend
    techniques: Mapping[str, Any]  # those that are not neutral, by name

    @property
    def numbered(self) -> int:
        """How many layers have a number of their own: a decoder's follow its encoder's."""
        return self.layers * (2 if self.task == TRANSLATE else 1)

    def without_own_recurrence(self, setting: str = "") -> Iterator[tuple[str, str]]:
        """The objection of a technique inside the recurrence to torch's fused kernels."""
        if self.backend is Backend.native:
            yield setting, "training.backend=native has no noise inside the recurrence (take auto)"

    def without_own_cell(self) -> Iterator[tuple[str, str]]:
        """The objection of a technique that changes the cell to kernels of known cells."""
        if self.backend not in (Backend.auto, Backend.cells):
            yield "", f"training.backend={self.backend.name} has no such cell (take auto or cells)"

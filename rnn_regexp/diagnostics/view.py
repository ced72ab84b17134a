"""What a diagnostic looks at: K networks and one batch of validation data."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from rnn_regexp.data.batches import Batch
from rnn_regexp.models.forward import Network
from rnn_regexp.regularizers.trace import Trace
from rnn_regexp.tasks import Task
from rnn_regexp.weights import Kind, Spec

GATES = {1: "h", 3: "rzn", 4: "ifgo"}  # by their number


@dataclass(frozen=True)
class View:
    """Evaluation's networks, without noise."""

    network: Network
    specs: tuple[Spec, ...]
    task: Task
    batch: Batch

    @cached_property
    def weights(self) -> Mapping[str, Tensor]:
        """The parameters (K, *shape) that are in effect."""
        with torch.no_grad():
            return self.network.applied.weights(self.network.weights)

    @cached_property
    def trace(self) -> Trace:
        """What a pass over the batch leaves."""
        with torch.no_grad():
            return self.task.forward(self.network, self.batch, () if self.task.carries else None)

    @property
    def gates(self) -> str:
        """The names of a cell's gates, a letter each, in the order in which they are stacked."""
        return GATES[self.network.model.cell.gates]

    def recurrent(self) -> Iterator[tuple[str, Tensor]]:
        """Each place's name and W_hh (K, G, H, H)."""
        for spec in self.specs:
            if spec.kind is Kind.hidden_hidden and spec.name in self.weights:
                W = self.weights[spec.name]
                yield spec.name.removesuffix(".W_hh"), W.unflatten(1, (spec.gates, -1))

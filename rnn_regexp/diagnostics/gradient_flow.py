"""How much gradient reaches the past."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from rnn_regexp.diagnostics.view import View
from rnn_regexp.noise import Noise
from rnn_regexp.recurrence.backends import Backend
from rnn_regexp.recurrence.cells import Cell, LayerWeights, State
from rnn_regexp.recurrence.perturbation import NONE, RecurrentNoise
from rnn_regexp.regularizers.application import Application
from rnn_regexp.regularizers.base import Place, Regularizer


def gradient_flow(view: View) -> dict[str, Tensor]:
    """||dL/dh_t||_2 by the distance of step t from the loss: 0, 1, 2, 4, 8, ... steps.

    L is a sequence's own loss (of its last step, where the task has one at every step) and h the
    first layer's forward state; the number is the mean over the sequences that are long enough.
    It falls with the distance where gradients vanish, and grows where they explode (Pascanu et
    al. 2013, section 2).
    """
    watcher = _Watcher()
    applied = Application((*view.network.applied.active, watcher), view.network.applied.noise)
    network = replace(view.network, applied=applied, backend=Backend.auto)
    states = () if view.task.carries else None
    with torch.enable_grad():
        trace = view.task.forward(network, view.batch, states)
        loss = view.task.last_loss(trace, view.batch).sum()  # over runs and sequences
        gradients = torch.autograd.grad(loss, watcher.seen, materialize_grads=True)
    norms = torch.linalg.vector_norm(torch.stack(gradients, dim=1), dim=-1)  # (K, T, B)
    return _by_distance(norms, view.batch.lengths)


def _by_distance(norms: Tensor, lengths: Tensor) -> dict[str, Tensor]:
    found, distance = {}, 0
    while (lengths > distance).any():
        enough = lengths > distance  # (K, B)
        at = (lengths - 1 - distance).clamp_min(0)
        own = norms.gather(1, at[:, None])[:, 0] * enough
        found[str(distance)] = own.sum(dim=1) / enough.sum(dim=1).clamp_min(1)
        distance = max(1, 2 * distance)
    return found


class _Watcher(Regularizer):
    """Keeps h_t of the first layer's forward direction at every step, as nodes of the graph."""

    def __init__(self) -> None:
        self.seen: list[Tensor] = []

    def transform_cell(
        self,
        cell: Cell,
        own: LayerWeights,
        weights: Mapping[str, Tensor],
        place: Place,
        noise: Noise | None,
    ) -> tuple[Cell, LayerWeights]:
        if (place.layer, place.direction) != (0, 0):
            return cell, own
        return replace(cell, name=f"watched {cell.name}", step=_Watched(cell, self.seen)), own


@dataclass(frozen=True)
class _Watched:
    cell: Cell
    seen: list[Tensor]

    def __call__(
        self, x: Tensor, state: State, W_hh: Tensor, b_hh: Tensor, noise: RecurrentNoise = NONE
    ) -> State:
        new = self.cell.step(x, state, W_hh, b_hh, noise)
        self.seen.append(new[0])
        return new

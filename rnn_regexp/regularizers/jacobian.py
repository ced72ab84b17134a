"""A penalty on vanishing and exploding gradients: Pascanu's Omega."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import ClassVar

import torch
from torch import Tensor

from rnn_regexp.fields import per_run
from rnn_regexp.noise import Noise
from rnn_regexp.recurrence.cells import Cell, LayerWeights, State
from rnn_regexp.recurrence.perturbation import NONE, RecurrentNoise
from rnn_regexp.regularizers.base import Place, Regularizer
from rnn_regexp.regularizers.subject import Subject
from rnn_regexp.regularizers.trace import Trace
from rnn_regexp.weights import Weights

Steps = Mapping[tuple[int, int], list[Tensor]]  # of each layer and direction: h_1, ..., h_T


@dataclass
class Jacobian(Regularizer):
    """A penalty on what the error's gradient gains or loses on its way back through each step.

    coefficient * mean over sequences of sum_t (||d_{t+1} dh_{t+1}/dh_t|| / ||d_{t+1}|| - 1)^2

    d_t = dE/dh_t, the loss's whole derivative.  Where d_{t+1} is 0, on padding, there is no term.
    The paper takes d and h as constants when it differentiates Omega; this is its whole gradient,
    through second derivatives, so a step costs several times as much.  Layers and directions are
    summed.
    """

    source = "Pascanu, Mikolov & Bengio 2013, equation 9"
    separate = True

    coefficient: float = per_run(0.0, "[0, inf)", strength=True)
    seen: ClassVar[Steps] = MappingProxyType({})  # a stack has that of its last forward pass

    def objections(self, subject: Subject) -> Iterator[tuple[str, str]]:
        yield from subject.without_own_cell()
        if subject.cell.states > 1:
            yield "", f"h is not the whole state of the LSTM (model={subject.model})"
        for name, own in subject.techniques.items():
            if own.passes > 1:
                yield "", f"{name} beside it takes two passes a step, it needs one"

    def transform_cell(
        self,
        cell: Cell,
        own: LayerWeights,
        weights: Mapping[str, Tensor],
        place: Place,
        noise: Noise | None,
    ) -> tuple[Cell, LayerWeights]:
        if not torch.is_grad_enabled():
            return cell, own
        here, states = (place.layer, place.direction), list[Tensor]()
        others = {} if here == (0, 0) else self.seen
        self._remember({**others, here: states})

        def step(
            x: Tensor, state: State, W_hh: Tensor, b_hh: Tensor, noise: RecurrentNoise = NONE
        ) -> State:
            after = cell.step(x, state, W_hh, b_hh, noise)
            states.append(after[0])
            return after

        return replace(cell, name=f"watched_{cell.name}", step=step), own

    def penalty(self, weights: Weights, trace: Trace) -> Tensor:
        assert trace.losses is not None
        total, sequences = torch.zeros_like(trace.losses), (trace.lengths > 0).sum(dim=1)
        for states in self.seen.values():
            total = total + omega(trace.losses, states)
        self._remember({})
        return self.coefficient.to(total) * total / sequences.clamp_min(1)

    def _remember(self, seen: Steps) -> None:
        setattr(self, "seen", seen)  # noqa: B010


def omega(losses: Tensor, states: list[Tensor]) -> Tensor:
    """Omega (K,) summed over sequences, of losses (K,) and the states (K, B, H) of T steps."""
    flows = torch.autograd.grad(losses.sum(), states, create_graph=True, materialize_grads=True)
    total = torch.zeros_like(losses)
    for before, after, flow in zip(states, states[1:], flows[1:], strict=False):
        size = flow.detach().abs().amax(dim=-1, keepdim=True)  # squares must not underflow
        scaled = flow / torch.where(size > 0, size, 1)
        (back,) = torch.autograd.grad(after, before, scaled, create_graph=True)
        total = total + _terms(back.square().sum(dim=-1), scaled.square().sum(dim=-1)).sum(dim=1)
    return total


def _terms(back: Tensor, flow: Tensor) -> Tensor:
    """(sqrt(back / flow) - 1)^2, with a gradient where ``back`` is 0; 0 where ``flow`` is 0."""
    whole = (back > 0) & (flow > 0)
    ratio = (torch.where(whole, back, 1) / torch.where(whole, flow, 1)).sqrt()
    return torch.where(whole, (ratio - 1).square(), (flow > 0).to(flow))

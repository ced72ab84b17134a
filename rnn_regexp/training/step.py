"""One optimizer step of K runs: losses, gradients, update; on CUDA without a look at the device."""

from dataclasses import replace

import torch
from torch import Tensor

from rnn_regexp.data.batches import Batch
from rnn_regexp.host import possibly
from rnn_regexp.models.forward import Reads, States
from rnn_regexp.noise import Noise
from rnn_regexp.regularizers.base import Update
from rnn_regexp.regularizers.trace import Trace
from rnn_regexp.training.cohort import Cohort
from rnn_regexp.training.settings import Reduction
from rnn_regexp.training.tally import Tally


def step(cohort: Cohort, batch: Batch, tally: Tally, states: States | None) -> States:
    """One step of every run that is alive and has data; returns the states it ends in."""
    weights, regularizers = cohort.weights, cohort.regularizers
    noise = Noise(cohort.seeds, tally.steps)
    trace, total = losses(cohort, batch, noise, states)
    weights.differentiate(total)
    update = _update(cohort, batch, tally, total, noise)
    with torch.no_grad():
        shift = regularizers.ascent(weights, update)
    if shift is not None:
        total = _differentiate_at(cohort, shift, batch, noise, states)
        update = _update(cohort, batch, tally, total, noise)
    assert trace.losses is not None
    with torch.no_grad():
        _apply(cohort, update)
        tally.add(trace.losses, update)
    return _detached(trace.states)


def losses(
    cohort: Cohort, batch: Batch, noise: Noise, states: States | None
) -> tuple[Trace, Tensor]:
    """The trace with the task's losses, and the losses (K,) with every penalty added."""
    trace = _forward(cohort, batch, noise, states)
    if cohort.regularizers.passes > 1:
        trace = replace(trace, second=_forward(cohort, batch, noise.branched("second"), states))
    assert trace.losses is not None
    return trace, sum(cohort.regularizers.penalties(cohort.weights, trace), start=trace.losses)


def _forward(cohort: Cohort, batch: Batch, noise: Noise, states: States | None) -> Trace:
    network = cohort.network(noise)
    with cohort.autocast():
        trace = cohort.task.forward(network, batch, states)
        own = cohort.task.loss(trace, batch, network.applied).to(cohort.weights.flat.dtype)
    if cohort.training.reduction is Reduction.time_sum and cohort.task.reads is Reads.steps:
        own = own * trace.lengths.amax(dim=1)
    return replace(trace, losses=own)


def _update(cohort: Cohort, batch: Batch, tally: Tally, total: Tensor, noise: Noise) -> Update:
    """The step to come; freezes the runs whose loss or gradient is not finite."""
    norm = torch.linalg.vector_norm(cohort.weights.gradient, dim=1)
    stepping = tally.stepping(torch.isfinite(total.detach()) & torch.isfinite(norm), batch.active)
    learning_rate = cohort.optimizers.learning_rate * stepping
    return Update(norm, learning_rate, cohort.optimizers.decoupled, stepping, noise)


def _differentiate_at(
    cohort: Cohort, shift: Tensor, batch: Batch, noise: Noise, states: States | None
) -> Tensor:
    """The gradient at the weights plus ``shift`` (K, P); returns the losses there."""
    flat = cohort.weights.flat
    here = flat.detach().clone()
    with torch.no_grad():
        flat += shift
    _, total = losses(cohort, batch, noise, states)
    cohort.weights.differentiate(total)
    with torch.no_grad():
        flat.copy_(here)
    return total


def _apply(cohort: Cohort, update: Update) -> None:
    """Gradients, weights before, the optimizer, weights after; of runs that make no step, none."""
    weights = cohort.weights
    before = weights.flat.clone() if possibly(~update.stepping) else None
    cohort.regularizers.before_step(weights, update)
    cohort.optimizers.step(weights.flat, weights.gradient, update.stepping)
    cohort.regularizers.after_step(weights, update)
    if before is not None:
        weights.flat.copy_(torch.where(update.stepping[:, None], weights.flat, before))


def _detached(states: States) -> States:
    return tuple(tuple(tuple(own.detach() for own in state) for state in layer) for layer in states)

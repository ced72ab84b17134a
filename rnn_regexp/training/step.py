"""One optimizer step of K runs: losses, gradients, update."""

from dataclasses import replace

import torch
from torch import Tensor

from rnn_regexp.data.batches import Batch
from rnn_regexp.models.forward import Reads, States
from rnn_regexp.noise import Noise
from rnn_regexp.regularizers.base import Update
from rnn_regexp.regularizers.trace import Trace
from rnn_regexp.training.cohort import Cohort
from rnn_regexp.training.record import Record
from rnn_regexp.training.settings import Reduction


def step(cohort: Cohort, batch: Batch, record: Record, states: States | None) -> Trace:
    """One step of every run that is alive and has data; returns the trace of its first pass."""
    weights, regularizers = cohort.weights, cohort.regularizers
    noise = Noise(cohort.seeds, record.steps.to(cohort.device))
    trace, total = losses(cohort, batch, noise, states)
    weights.differentiate(total)
    update = _update(cohort, batch, record, total, noise)
    with torch.no_grad():
        shift = regularizers.ascent(weights, update)
    if shift is not None:
        total = _differentiate_at(cohort, shift, batch, noise, states)
        update = _update(cohort, batch, record, total, noise)
    with torch.no_grad():
        _apply(cohort, update)
    assert trace.losses is not None
    record.step(trace.losses.detach(), update)
    return trace


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


def _update(cohort: Cohort, batch: Batch, record: Record, total: Tensor, noise: Noise) -> Update:
    """The step to come; freezes the runs whose loss or gradient is not finite."""
    norm = torch.linalg.vector_norm(cohort.weights.gradient, dim=1)
    stepping = record.stepping(torch.isfinite(total.detach()) & torch.isfinite(norm), batch.active)
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
    weights, stepping = cohort.weights, update.stepping.tolist()
    still = None if all(stepping) else weights.flat[~update.stepping].clone()
    cohort.regularizers.before_step(weights, update)
    cohort.optimizers.step(weights.flat, weights.gradient, stepping)
    cohort.regularizers.after_step(weights, update)
    if still is not None:
        weights.flat[~update.stepping] = still

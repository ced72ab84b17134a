"""The training loop: K runs, a fixed number of epochs, read from top to bottom."""

import time
from collections.abc import Callable

import torch
from torch import Tensor

from rnn_regexp.data.sequences import Split
from rnn_regexp.models.forward import forward
from rnn_regexp.noise import Noise
from rnn_regexp.regularizers.base import Update
from rnn_regexp.tasks import classify
from rnn_regexp.training.batches import Batch, shuffled
from rnn_regexp.training.cohort import Cohort
from rnn_regexp.training.evaluate import evaluate
from rnn_regexp.training.record import Outcome, Record

Progress = Callable[[int], None]  # called with the number of epochs done


def train(cohort: Cohort, progress: Progress = lambda epochs: None) -> list[Outcome]:
    """Train every run of the cohort; returns what became of each, in order."""
    training = cohort.training
    train_split, valid = cohort.split("train"), cohort.split("valid")
    known = train_split.head(len(valid))  # training data seen without noise: the gap's other side
    record = Record(cohort)
    for epoch in range(1, training.epochs + 1):
        epoch_of_steps(cohort, record, epoch, train_split)
        record.epoch(
            epoch, time.time(), train_eval=evaluate(cohort, known), valid=evaluate(cohort, valid)
        )
        progress(epoch)
        if not record.alive.any():
            break
    return record.finish(_test(cohort, record))


def epoch_of_steps(cohort: Cohort, record: Record, epoch: int, split: Split) -> None:
    """One pass over the training split, each run in its own order."""
    batch_size = cohort.training.batch_size
    order = Noise(cohort.seeds, epoch).permutation("order", len(split))
    for batch in shuffled(split, order, batch_size):
        cohort.set_rates(record.moments(epoch, steps_per_epoch=-(-len(split) // batch_size)))
        record.step(*_step(cohort, batch, record))


def _step(cohort: Cohort, batch: Batch, record: Record) -> tuple[Tensor, Update]:
    """One optimizer step of every run that is alive; returns the losses (K,) and the update."""
    weights, regularizers = cohort.weights, cohort.regularizers
    noise = Noise(cohort.seeds, record.steps)
    logits = forward(
        cohort.model,
        weights,
        batch.inputs,
        batch.lengths,
        lambda site, layer, x: regularizers.transform_activations(site, layer, x, noise),
        cohort.training.backend,
    )
    losses = classify.loss(logits, batch.targets)  # (K,)
    total = sum(regularizers.penalties(weights), start=losses)
    weights.differentiate(total)
    norm = torch.linalg.vector_norm(weights.gradient, dim=1)
    record.check(torch.isfinite(total.detach()) & torch.isfinite(norm))
    learning_rate = cohort.optimizers.learning_rate * record.alive.to(cohort.device)
    update = Update(norm, learning_rate, cohort.optimizers.decoupled)  # a frozen run's rate is 0
    with torch.no_grad():
        regularizers.update(weights, update)
        cohort.optimizers.step(weights.flat, weights.gradient, record.alive.tolist())
    return losses.detach(), update


def _test(cohort: Cohort, record: Record) -> dict[str, dict[str, Tensor]]:
    """Test metrics of the last weights, then of each run's best."""
    test, flat = cohort.split("test"), cohort.weights.flat
    last = evaluate(cohort, test)
    with torch.no_grad():
        flat.copy_(record.best_weights)
    return {"": last, "best/": evaluate(cohort, test)}

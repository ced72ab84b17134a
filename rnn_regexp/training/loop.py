"""The training loop: K runs, a budget of epochs, read from top to bottom."""

import itertools
import time
from collections.abc import Callable

import torch
from torch import Tensor

from rnn_regexp.data.sequences import Split
from rnn_regexp.noise import Noise
from rnn_regexp.training.checkpoint import NEVER, Checkpoint
from rnn_regexp.training.cohort import Cohort
from rnn_regexp.training.evaluate import carried, evaluate, look_inside
from rnn_regexp.training.record import Outcome, Record
from rnn_regexp.training.steps import Steps

Progress = Callable[[int], None]  # called with the number of epochs done


def train(
    cohort: Cohort, progress: Progress = lambda epochs: None, checkpoint: Checkpoint = NEVER
) -> list[Outcome]:
    """Train every run of the cohort; returns what became of each, in order.

    Goes on where ``checkpoint`` was written, and ends with each run's best weights in the cohort.
    A run that ends before the others leaves: the rest trains on as a smaller cohort.
    """
    record = Record(cohort)
    training = checkpoint.restore(cohort, record)
    train_split, valid = cohort.split("train"), cohort.split("valid")
    known = cohort.task.known(train_split, valid)
    steps = Steps(training, record.tally)
    while record.epochs < cohort.training.epochs and record.tally.alive.any():
        epoch_of_steps(steps, record, train_split, checkpoint)
        training.end_epoch(record.epochs + 1)
        record.epoch(
            time.time(),
            look_inside(training, valid),
            train_eval=evaluate(training, known),
            valid=evaluate(training, valid),
        )
        if (left := record.compact()) is not training:
            training, steps = left, Steps(left, record.tally)
        checkpoint.write(record)
        progress(record.epochs)
    return record.finish(_test(cohort, record))


def epoch_of_steps(steps: Steps, record: Record, split: Split, checkpoint: Checkpoint) -> None:
    """One pass over the training split, each run in its own order."""
    cohort = steps.cohort
    noise = Noise(cohort.seeds, record.epochs + 1)
    how = cohort.batching(noise)
    count = cohort.task.steps(split, how)
    batches = cohort.task.batches(split, noise, how)
    for batch in itertools.islice(batches, record.batches, None):
        factors = cohort.regularizers.rate_factors(batch.lengths.amax(dim=1), how.window)
        cohort.set_rates(record.moments(count), factors)
        record.states = steps(batch, carried(cohort, record.states, batch.begins))
        record.step(batch)
        checkpoint.write(record)


def _test(cohort: Cohort, record: Record) -> dict[str, dict[str, Tensor]]:
    """Test metrics of the last weights, then of each run's best."""
    test, metrics = cohort.split("test"), {}
    for prefix, kept in (("", record.last), ("best/", record.best)):
        cohort.regularizers.recall(kept.state)
        metrics[prefix] = evaluate(cohort, test, kept.flat)
    with torch.no_grad():
        cohort.weights.flat.copy_(record.best.flat)
    return metrics

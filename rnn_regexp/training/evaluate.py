"""Metrics of K runs on a split, without noise."""

import torch
from torch import Tensor

from rnn_regexp.data.sequences import Split
from rnn_regexp.models.forward import States
from rnn_regexp.tasks.base import add_up
from rnn_regexp.training.cohort import Cohort


@torch.no_grad()
def evaluate(cohort: Cohort, split: Split, flat: Tensor | None = None) -> dict[str, Tensor]:
    """The task's metrics on ``split``, (K,) each, by the weights ``flat`` (K, P) or the judged."""
    task = cohort.task
    network = cohort.network(flat=cohort.judged() if flat is None else flat)
    parts, states = [], None
    for batch in task.evaluation(split, cohort.runs):
        with cohort.autocast():
            trace = task.forward(network, batch, carried(cohort, states, batch.begins))
        parts.append(task.sums(trace, batch))
        states = trace.states
    return task.summarize(add_up(parts))


def carried(cohort: Cohort, states: States | None, begins: bool) -> States | None:
    """The states from which a batch starts: None where the task carries none."""
    if not cohort.task.carries:
        return None
    return () if begins or states is None else states

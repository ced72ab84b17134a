"""Metrics of K runs on a split, without noise or averaged over it."""

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from rnn_regexp.data.batches import Batch
from rnn_regexp.data.sequences import Split
from rnn_regexp.diagnostics import View, diagnose
from rnn_regexp.models.forward import States
from rnn_regexp.noise import Noise
from rnn_regexp.regularizers.trace import Trace
from rnn_regexp.tasks.base import add_up
from rnn_regexp.training.cohort import Cohort


@torch.no_grad()
def evaluate(cohort: Cohort, split: Split, flat: Tensor | None = None) -> dict[str, Tensor]:
    """The task's metrics on ``split``, (K,) each, by the weights ``flat`` (K, P) or the judged."""
    flat = cohort.judged() if flat is None else flat
    draws = cohort.regularizers.draws()  # (K,)
    plain = _Pass(cohort, flat)
    noisy = [_Pass(cohort, flat, draw) for draw in range(1, int(draws.max()) + 1)]
    parts = []
    for index, batch in enumerate(cohort.task.evaluation(split, cohort.runs)):
        trace = plain(batch, index)
        if noisy:
            outputs = (own(batch, index).logits for own in noisy)
            trace = replace(trace, logits=_mixed(cohort, trace.logits, outputs, draws))
        parts.append(cohort.task.sums(trace, batch))
    return cohort.task.summarize(add_up(parts))


class _Pass:
    """One pass over a split, with the states that it carries; draw 0 is without noise."""

    def __init__(self, cohort: Cohort, flat: Tensor, draw: int = 0) -> None:
        self.cohort, self.flat, self.draw = cohort, flat, draw
        self.states: States | None = None

    def __call__(self, batch: Batch, index: int) -> Trace:
        cohort = self.cohort
        noise = Noise(cohort.seeds, index, f"draw{self.draw}/") if self.draw else None
        network = cohort.network(noise, self.flat, sampling=True)
        states = carried(cohort, self.states, batch.begins)
        pass_ = cohort.task.forward if self.draw else cohort.task.evaluated
        with cohort.autocast():
            trace = pass_(network, batch, states)
        self.states = trace.states
        return trace


def _mixed(cohort: Cohort, plain: Tensor, noisy: Iterator[Tensor], draws: Tensor) -> Tensor:
    """Each run's mean prediction over its first ``draws`` (K,) noisy ones, or its plain one."""
    sampled = draws.view(-1, *(1 for _ in plain.shape[1:])) > 0
    return torch.where(sampled, cohort.task.mixture(noisy, draws), plain)


def look_inside(cohort: Cohort, split: Split) -> dict[str, Tensor]:
    """The diagnostics that are asked for, (K,) each, on the first sequences of ``split``."""
    asked = cohort.training.diagnostics
    if not asked:
        return {}
    batch = cohort.task.sample(split, cohort.runs)
    network = cohort.network(flat=cohort.judged().detach().requires_grad_())
    return diagnose(asked, View(network, cohort.weights.specs, cohort.task, batch))


def carried(cohort: Cohort, states: States | None, begins: bool) -> States | None:
    """The states from which a batch starts: None where the task carries none."""
    if not cohort.task.carries:
        return None
    return () if begins or states is None else states

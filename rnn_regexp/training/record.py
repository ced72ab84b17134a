"""What is written down while K runs train: history, the best epoch, divergence, early ends."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from rnn_regexp.models.forward import States
from rnn_regexp.regularizers.base import Update
from rnn_regexp.training.cohort import Cohort
from rnn_regexp.training.kept import Kept
from rnn_regexp.training.schedules import Moment

STEP_METRICS = ("loss", "gradient_norm", "clipped_fraction")  # means over an epoch's steps


def metric_names(metrics: tuple[str, ...]) -> list[str]:
    """The metrics of a finished run that a study can judge (each also as ``best/...``)."""
    evaluated = [f"{split}/{n}" for split in ("train_eval", "valid", "test") for n in metrics]
    return [*(f"train/{name}" for name in STEP_METRICS), *evaluated]


@dataclass
class Outcome:
    """What became of one run."""

    metrics: dict[str, float] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)  # one row an epoch
    diverged_at: int | None = None  # optimizer step, counted from 1
    stopped_at: int | None = None  # epoch after which a technique ended it before the others


class Record:
    """Per-run sums of the running epoch, rows of the finished ones, the best weights so far.

    A run whose loss or gradient is not finite is no longer alive: its weights stay as they were
    before that step, nothing more is written of it, and its neighbours do not notice.  Between
    two epochs the runs that are no longer alive leave; ``rows`` says which runs of the whole
    cohort are left.
    """

    def __init__(self, cohort: Cohort) -> None:
        self.outcomes = [Outcome() for _ in range(cohort.runs)]
        self.best, self.last = Kept(cohort), Kept(cohort)
        self.best_loss = torch.full((cohort.runs,), torch.inf, dtype=torch.double)
        self.epochs = 0  # finished
        self.batches = 0  # of the running epoch
        self.states: States = ()
        self.follow(cohort, list(range(cohort.runs)))

    def follow(self, cohort: Cohort, rows: list[int]) -> None:
        """Go on with a cohort whose runs are ``rows`` of the whole one."""
        self.cohort, self.rows = cohort, torch.tensor(rows, device=cohort.device)
        self.alive = torch.ones(len(rows), dtype=torch.bool)
        self.steps = torch.zeros(len(rows), dtype=torch.int64)
        self._clear()

    def _clear(self) -> None:
        zero = self.cohort.weights.flat.new_zeros(self.cohort.runs)
        self.sums = {name: zero.clone() for name in STEP_METRICS}
        self.epoch_steps = zero.clone()
        self.batches = 0

    def of(self, k: int) -> Outcome:
        """The outcome of the ``k``-th run that is left."""
        return self.outcomes[int(self.rows[k])]

    def moments(self, steps_per_epoch: int) -> list[Moment]:
        """Where each run stands before the step that follows."""
        epochs = self.cohort.training.epochs
        losses = ([row["valid/loss"] for row in self.of(k).history] for k in range(len(self.rows)))
        return [
            Moment(self.epochs + 1, step, steps_per_epoch, epochs, own)
            for step, own in zip(self.steps.tolist(), losses, strict=True)
        ]

    def stepping(self, finite: Tensor, active: Tensor | None = None) -> Tensor:
        """The runs that make the next step, (K,); freezes those that are not ``finite`` (K,)."""
        self.check(finite)
        alive = self.alive.to(finite.device)
        return alive if active is None else alive & active

    def check(self, finite: Tensor) -> None:
        """Freeze the runs for which ``finite`` (K,) does not hold."""
        newly = self.alive & ~finite.cpu()
        for k in newly.nonzero().flatten().tolist():
            self.of(k).diverged_at = int(self.steps[k]) + 1
        self.alive &= ~newly
        if not self.alive.all():
            self.cohort.weights.gradient[~self.alive] = 0

    def step(self, losses: Tensor, update: Update) -> None:
        """Add one optimizer step's loss, gradient norm and clipping, (K,) each."""
        values = (losses, update.norm, update.clipped)
        for total, value in zip(self.sums.values(), values, strict=True):
            total += torch.where(update.stepping, value, 0)
        self.epoch_steps += update.stepping
        self.steps += update.stepping.cpu()
        self.batches += 1

    def epoch(
        self, now: float, inside: Mapping[str, Tensor] | None = None, **splits: dict[str, Tensor]
    ) -> None:
        """Close an epoch with its diagnostics and the metrics of the evaluated splits."""
        self.check(splits["valid"]["loss"].isfinite())
        self.epochs += 1
        means = {f"train/{name}": total / self.epoch_steps for name, total in self.sums.items()}
        evaluated = {f"{s}/{n}": value for s, part in splits.items() for n, value in part.items()}
        measured = {**means, **evaluated, **(inside or {})}
        values = {name: value.tolist() for name, value in measured.items()}
        for k in self.alive.nonzero().flatten().tolist():
            row = {"epoch": self.epochs, "step": int(self.steps[k]), "time": now}
            self.of(k).history.append(row | {name: own[k] for name, own in values.items()})
        self._keep_best(splits["valid"]["loss"])
        self._end_early()
        self._clear()

    def _keep_best(self, loss: Tensor) -> None:
        rows = self.rows.cpu()
        better = (loss.double().cpu() < self.best_loss[rows]) & self.alive
        self.best_loss[rows[better]] = loss.double().cpu()[better]
        self.best.put(self.cohort, self.rows, better.to(loss.device))

    def _end_early(self) -> None:
        """Let techniques see the epoch; the runs that they end are alive no more."""
        histories = [self.of(k).history for k in range(len(self.rows))]
        for k, ends in enumerate(self.cohort.regularizers.after_epoch(histories)):
            if ends and self.alive[k]:
                self.of(k).stopped_at = self.epochs
                self.alive[k] = False
        over = self.epochs == self.cohort.training.epochs
        leaving = torch.tensor(
            [over or self.of(k).stopped_at is not None for k in range(len(self.rows))]
        )
        self.last.put(self.cohort, self.rows, leaving.to(self.rows.device))

    def compact(self) -> Cohort:
        """The cohort that trains on: without the runs that ended, unless that leaves none."""
        if self.alive.all() or not self.alive.any():
            return self.cohort
        left = self.alive.nonzero().flatten().tolist()
        steps, rows = self.steps[left], self.rows[left].tolist()
        self.follow(self.cohort.select(left), rows)
        self.steps = steps
        return self.cohort

    def finish(self, tests: dict[str, dict[str, Tensor]]) -> list[Outcome]:
        """Final metrics: of the last epoch, and with the prefix ``best/`` of the best."""
        for k, outcome in enumerate(self.outcomes):
            history = outcome.history
            if history and outcome.diverged_at is None:
                outcome.metrics |= _final(history[-1], "") | _test_metrics(tests[""], "", k)
                outcome.metrics["train/epochs"] = len(history)
            if history:
                best = min(history, key=lambda row: row["valid/loss"])
                outcome.metrics |= {"best/epoch": best["epoch"]} | _final(best, "best/")
                outcome.metrics |= _test_metrics(tests["best/"], "best/", k)
        return self.outcomes


def _final(row: dict[str, float], prefix: str) -> dict[str, float]:
    return {f"{prefix}{name}": value for name, value in row.items() if "/" in name}


def _test_metrics(tests: dict[str, Tensor], prefix: str, k: int) -> dict[str, float]:
    return {f"{prefix}test/{name}": float(value[k]) for name, value in tests.items()}

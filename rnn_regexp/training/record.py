"""What is written down while K runs train: history, the best epoch, divergence."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from rnn_regexp.regularizers.base import Update
from rnn_regexp.tasks import classify
from rnn_regexp.training.cohort import Cohort
from rnn_regexp.training.schedules import Moment

STEP_METRICS = ("loss", "gradient_norm", "clipped_fraction")  # means over an epoch's steps


def metric_names() -> list[str]:
    """The metrics of a finished run that a study can judge (each also as ``best/...``)."""
    evaluated = [f"{s}/{n}" for s in ("train_eval", "valid", "test") for n in classify.METRICS]
    return [*(f"train/{name}" for name in STEP_METRICS), *evaluated]


@dataclass
class Outcome:
    """What became of one run."""

    metrics: dict[str, float] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)  # one row an epoch
    diverged_at: int | None = None  # optimizer step, counted from 1


class Record:
    """Per-run sums of the running epoch, rows of the finished ones, the best weights so far.

    A run whose loss or gradient is not finite is no longer alive: its weights stay as they were
    before that step, nothing more is written of it, and its neighbours do not notice.
    """

    def __init__(self, cohort: Cohort) -> None:
        K = cohort.runs
        self.cohort = cohort
        self.steps = 0
        self.alive = torch.ones(K, dtype=torch.bool)
        self.outcomes = [Outcome() for _ in range(K)]
        self.best_loss = cohort.weights.flat.new_full((K,), torch.inf)
        self.best_weights = cohort.weights.flat.detach().clone()
        self._clear()

    def _clear(self) -> None:
        zero = self.cohort.weights.flat.new_zeros(self.cohort.runs)
        self.sums = {name: zero.clone() for name in STEP_METRICS}
        self.epoch_steps = 0

    def moments(self, epoch: int, steps_per_epoch: int) -> list[Moment]:
        """Where each run stands before the step that follows."""
        epochs = self.cohort.training.epochs
        losses = ([row["valid/loss"] for row in own.history] for own in self.outcomes)
        return [Moment(epoch, self.steps, steps_per_epoch, epochs, own) for own in losses]

    def check(self, finite: Tensor) -> None:
        """Freeze the runs for which ``finite`` (K,) does not hold."""
        newly = self.alive & ~finite.cpu()
        for k in newly.nonzero().flatten().tolist():
            self.outcomes[k].diverged_at = self.steps + 1
        self.alive &= ~newly
        if not self.alive.all():
            self.cohort.weights.gradient[~self.alive] = 0

    def step(self, losses: Tensor, update: Update) -> None:
        """Add one optimizer step's loss, gradient norm and clipping, (K,) each."""
        self.sums["loss"] += losses
        self.sums["gradient_norm"] += update.norm
        self.sums["clipped_fraction"] += update.clipped
        self.steps += 1
        self.epoch_steps += 1

    def epoch(self, epoch: int, now: float, **splits: dict[str, Tensor]) -> None:
        """Close an epoch with the metrics of the evaluated splits."""
        self.check(splits["valid"]["loss"].isfinite())
        means = {f"train/{name}": total / self.epoch_steps for name, total in self.sums.items()}
        evaluated = {f"{s}/{n}": value for s, part in splits.items() for n, value in part.items()}
        values = {name: value.tolist() for name, value in (means | evaluated).items()}
        for k in self.alive.nonzero().flatten().tolist():
            row = {"epoch": epoch, "step": self.steps, "time": now}
            self.outcomes[k].history.append(row | {name: own[k] for name, own in values.items()})
        self._keep_best(splits["valid"]["loss"])
        self._clear()

    def _keep_best(self, loss: Tensor) -> None:
        better = (loss < self.best_loss) & self.alive.to(loss.device)
        self.best_loss = torch.where(better, loss.to(self.best_loss), self.best_loss)
        self.best_weights[better] = self.cohort.weights.flat.detach()[better]

    def finish(self, tests: dict[str, dict[str, Tensor]]) -> list[Outcome]:
        """Final metrics: of the last epoch, and with the prefix ``best/`` of the best."""
        for k, outcome in enumerate(self.outcomes):
            history = outcome.history
            if history and outcome.diverged_at is None:
                outcome.metrics |= _final(history[-1], "") | _test_metrics(tests[""], "", k)
            if history:
                best = min(history, key=lambda row: row["valid/loss"])
                outcome.metrics |= {"best/epoch": best["epoch"]} | _final(best, "best/")
                outcome.metrics |= _test_metrics(tests["best/"], "best/", k)
        return self.outcomes


def _final(row: dict[str, float], prefix: str) -> dict[str, float]:
    return {f"{prefix}{name}": value for name, value in row.items() if "/" in name}


def _test_metrics(tests: dict[str, Tensor], prefix: str, k: int) -> dict[str, float]:
    return {f"{prefix}test/{name}": float(value[k]) for name, value in tests.items()}

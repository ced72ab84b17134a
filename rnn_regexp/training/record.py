"""What is written down while K runs train: history, the best epoch, divergence, early ends."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from rnn_regexp.data.batches import Batch
from rnn_regexp.models.forward import States
from rnn_regexp.training.cohort import Cohort
from rnn_regexp.training.kept import Kept
from rnn_regexp.training.schedules import Moment
from rnn_regexp.training.tally import STEP_METRICS, Tally


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
    """The tally of the running epoch, rows of the finished ones, the best weights so far.

    Between two epochs the runs that are no longer alive leave; ``rows`` says which runs of the
    whole cohort are left.
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
        self.tally = Tally(cohort.runs, cohort.weights.flat.detach())
        self.made = [0] * len(rows)  # steps, counted by the host
        self.batches = 0

    def of(self, k: int) -> Outcome:
        """The outcome of the ``k``-th run that is left."""
        return self.outcomes[int(self.rows[k])]

    def moments(self, steps_per_epoch: int) -> list[Moment]:
        """Where each run stands before the step that follows."""
        epochs = self.cohort.training.epochs
        losses = [[row["valid/loss"] for row in self.of(k).history] for k in range(len(self.made))]
        return [
            Moment(self.epochs + 1, step, steps_per_epoch, epochs, own)
            for step, own in zip(self.made, losses, strict=True)
        ]

    def step(self, batch: Batch) -> None:
        """Count a batch that a step was made on."""
        moves = [True] * len(self.made) if batch.active is None else batch.active.tolist()
        self.made = [made + own for made, own in zip(self.made, moves, strict=True)]
        self.batches += 1

    def epoch(
        self, now: float, inside: Mapping[str, Tensor] | None = None, **splits: dict[str, Tensor]
    ) -> None:
        """Close an epoch with its diagnostics and the metrics of the evaluated splits."""
        self.tally.check(splits["valid"]["loss"].isfinite())
        self._note_divergence()
        self.epochs += 1
        evaluated = {f"{s}/{n}": value for s, part in splits.items() for n, value in part.items()}
        measured = {**self.tally.means(), **evaluated, **(inside or {})}
        values = {name: value.tolist() for name, value in measured.items()}
        steps = self.tally.steps.tolist()
        for k in self._alive():
            row = {"epoch": self.epochs, "step": steps[k], "time": now}
            self.of(k).history.append(row | {name: own[k] for name, own in values.items()})
        self._keep_best(splits["valid"]["loss"])
        self._end_early()
        self.tally.clear()
        self.batches = 0

    def _alive(self) -> list[int]:
        return self.tally.alive.nonzero().flatten().tolist()

    def _note_divergence(self) -> None:
        for k, at in enumerate(self.tally.diverged_at.tolist()):
            if at:
                self.of(k).diverged_at = at

    def _keep_best(self, loss: Tensor) -> None:
        rows = self.rows.cpu()
        better = (loss.double().cpu() < self.best_loss[rows]) & self.tally.alive.cpu()
        self.best_loss[rows[better]] = loss.double().cpu()[better]
        self.best.put(self.cohort, self.rows, better.to(loss.device))

    def _end_early(self) -> None:
        """Let techniques see the epoch; the runs that they end are alive no more."""
        histories = [self.of(k).history for k in range(len(self.rows))]
        ends, alive = self.cohort.regularizers.after_epoch(histories), self._alive()
        for k in alive:
            if ends[k]:
                self.of(k).stopped_at = self.epochs
                self.tally.alive[k] = False
        over = self.epochs == self.cohort.training.epochs
        leaving = torch.tensor(
            [over or self.of(k).stopped_at is not None for k in range(len(self.rows))]
        )
        self.last.put(self.cohort, self.rows, leaving.to(self.rows.device))

    def compact(self) -> Cohort:
        """The cohort that trains on: without the runs that ended, unless that leaves none."""
        left = self._alive()
        if len(left) in (0, len(self.made)):
            return self.cohort
        steps, rows = self.tally.steps[left], self.rows[left].tolist()
        self.follow(self.cohort.select(left), rows)
        self.tally.steps.copy_(steps)
        self.made = steps.tolist()
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

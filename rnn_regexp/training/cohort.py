"""Which runs can train together, and the K runs as the trainer sees them."""

import copy
import dataclasses
import json
from collections.abc import Iterable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from rnn_regexp.allocator import keep_freed_memory
from rnn_regexp.data.batches import Batching
from rnn_regexp.data.sequences import SequenceData, Split
from rnn_regexp.fields import PER_RUN, VOLATILE, plain, snake_case
from rnn_regexp.models import Model
from rnn_regexp.models.embedding import take_over
from rnn_regexp.models.forward import Network, Reads
from rnn_regexp.noise import Noise
from rnn_regexp.regularizers import ALL
from rnn_regexp.regularizers.application import Application
from rnn_regexp.regularizers.fitting import refuse, used
from rnn_regexp.regularizers.stack import RegularizerSet, RegularizerStack
from rnn_regexp.regularizers.subject import Subject
from rnn_regexp.tasks import Task, task_of
from rnn_regexp.training.optimizers import Optimizer, OptimizerState
from rnn_regexp.training.schedules import Constant, Moment, Schedule
from rnn_regexp.training.settings import Precision, Training
from rnn_regexp.weights import Weights

SEPARATE = frozenset(snake_case(technique.__name__) for technique in ALL if technique.separate)


@dataclasses.dataclass
class RunSettings:
    """What distinguishes the runs of a cohort."""

    seed: int
    regularizers: RegularizerSet
    optimizer: Optimizer
    schedule: Schedule = dataclasses.field(default_factory=Constant)


class Cohort:
    """Weights, regularizers and optimizers of K runs of one shape on one device."""

    def __init__(
        self, model: Model, training: Training, runs: list[RunSettings], data: SequenceData
    ) -> None:
        self.model, self.training, self.settings = model, training, runs
        self.task = task_of(data)
        self.task.check(model)
        for run in runs:
            refuse(subject_of(model, self.task, training, run.regularizers))
        self.device = training.torch_device()
        if self.device.type == "cpu":
            keep_freed_memory()
        self.seeds = torch.tensor([run.seed for run in runs], device=self.device)
        self.regularizers = RegularizerStack([run.regularizers for run in runs], self.device)
        specs = self.regularizers.specs(self.task.specs(model))
        self.weights = Weights.zeros(specs, len(runs), training.dtype(), self.device)
        self.regularizers.initialize(self.weights, Noise(self.seeds))
        if data.vectors is not None:
            take_over(self.weights, data.vectors)
        self.regularizers.start(self.weights)
        self.optimizers = OptimizerState([run.optimizer for run in runs], self.weights.flat)

    @property
    def runs(self) -> int:
        return len(self.seeds)

    def select(self, rows: list[int]) -> "Cohort":
        """Some of the runs alone, as they stand; nothing is shared with those here."""
        part = copy.copy(self)
        part.settings = [self.settings[k] for k in rows]
        part.seeds = self.seeds[rows]
        part.weights = self.weights.select(torch.tensor(rows, device=self.device))
        part.regularizers = RegularizerStack(
            [own.regularizers for own in part.settings], self.device
        )
        part.regularizers.start(part.weights)
        part.regularizers.recall({n: own[rows] for n, own in self.regularizers.state().items()})
        part.optimizers = self.optimizers.select(rows)
        return part

    def set_rates(self, moments: list[Moment], factors: list[float]) -> None:
        """Set each run's learning rate for the step that follows."""
        schedules = (
            own.schedule.factor(at) for own, at in zip(self.settings, moments, strict=True)
        )
        self.optimizers.scale([own * by for own, by in zip(schedules, factors, strict=True)])

    def network(
        self, noise: Noise | None = None, flat: Tensor | None = None, sampling: bool = False
    ) -> Network:
        """The model with its weights, or others ``flat``.

        Without noise, and with noise for ``sampling``, it is for evaluation.
        """
        applied = Application(self.regularizers.active.values(), noise, sampling)
        weights = self.weights if flat is None else self.weights.at(flat)
        return Network(self.model, weights, applied, self.training.backend)

    @torch.no_grad()
    def end_epoch(self, epoch: int) -> None:
        """Let the techniques see the weights with which an epoch ends."""
        self.regularizers.end_epoch(self.weights, epoch)

    def judged(self) -> Tensor:
        """The weights (K, P) by which the runs are judged: averages, where runs ask for them."""
        return self.regularizers.averaged(self.optimizers.averaged(self.weights.flat))

    def autocast(self) -> torch.autocast:
        """The context of every forward pass: bfloat16 products where the precision is mixed."""
        mixed = self.training.precision is Precision.bfloat16
        return torch.autocast(self.device.type, torch.bfloat16, enabled=mixed)

    def batching(self, noise: Noise) -> Batching:
        """How the epoch whose noise this is is cut."""
        stretch = partial(self.regularizers.window, noise=noise)
        return Batching(self.training.batch_size, self.training.window, stretch)

    def steps(self) -> int:
        """Optimizer steps in the first epoch."""
        return self.task.steps(self.split("train"), self.batching(Noise(self.seeds, 1)))

    def split(self, name: str) -> Split:
        """A split on the cohort's device and in its precision, cut to ``training.limit``."""
        split: Split = getattr(self.task.data, name)
        if self.training.limit:
            split = self.task.head(split, self.training.limit)
        dtype, device = self.training.dtype(), self.device
        inputs, targets = (
            own.to(device, dtype if own.is_floating_point() else None)
            for own in (split.inputs, split.targets)
        )
        return Split(inputs, split.lengths.to(device), targets)


def subject_of(model: Model, task: Task, training: Training, techniques: RegularizerSet) -> Subject:
    """What techniques are to act on."""
    data = task.data
    return Subject(
        model=snake_case(type(model).__name__),
        cell=model.cell,
        layers=model.layers,
        directions=model.directions,
        hidden=model.hidden,
        vocabulary=len(data.vocabulary),
        width=data.features or model.embedding,
        outputs=task.outputs,
        task=data.task,
        every_step=task.reads is Reads.steps,
        carries=task.carries,
        batch=training.batch_size,
        backend=training.backend,
        techniques=used(techniques),
    )


def structure(settings: Any) -> Any:
    """The structural part of a tree of settings as plain values: runs of a cohort agree in it.

    Regularizers that are neutral count as absent, for a cohort gives absent ones neutral values.
    """
    return plain(settings, without=(PER_RUN, VOLATILE), neutral=False)


def compatible(techniques: list[dict[str, Any]]) -> bool:
    """Whether runs with these regularizers' structures can share a cohort.

    One may lack a technique that another has, unless it is a ``separate`` one; where both have
    it, their structures must agree.
    """
    if len({frozenset(run.keys() & SEPARATE) for run in techniques}) > 1:
        return False
    merged: dict[str, Any] = {}
    return all(merged.setdefault(n, own) == own for run in techniques for n, own in run.items())


def key(parts: Iterable[Any]) -> str:
    """A text that is equal for equal structures."""
    return json.dumps([structure(part) for part in parts], sort_keys=True)

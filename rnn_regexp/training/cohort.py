"""Which runs can train together, and the K runs as the trainer sees them."""

import dataclasses
import json
from collections.abc import Iterable
from typing import Any

import torch

from rnn_regexp.data.sequences import SequenceData, Split
from rnn_regexp.fields import PER_RUN, VOLATILE, plain
from rnn_regexp.models import Model
from rnn_regexp.noise import Noise
from rnn_regexp.regularizers.stack import RegularizerSet, RegularizerStack
from rnn_regexp.training.optimizers import Optimizer, OptimizerState
from rnn_regexp.training.schedules import Constant, Moment, Schedule
from rnn_regexp.training.settings import Training
from rnn_regexp.weights import Weights


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
        self.model, self.training, self.data = model, training, data
        self.device = training.torch_device()
        self.seeds = torch.tensor([run.seed for run in runs], device=self.device)
        self.regularizers = RegularizerStack([run.regularizers for run in runs], self.device)
        specs = model.specs(len(data.vocabulary), data.features, len(data.classes))
        self.weights = Weights.zeros(specs, len(runs), training.dtype(), self.device)
        self.regularizers.initialize(self.weights, Noise(self.seeds))
        self.optimizers = OptimizerState([run.optimizer for run in runs], self.weights.flat)
        self.schedules = [run.schedule for run in runs]

    @property
    def runs(self) -> int:
        return len(self.seeds)

    def set_rates(self, moments: list[Moment]) -> None:
        """Set each run's learning rate for the step that follows."""
        pairs = zip(self.schedules, moments, strict=True)
        self.optimizers.scale([schedule.factor(at) for schedule, at in pairs])

    def split(self, name: str) -> Split:
        """A split on the cohort's device and in its precision, cut to ``training.limit``."""
        split: Split = getattr(self.data, name)
        if self.training.limit:
            split = split.head(self.training.limit)
        inputs = split.inputs.to(self.device)
        if inputs.is_floating_point():
            inputs = inputs.to(self.training.dtype())
        return Split(inputs, split.lengths.to(self.device), split.targets.to(self.device))


def structure(settings: Any) -> Any:
    """The structural part of a tree of settings as plain values: runs of a cohort agree in it.

    Regularizers that are neutral count as absent, for a cohort gives absent ones neutral values.
    """
    return plain(settings, without=(PER_RUN, VOLATILE), neutral=False)


def compatible(techniques: list[dict[str, Any]]) -> bool:
    """Whether runs with these regularizers' structures can share a cohort.

    One may lack a technique that another has; where both have it, their structures must agree.
    """
    merged: dict[str, Any] = {}
    return all(merged.setdefault(n, own) == own for run in techniques for n, own in run.items())


def key(parts: Iterable[Any]) -> str:
    """A text that is equal for equal structures."""
    return json.dumps([structure(part) for part in parts], sort_keys=True)

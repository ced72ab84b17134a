"""The regularizers of K runs as one: per-run settings become tensors, absences neutral values."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor

from rnn_regexp.fields import PER_RUN, STRENGTH, Settings, snake_case
from rnn_regexp.noise import Noise
from rnn_regexp.regularizers import ALL
from rnn_regexp.regularizers.base import Regularizer, Update
from rnn_regexp.regularizers.init import Init
from rnn_regexp.regularizers.trace import Trace
from rnn_regexp.weights import Spec, Weights

R = TypeVar("R", bound=Regularizer)
S = TypeVar("S", bound=Settings)
RegularizerSet = Mapping[str, Regularizer]  # by name in YAML
Histories = Sequence[Sequence[Mapping[str, float]]]  # of each run, one row an epoch


def stack(runs: Sequence[S], device: torch.device) -> S:
    """One regularizer, or optimizer, whose per-run fields hold the values of all; see ``base``."""
    stacked = object.__new__(type(runs[0]))
    for field in dataclasses.fields(runs[0]):
        values = [getattr(run, field.name) for run in runs]
        own = field.metadata.get(PER_RUN)
        setattr(stacked, field.name, _stack_values(values, device) if own else values[0])
    strengths = {field for field in dataclasses.fields(runs[0]) if field.metadata.get(STRENGTH)}
    used = (f.name for f in strengths if any(getattr(run, f.name) != f.default for run in runs))
    setattr(stacked, "used", frozenset(used))  # noqa: B010
    return stacked


def _stack_values(values: list[Any], device: torch.device) -> Tensor | tuple[Any, ...]:
    if isinstance(values[0], (int, float)):
        return torch.tensor(values, dtype=torch.double, device=device)
    return tuple(values)


class RegularizerStack:
    """The techniques of a cohort, in the order of ``ALL``; those neutral in every run absent."""

    def __init__(self, sets: Sequence[RegularizerSet], device: torch.device) -> None:
        self.runs, self.device = len(sets), device
        self.active: dict[str, Regularizer] = {}
        techniques = {snake_case(technique.__name__): technique for technique in ALL}
        if unknown := {name for own in sets for name in own} - set(techniques):
            raise ValueError(f"unknown regularizers: {', '.join(sorted(unknown))}")
        for name, technique in techniques.items():
            runs = with_neutral(technique, [own.get(name) for own in sets])
            if technique is Init or not all(run.neutral for run in runs):
                self.active[name] = stack(runs, device)

    @property
    def passes(self) -> int:
        """Forward passes that a batch needs: the most that a technique asks for."""
        return max((own.passes for own in self.active.values()), default=1)

    def specs(self, specs: tuple[Spec, ...]) -> tuple[Spec, ...]:
        """The parameters of a model under these techniques."""
        for regularizer in self.active.values():
            specs = regularizer.specs(specs)
        return specs

    def initialize(self, weights: Weights, noise: Noise) -> None:
        """Fill the weights of all runs."""
        for regularizer in self.active.values():
            regularizer.initialize(weights, noise)

    def start(self, weights: Weights) -> None:
        """Set up what the techniques remember."""
        for regularizer in self.active.values():
            setattr(regularizer, "state", regularizer.start(weights))  # noqa: B010

    def penalties(self, weights: Weights, trace: Trace) -> Iterator[Tensor]:
        """The penalty terms, (K,) each."""
        terms = (regularizer.penalty(weights, trace) for regularizer in self.active.values())
        return (term for term in terms if term is not None)

    def ascent(self, weights: Weights, update: Update) -> Tensor | None:
        """The shift (K, P) at which gradients are wanted, or None where they stand."""
        shifts = [own.ascent(weights, update) for own in self.active.values()]
        return next((shift for shift in shifts if shift is not None), None)

    def before_step(self, weights: Weights, update: Update) -> None:
        """Change gradients, then weights, before the optimizer's step."""
        for regularizer in self.active.values():
            regularizer.transform_gradients(weights, update)
        for regularizer in self.active.values():
            regularizer.before_step(weights, update)

    def after_step(self, weights: Weights, update: Update) -> None:
        """Change weights after the optimizer's step."""
        for regularizer in self.active.values():
            regularizer.after_step(weights, update)

    def window(self, length: Tensor, index: int, noise: Noise) -> Tensor:
        """Steps (K,) until a stream's next cut."""
        for regularizer in self.active.values():
            length = regularizer.window(length, index, noise)
        return length

    def rate_factors(self, steps: Tensor, window: int) -> list[float]:
        """What multiplies each run's learning rate for a batch of so many steps (K,)."""
        asked = [own.rate_factor(steps, window) for own in self.active.values()]
        factors = [own for own in asked if own is not None]
        return torch.stack(factors).prod(dim=0).tolist() if factors else [1.0] * self.runs

    def end_epoch(self, weights: Weights, epoch: int) -> None:
        """Let the techniques see the weights with which an epoch ends."""
        for regularizer in self.active.values():
            regularizer.end_epoch(weights, epoch)

    def after_epoch(self, histories: Histories) -> list[bool]:
        """Let the techniques see each run's metrics; returns which runs they end here."""
        for regularizer in self.active.values():
            regularizer.after_epoch(histories)
        votes = [own.stops(histories) for own in self.active.values()]
        told = [vote for vote in votes if vote is not None]
        return [any(own[k] for own in told) for k in range(len(histories))]

    def draws(self) -> Tensor:
        """How many noisy passes (K,) each run's evaluation averages; 0 for one without noise."""
        asked = [own.draws() for own in self.active.values()]
        none = torch.zeros(self.runs, dtype=torch.double, device=self.device)
        return next((own for own in asked if own is not None), none)

    def averaged(self, flat: Tensor) -> Tensor:
        """The weights (K, P) by which runs are judged."""
        for regularizer in self.active.values():
            flat = regularizer.averaged(flat)
        return flat

    # What is remembered, as tensors (K, ...) named technique.name

    def state(self) -> dict[str, Tensor]:
        """Everything that is remembered from step to step."""
        return {
            f"{name}.{key}": tensor
            for name, own in self.active.items()
            for key, tensor in own.state.items()
        }

    def judged_with(self) -> dict[str, Tensor]:
        """The part of it that evaluation reads."""
        names = {f"{n}.{key}" for n, own in self.active.items() for key in own.judged_with}
        return {name: tensor for name, tensor in self.state().items() if name in names}

    def recall(self, remembered: Mapping[str, Tensor]) -> None:
        """Put back what ``state`` gave, or a part of it."""
        for name, tensor in self.state().items():
            if name in remembered:
                tensor.copy_(remembered[name])


def with_neutral(technique: type[R], runs: Sequence[Any]) -> list[R]:
    """Each run's setting of a technique; a run without it, or neutral in it, gets the neutral one.

    The neutral one copies the structural fields of a run that uses the technique: they have no
    effect at neutral strength and must agree within the cohort.
    """
    used = [None if run is None or run.neutral else run for run in runs]
    present = next((run for run in used if run is not None), technique())
    neutral = dataclasses.replace(present, **_per_run_defaults(technique))
    return [neutral if run is None else run for run in used]


def _per_run_defaults(technique: type[Regularizer]) -> dict[str, Any]:
    fields = dataclasses.fields(technique)
    return {field.name: field.default for field in fields if field.metadata.get(PER_RUN)}

"""The regularizers of K runs as one: per-run settings become tensors, absences neutral values."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor

from rnn_regexp.fields import PER_RUN, snake_case
from rnn_regexp.noise import Noise
from rnn_regexp.regularizers import ALL
from rnn_regexp.regularizers.base import Regularizer, Site, Update
from rnn_regexp.regularizers.init import Init
from rnn_regexp.weights import Weights

R = TypeVar("R", bound=Regularizer)
RegularizerSet = Mapping[str, Regularizer]  # by name in YAML


def stack(runs: Sequence[R], device: torch.device) -> R:
    """One regularizer whose per-run fields hold the values of all runs; see ``base``."""
    stacked = object.__new__(type(runs[0]))
    for field in dataclasses.fields(runs[0]):
        values = [getattr(run, field.name) for run in runs]
        own = field.metadata.get(PER_RUN)
        setattr(stacked, field.name, _stack_values(values, device) if own else values[0])
    return stacked


def _stack_values(values: list[Any], device: torch.device) -> Tensor | tuple[Any, ...]:
    if isinstance(values[0], (int, float)):
        return torch.tensor(values, dtype=torch.double, device=device)
    return tuple(values)


class RegularizerStack:
    """The techniques of a cohort, in the order of ``ALL``; those neutral in every run absent."""

    def __init__(self, sets: Sequence[RegularizerSet], device: torch.device) -> None:
        self.active: list[Regularizer] = []
        techniques = {snake_case(technique.__name__): technique for technique in ALL}
        if unknown := {name for own in sets for name in own} - set(techniques):
            raise ValueError(f"unknown regularizers: {', '.join(sorted(unknown))}")
        for name, technique in techniques.items():
            runs = with_neutral(technique, [own.get(name) for own in sets])
            if technique is Init or not all(run.neutral for run in runs):
                self.active.append(stack(runs, device))

    def initialize(self, weights: Weights, noise: Noise) -> None:
        """Fill the weights of all runs."""
        for regularizer in self.active:
            regularizer.initialize(weights, noise)

    def transform_activations(self, site: Site, layer: int, x: Tensor, noise: Noise) -> Tensor:
        """Pass activations through every technique."""
        for regularizer in self.active:
            x = regularizer.transform_activations(site, layer, x, noise)
        return x

    def penalties(self, weights: Weights) -> Iterator[Tensor]:
        """The penalty terms, (K,) each."""
        terms = (regularizer.penalty(weights) for regularizer in self.active)
        return (term for term in terms if term is not None)

    def update(self, weights: Weights, update: Update) -> None:
        """Change gradients, then weights, before the optimizer's step."""
        for regularizer in self.active:
            regularizer.transform_gradients(weights, update)
        for regularizer in self.active:
            regularizer.before_step(weights, update)


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

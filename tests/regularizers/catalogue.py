"""Every technique of ``ALL`` with the strength of its YAML, and one strong enough to be seen."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import DictConfig, OmegaConf
from torch import Tensor

from rnn_regexp.data.sequences import SequenceData
from rnn_regexp.fields import snake_case
from rnn_regexp.models import GRU, LSTM, Model
from rnn_regexp.noise import Noise
from rnn_regexp.regularizers import ALL
from rnn_regexp.regularizers.base import Regularizer, Site, Update
from rnn_regexp.regularizers.dropout import Dropout
from rnn_regexp.regularizers.trace import Trace
from rnn_regexp.tasks import task_of
from rnn_regexp.training.cohort import Cohort, RunSettings, subject_of
from rnn_regexp.training.settings import Training
from rnn_regexp.weights import Kind, Spec, Weights, offsets
from tests.training.tiny import cohort, sentences, stream, translations

Technique = type[Regularizer]

CONF = Path(__file__).parents[2] / "conf/regularizers"
CPU = torch.device("cpu")
RUNS = 3

# Where the usual strength does not act on a small problem of few steps.
STRONG: dict[str, dict[str, Any]] = {
    "clip": {"threshold": 0.01},
    "early_stopping": {"patience": 1},
    "ema": {"decay": 0.5},
    "max_norm": {"maximum": 0.5},
    "scheduled_sampling": {"rate": 0.75, "k": 0.5},
    "nt_asgd": {"patience": 1},
    "monte_carlo": {"samples": 2},
    "state_reset": {"rate": 0.5},
    "swa": {"start_epoch": 2},
    "truncated_bptt": {"steps": 2},
    "variable_bptt": {"least": 2},
    "zclip": {"threshold": 0.1, "warmup": 2},
}

# Whose gradient is not that of the loss, on purpose.
INEXACT = ("truncated_bptt",)

# What a technique needs beside it, in its run and in those it is compared with.
BESIDE: dict[str, tuple[Regularizer, ...]] = {
    name: (Dropout(0.5),) for name in ("fraternal", "monte_carlo", "r_drop")
}


@dataclasses.dataclass(frozen=True)
class Problem:
    """A model and data on which techniques are tried, with what they need beside them."""

    model: Model
    data: SequenceData
    window: int = 35
    beside: tuple[Regularizer, ...] = ()  # in every run

    def objections(self, *techniques: Regularizer) -> Iterator[str]:
        """Why techniques cannot act on it, or would do nothing."""
        named = {name_of(type(own)): own for own in (*self.beside, *techniques)}
        subject = subject_of(self.model, task_of(self.data), Training(), named)
        for own in subject.techniques.values():
            for _, reason in (*own.objections(subject), *own.does_nothing(subject)):
                yield reason

    def cohort(self, *runs: RunSettings, **training: object) -> Cohort:
        for own in runs:
            own.regularizers = {name_of(type(o)): o for o in self.beside} | own.regularizers
        return cohort(*runs, model=self.model, data=self.data, window=self.window, **training)


# A technique is tried on the first problem on which it can act.
PROBLEMS = (
    Problem(GRU(3, 4), sentences()),
    Problem(LSTM(3, 4), sentences()),
    Problem(LSTM(4, 4, layers=2), stream(), window=6),
    Problem(GRU(4, 4), translations()),
    Problem(LSTM(4, 4), translations()),
    Problem(GRU(4, 4), stream(), window=6),
)

SPECS = (
    Spec("embedding", (5, 3), Kind.embedding),
    Spec("layer0.0.W_hx", (6, 3), Kind.input_hidden, gates=3, fan=2),
    Spec("layer0.0.W_hh", (6, 2), Kind.hidden_hidden, gates=3, fan=2),
    Spec("layer0.0.b_hx", (6,), Kind.bias, gates=3, fan=2),
    Spec("layer1.0.W_hx", (6, 2), Kind.input_hidden, gates=3, fan=2),
    Spec("head.W_yh", (4, 2), Kind.hidden_output, fan=2),
    Spec("head.b_y", (4,), Kind.bias, fan=2),
)


SHAPES = {Site.input: (RUNS, 5, 4, 6), Site.between: (RUNS, 5, 4, 6), Site.output: (RUNS, 4, 6)}


def name_of(technique: Technique) -> str:
    """A technique as YAML calls it."""
    return snake_case(technique.__name__)


def usual_settings(technique: Technique) -> DictConfig:
    """What ``conf/regularizers/<name>.yaml`` sets."""
    loaded = OmegaConf.load(CONF / f"{name_of(technique)}.yaml")
    del loaded["defaults"]
    return loaded


def usual(technique: Technique) -> Regularizer:
    """The technique as its YAML sets it."""
    merged = OmegaConf.merge(OmegaConf.structured(technique), usual_settings(technique))
    return OmegaConf.to_object(merged)


def strong(technique: Technique) -> Regularizer:
    """The technique so that a few steps on a small problem show it."""
    return dataclasses.replace(usual(technique), **STRONG.get(name_of(technique), {}))


def problem_of(*techniques: Regularizer) -> Problem:
    """The first problem on which these techniques can act; skips a test where there is none."""
    beside = tuple(own for it in techniques for own in BESIDE.get(name_of(type(it)), ()))
    tried = [dataclasses.replace(problem, beside=beside) for problem in PROBLEMS]
    found = [(problem, list(problem.objections(*techniques))) for problem in tried]
    for problem, objections in found:
        if not objections:
            return problem
    return pytest.skip(found[-1][1][0])


def random_weights(runs: int = RUNS, dtype: torch.dtype = torch.double) -> Weights:
    """Weights and gradients without zeros, but for those that lie between parameters."""
    weights = Weights.zeros(SPECS, runs, dtype, CPU)
    generator = torch.Generator().manual_seed(runs)
    with torch.no_grad():
        for tensor in (*weights.values(), *gradients(weights).values()):
            sign = (torch.rand(tensor.shape, generator=generator) > 0.5) * 2 - 1
            tensor.copy_(sign * (0.5 + torch.rand(tensor.shape, generator=generator)))
    return weights


def gradients(weights: Weights) -> dict[str, Tensor]:
    """Views (K, *shape) of the gradient by the parameters' names."""
    return {
        spec.name: weights.gradient[:, start : start + spec.size].view(-1, *spec.shape)
        for spec, start in offsets(weights.specs)
    }


def update_of(weights: Weights, lr: float = 0.1, decoupled: bool = False) -> Update:
    """The update that the trainer would hand over."""
    rates = torch.full((weights.runs,), lr, dtype=torch.double)
    stepping = torch.ones(weights.runs, dtype=torch.bool)
    norm = torch.linalg.vector_norm(weights.gradient, dim=1)
    return Update(norm, rates, decoupled, stepping, Noise(torch.arange(weights.runs)))


def trace(dtype: torch.dtype = torch.double) -> Trace:
    """What a forward pass of two layers left for penalties; every step of two layers is there."""
    shape = SHAPES[Site.between]
    generator = torch.Generator().manual_seed(7)
    layers = [torch.randn(shape, generator=generator, dtype=torch.double) for _ in range(3)]
    inputs, outputs = (
        tuple(own.to(dtype) for own in layers[:2]),
        tuple(own.to(dtype) for own in layers[1:]),
    )
    lengths = torch.tensor([[5, 1, 3, 4], [2, 5, 5, 1], [5, 5, 5, 5]])
    read = activations(Site.output, dtype)
    first = Trace(read, read, inputs, outputs, lengths, losses=torch.ones(RUNS, dtype=dtype))
    second = dataclasses.replace(first, logits=read.roll(1), losses=2 * first.losses)
    return dataclasses.replace(first, second=second)


def activations(site: Site, dtype: torch.dtype = torch.double) -> Tensor:
    """What passes a site, (K, T, B, D) or (K, B, D)."""
    generator = torch.Generator().manual_seed(0)
    return torch.randn(SHAPES[site], generator=generator, dtype=torch.double).to(dtype)


def noise(step: int = 0) -> Noise:
    """That of runs with the seeds 0, 1, 2."""
    return Noise(torch.arange(RUNS), step)


def remembering(own: Regularizer, weights: Weights) -> Regularizer:
    """A stack as it stands before the first step."""
    own.state = own.start(weights)
    return own


each = pytest.mark.parametrize("technique", ALL, ids=name_of)


def with_method(method: str) -> pytest.MarkDecorator:
    """The techniques that act at a site."""
    acting = [own for own in ALL if getattr(own, method) is not getattr(Regularizer, method)]
    assert acting
    return pytest.mark.parametrize("technique", acting, ids=name_of)

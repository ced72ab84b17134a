"""Weight normalization: length and direction of each unit's weights apart."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from rnn_regexp.fields import structural
from rnn_regexp.noise import Noise
from rnn_regexp.regularizers.base import Regularizer
from rnn_regexp.regularizers.l2 import MATRICES
from rnn_regexp.regularizers.subject import Subject
from rnn_regexp.weights import Kind, Spec, Weights


@dataclass
class WeightNorm(Regularizer):
    """Train the length g and the direction v of each row of the chosen matrices apart.

    w = g * v / ||v||

    v starts as ``init`` draws w, g as its norm, so the first forward pass is that without it.
    Penalties and decay act on v and g.  torch's ``parametrizations.weight_norm`` does the same.
    """

    source = "Salimans & Kingma 2016, section 2"
    separate = True
    evaluates = True

    normalized: bool = structural(False, strength=True)
    on: list[Kind] = structural(lambda: list(MATRICES))

    def objections(self, subject: Subject) -> Iterator[tuple[str, str]]:
        if others := set(self.on) & {Kind.bias, Kind.gain}:
            yield "on", f"{min(kind.name for kind in others)} has no rows to normalize"

    def specs(self, specs: tuple[Spec, ...]) -> tuple[Spec, ...]:
        lengths = (
            Spec(f"{spec.name}.g", spec.shape[:1], Kind.gain)
            for spec in specs
            if spec.kind in self.on
        )
        return (*specs, *lengths)

    def initialize(self, weights: Weights, noise: Noise) -> None:
        with torch.no_grad():
            for spec, v in weights.of(*self.on):
                if f"{spec.name}.g" in weights:
                    weights[f"{spec.name}.g"].copy_(torch.linalg.vector_norm(v, dim=-1))

    def transform_weights(self, weights: dict[str, Tensor], noise: Noise | None) -> None:
        for name, v in list(weights.items()):
            if (g := weights.get(f"{name}.g")) is not None:
                norm = torch.linalg.vector_norm(v, dim=-1, keepdim=True)
                weights[name] = g[..., None] * v / norm

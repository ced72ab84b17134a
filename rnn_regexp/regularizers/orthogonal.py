"""Orthogonal hidden-to-hidden matrices throughout training."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

import torch
from torch import Tensor

from rnn_regexp.fields import structural
from rnn_regexp.noise import Noise
from rnn_regexp.regularizers.base import Regularizer
from rnn_regexp.regularizers.subject import Subject
from rnn_regexp.weights import Kind, Weights

QUARTER = math.pi / 4


class Map(Enum):
    """From any matrix to an orthogonal one; see ``Orthogonal``."""

    none = "none"
    exp = "exp"
    cayley = "cayley"
    householder = "householder"


@dataclass
class Orthogonal(Regularizer):
    """Train X, and use an orthogonal matrix made of it as each gate's W_hh.

    exp          W = exp(A),   A = tril(X) - tril(X)^T    (Lezcano-Casado & Martinez-Rubio 2019)
    cayley       W = (I - A/2)^-1 (I + A/2)               (Helfrich et al. 2018)
    householder  W = H_1 ... H_n of the columns v_i of tril(X, -1) + I,  H = I - 2 v v^T / ||v||^2
                                                          (Mhammedi et al. 2017)

    These are torch's ``parametrizations.orthogonal``.  exp and cayley reach the rotations alone,
    and start as their papers do, by angles in pairs of units: U(-pi, pi) and U(0, pi/2).
    Householder starts from normal columns.  ``init`` draws the other weights.  The papers train X
    with a tenth of the learning rate; here it has the same.  Penalties and decay act on X.
    """

    source = "Lezcano-Casado & Martinez-Rubio 2019; Helfrich et al. 2018; Mhammedi et al. 2017"
    separate = True
    evaluates = True

    map: Map = structural(Map.none, strength=True)

    def objections(self, subject: Subject) -> Iterator[tuple[str, str]]:
        for other in ("spectral_norm", "weight_norm"):
            beside = subject.techniques.get(other)
            if beside is not None and Kind.hidden_hidden in getattr(beside, "on", MINE):
                yield "", f"{other} beside it gives W_hh another form (take one)"
        for other in ("orthogonality", "max_norm", "spectral_penalty"):
            beside = subject.techniques.get(other)
            if beside is not None and Kind.hidden_hidden in getattr(beside, "on", MINE):
                yield "", f"{other} beside it would act on X, of which W_hh is made"

    def initialize(self, weights: Weights, noise: Noise) -> None:
        with torch.no_grad():
            for spec, W in weights.of(Kind.hidden_hidden):
                site, shape = f"orthogonal/{spec.name}", (spec.gates, *spec.shape[1:] * 2)
                if self.map is Map.householder:
                    W.copy_(noise.normal(site, shape).tril(-1).flatten(1, 2))
                    continue
                pairs = noise.uniform(site, (*shape[:2], 1)).double()[..., 1::2, 0]  # (K, G, H/2)
                below = torch.zeros(len(W), *shape[:2], dtype=torch.double, device=W.device)
                below = below[..., 1:]
                below[..., ::2] = self._angles(pairs)
                W.copy_(torch.diag_embed(below, -1).flatten(1, 2))

    def _angles(self, unit: Tensor) -> Tensor:
        """Entries of A that turn by a random angle."""
        if self.map is Map.exp:
            return math.pi * (2 * unit - 1)
        return 2 * torch.tan(QUARTER * unit)

    def transform_weights(self, weights: dict[str, Tensor], noise: Noise | None) -> None:
        for name, stacked in list(weights.items()):
            if name.endswith(".W_hh"):
                X = stacked.unflatten(1, (-1, stacked.shape[-1]))  # (K, G, H, H)
                weights[name] = _orthogonal(self.map, X).flatten(1, 2)


MINE = (Kind.hidden_hidden,)


def _orthogonal(by: Map, X: Tensor) -> Tensor:
    if by is Map.householder:
        below = X.tril(-1)
        return torch.linalg.householder_product(below, 2 / (1 + below.square().sum(dim=-2)))
    A = X.tril() - X.tril().mT
    if by is Map.exp:
        return torch.linalg.matrix_exp(A)
    eye = torch.eye(X.shape[-1], dtype=X.dtype, device=X.device)
    return torch.linalg.solve(eye - A / 2, eye + A / 2)

"""Spectral normalization of the hidden-to-hidden matrices."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

from rnn_regexp.fields import per_run
from rnn_regexp.noise import Noise
from rnn_regexp.regularizers.base import Regularizer, Update, column
from rnn_regexp.regularizers.orthogonality import by_gate
from rnn_regexp.regularizers.subject import Subject
from rnn_regexp.weights import Kind, Weights


@dataclass
class SpectralNorm(Regularizer):
    """Divide each gate's W_hh by its largest singular value.

    W -> bound * W / sigma,   sigma = u^T W v

    u and v are constants for the gradient; each step refreshes them by one power iteration,
    v <- W^T u / ||.||, u <- W v / ||.||, from the exact vectors of the start.  torch iterates
    before a training pass, we after the step: with the same weights, so that evaluation has the
    newest vectors too.  ``bound`` is 1 in the paper; inf does nothing.
    """

    source = "Miyato et al. 2018, section 2.1"
    judged_with = ("u", "v")
    evaluates = True

    bound: float = per_run(math.inf, "(0, inf]", strength=True)

    def objections(self, subject: Subject) -> Iterator[tuple[str, str]]:
        other = subject.techniques.get("weight_norm")
        if other is not None and Kind.hidden_hidden in getattr(other, "on", ()):
            yield "", "weight_norm.on beside it gives W_hh another form (take one)"

    def start(self, weights: Weights) -> dict[str, Tensor]:
        matrices = [by_gate(spec, W.detach()) for spec, W in weights.of(Kind.hidden_hidden)]
        U, _, Vh = torch.linalg.svd(torch.stack(matrices, dim=1))  # (K, N, G, H, H)
        return {"u": U[..., 0].contiguous(), "v": Vh[..., 0, :].contiguous()}

    def after_step(self, weights: Weights, update: Update) -> None:
        for index, (spec, stacked) in enumerate(weights.of(Kind.hidden_hidden)):
            u, v = self.state["u"][:, index], self.state["v"][:, index]  # (K, G, H)
            W, moves = by_gate(spec, stacked), update.stepping.view(-1, 1, 1)
            new_v = normalize((W.mT @ u[..., None]).squeeze(-1), dim=-1)
            new_u = normalize((W @ new_v[..., None]).squeeze(-1), dim=-1)
            v.copy_(new_v.where(moves, v))
            u.copy_(new_u.where(moves, u))

    def transform_weights(self, weights: dict[str, Tensor], noise: Noise | None) -> None:
        if "bound" not in self.used:
            return
        bounded = self.bound < math.inf
        bound = self.bound.where(bounded, 1)
        for index, name in enumerate(name for name in list(weights) if name.endswith(".W_hh")):
            u, v = self.state["u"][:, index], self.state["v"][:, index]
            W = weights[name].unflatten(1, (-1, u.shape[-1]))  # (K, G, H, H)
            sigma = torch.einsum("kgi,kgij,kgj->kg", u, W, v)[..., None, None]
            scale = torch.where(column(bounded, sigma) > 0, column(bound, sigma) / sigma, 1)
            weights[name] = (W * scale).flatten(1, 2)

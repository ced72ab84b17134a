"""From a batch of sequences to each run's last valid state and the head's outputs."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from rnn_regexp.models.embedding import embed
from rnn_regexp.models.recurrent import Model
from rnn_regexp.recurrence.layer import Backend, layer
from rnn_regexp.regularizers.base import Site
from rnn_regexp.weights import Weights

Regularize = Callable[[Site, int, Tensor], Tensor]  # (site, layer, activations) -> activations


def unchanged(site: Site, layer: int, x: Tensor) -> Tensor:
    """No regularization of activations: evaluation."""
    return x


def forward(
    model: Model,
    weights: Weights,
    inputs: Tensor,
    lengths: Tensor,
    regularize: Regularize = unchanged,
    backend: Backend = Backend.auto,
) -> Tensor:
    """Logits (K, B, C) from the last valid state.

    ``inputs`` token ids (K, T, B) or features (K, T, B, D); ``lengths`` (K, B).
    """
    tokens = not inputs.is_floating_point()
    x = embed(weights["embedding"], inputs) if tokens else inputs  # (K, T, B, D)
    x = regularize(Site.input, 0, x)
    for index in range(model.layers):
        if index:
            x = regularize(Site.between, index, x)
        directions = tuple(_layer(weights, index, d) for d in range(model.directions))
        x, last = layer(model.cell, x, lengths, directions, backend)
    last = regularize(Site.output, model.layers, last)  # (K, B, H)
    W_yh, b_y = weights["head.W_yh"], weights["head.b_y"]
    return torch.baddbmm(b_y[:, None], last, W_yh.transpose(1, 2))


def _layer(weights: Weights, index: int, direction: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    name = partial("layer{}.{}.{}".format, index, direction)
    return tuple(weights[name(part)] for part in ("W_hx", "W_hh", "b_hx", "b_hh"))  # type: ignore[return-value]

"""From a batch of sequences through the recurrent layers to the head's outputs."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

import torch
from torch import Tensor

from rnn_regexp.data.batches import Batch
from rnn_regexp.models.embedding import embed
from rnn_regexp.models.pooling import pool
from rnn_regexp.models.recurrent import Model
from rnn_regexp.recurrence.backends import Backend
from rnn_regexp.recurrence.cells import LayerWeights, State
from rnn_regexp.recurrence.layer import carried, layer
from rnn_regexp.regularizers.application import NOTHING, Application
from rnn_regexp.regularizers.base import Place, Site
from rnn_regexp.regularizers.trace import Trace

States = tuple[tuple[State, ...], ...]  # of each layer, of each direction


class Reads(Enum):
    """What the head reads: one vector for the sequence, or the last layer at every step."""

    sequence = "sequence"
    steps = "steps"


@dataclass(frozen=True)
class Network:
    """A model with the parameters (K, *shape) of K runs, and what acts on its forward pass."""

    model: Model
    weights: Mapping[str, Tensor]
    applied: Application = NOTHING
    backend: Backend = Backend.auto


def forward(
    network: Network,
    batch: Batch,
    reads: Reads = Reads.sequence,
    states: States | None = None,
) -> Trace:
    """Logits (K, B, C), or (K, T, B, C) where every step is read, and what led to them.

    ``states`` are those that the trace of the previous window carried over, () where sequences
    begin, and None where none are carried.
    """
    weights = network.applied.weights(network.weights)
    x = inputs_of(network, batch.inputs, weights)  # (K, T, B, D)
    passed = layers(network, weights, x, batch.lengths, states)
    x = passed.outputs[-1]
    if reads is Reads.sequence:
        x = pool(network.model.pooling, x, passed.last, batch.lengths, weights)
    read = network.applied.activations(Site.output, network.model.layers, x)
    logits = head(read, weights)
    return Trace(logits, read, passed.inputs, passed.outputs, batch.lengths, passed.states)


class Passed(NamedTuple):
    """What a pass through recurrent layers leaves; see ``Trace``."""

    inputs: tuple[Tensor, ...]  # of each layer, behind dropout: (K, T, B, D)
    outputs: tuple[Tensor, ...]  # of each layer, before dropout: (K, T, B, N*H)
    last: Tensor  # of the last layer, each direction's last valid output: (K, B, N*H)
    states: States  # behind the last valid step, where they are carried


def layers(
    network: Network,
    weights: Mapping[str, Tensor],
    x: Tensor,
    lengths: Tensor,
    states: States | None,
    first: int = 0,
) -> Passed:
    """All recurrent layers on ``x`` (K, T, B, D), those of a decoder from number ``first`` on."""
    inputs, outputs, ends = [], [], []
    for index in range(first, first + network.model.layers):
        if index > first:
            x = network.applied.activations(Site.between, index, x)
        inputs.append(x)
        before = None if states is None else states[index - first] if states else ()
        x, last, after = _recurrent(network, weights, index, x, lengths, before)
        outputs.append(x)
        ends.append(after)
    return Passed(tuple(inputs), tuple(outputs), last, tuple(ends))


def head(read: Tensor, weights: Mapping[str, Tensor]) -> Tensor:
    """W_yh h + b_y for h (K, ..., N): (K, ..., C)."""
    W_yh, b_y = weights["head.W_yh"], weights["head.b_y"]
    flat = torch.baddbmm(b_y[:, None], read.flatten(1, -2), W_yh.transpose(1, 2))
    return flat.unflatten(1, read.shape[1:-1])


def inputs_of(
    network: Network,
    x: Tensor,
    weights: Mapping[str, Tensor],
    table: str = "embedding",
    first: int = 0,
) -> Tensor:
    """What layer ``first`` reads: embeddings of tokens (K, T, B), or features as they are."""
    if not x.is_floating_point():
        tokens = network.applied.tokens(x)
        x = network.applied.embedded(embed(weights[table], tokens), tokens)
    return network.applied.activations(Site.input, first, x)


def _recurrent(
    network: Network,
    weights: Mapping[str, Tensor],
    index: int,
    x: Tensor,
    lengths: Tensor,
    before: tuple[State, ...] | None,
) -> tuple[Tensor, Tensor, tuple[State, ...]]:
    """One layer: its outputs, its last valid ones, and its states where they are carried."""
    model, applied = network.model, network.applied
    _, T, B, _ = x.shape
    like = weights[f"layer{index}.0.W_hh"]
    there = [d for d in range(model.directions) if f"layer{index}.{d}.W_hh" in weights]
    cells = [model.cell_at(f"layer{index}.{d}", weights) for d in there]
    places = [
        Place(index, d, cell, T, B, model.hidden, like, lengths)
        for d, cell in zip(there, cells, strict=True)
    ]
    own = [applied.cell(layer_weights(weights, place), weights, place) for place in places]
    cell, directions = tuple(own_cell for own_cell, _ in own), tuple(parts for _, parts in own)
    noise = tuple(applied.recurrent_noise(place) for place in places)
    if before is None:
        every, last = layer(cell, x, lengths, directions, network.backend, noise)
        return every, last, ()
    started = tuple(applied.states(s, p) for s, p in zip(before, places, strict=False))
    every, ends = carried(cell, x, lengths, directions, started, network.backend, noise)
    return every, torch.cat([state[0] for state in ends], dim=-1), ends


def layer_weights(weights: Mapping[str, Tensor], place: Place) -> LayerWeights:
    """W_hx, W_hh, b_hx, b_hh of a place."""
    name = f"layer{place.layer}.{place.direction}"
    W_hx, W_hh, b_hx, b_hh = (weights[f"{name}.{n}"] for n in ("W_hx", "W_hh", "b_hx", "b_hh"))
    return W_hx, W_hh, b_hx, b_hh

"""An encoder, and a decoder that attends to it and writes another sequence, for K runs.

The decoder's layers have the numbers that follow the encoder's, so whatever acts on layers and
their matrices acts on both.  It is Luong's global attention without input feeding: the attention
of a step does not enter the next one, so all steps of the recurrence are computed at once.  What
is attended to are the encoder's last outputs as they are: the site ``output`` is the decoder's.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from rnn_regexp.models.attention import attention_specs, attentional, keys, shares
from rnn_regexp.models.forward import Network, States, head, inputs_of, layers
from rnn_regexp.models.recurrent import Model
from rnn_regexp.recurrence.cells import State
from rnn_regexp.regularizers.base import Site
from rnn_regexp.regularizers.trace import Trace
from rnn_regexp.weights import Kind, Spec

EMBEDDING = "decoder.embedding"


def translation_specs(model: Model, source: int, target: int) -> Iterator[Spec]:
    """The parameters for a source and a target vocabulary of so many words."""
    H, N = model.hidden, model.hidden * model.directions
    yield Spec("embedding", (source, model.embedding), Kind.embedding)
    yield from model.stack(model.embedding)
    yield Spec(EMBEDDING, (target, model.embedding), Kind.embedding)
    yield from model.stack(model.embedding, model.layers, directions=1)
    if model.bidirectional:
        for name in _bridges(model):
            yield Spec(f"{name}.W", (H, N), Kind.hidden_output, fan=N)
            yield Spec(f"{name}.b", (H,), Kind.bias, fan=N)
    yield from attention_specs(model.attention, H, N)
    yield Spec("head.W_yh", (target, H), Kind.hidden_output, fan=H)
    yield Spec("head.b_y", (target,), Kind.bias, fan=H)


def _bridges(model: Model) -> Iterator[str]:
    """A name for each state of each layer."""
    for layer in range(model.layers):
        yield from (f"bridge{layer}.{state}" for state in "hc"[: model.cell.states])


@dataclass(frozen=True)
class Encoded:
    """What an encoder says of B sources, and the decoder that reads it."""

    decoder: Network
    weights: Mapping[str, Tensor]  # that are in effect
    trace: Trace  # its ``read`` (K, S, B, N) is what is attended to
    keys: Tensor  # (K, S, B, H)
    states: States  # from which the decoder starts


def encode(network: Network, source: Tensor, lengths: Tensor) -> Encoded:
    """Read sources (K, S, B) of ``lengths`` (K, B)."""
    weights = network.applied.weights(network.weights)
    passed = layers(network, weights, inputs_of(network, source, weights), lengths, ())
    memory = passed.outputs[-1]
    trace = Trace(memory, memory, passed.inputs, passed.outputs, lengths)
    starts = tuple((_bridged(index, own, weights),) for index, own in enumerate(passed.states))
    decoder = replace(network, applied=network.applied.branched("decoder"))
    attention_keys = keys(network.model.attention, memory, weights)
    return Encoded(decoder, weights, trace, attention_keys, starts)


def _bridged(layer: int, ends: tuple[State, ...], weights: Mapping[str, Tensor]) -> State:
    """Where a decoder's layer starts: the encoder layer's last state, as Luong has it.

    Of two directions tanh(W [forward; backward] + b), for h and the LSTM's c by themselves;
    Bahdanau et al. 2015, appendix A.2.2, read the backward one alone.
    """
    if len(ends) == 1:
        return ends[0]
    both = (torch.cat(pair, dim=-1) for pair in zip(*ends, strict=True))  # (K, B, 2H) each
    names = (f"bridge{layer}.{state}" for state in "hc")
    return tuple(
        torch.tanh(torch.baddbmm(weights[f"{n}.b"][:, None], x, weights[f"{n}.W"].mT)).to(x)
        for n, x in zip(names, both, strict=False)
    )


def decode(
    encoded: Encoded, previous: Tensor, lengths: Tensor, states: States | None = None
) -> Trace:
    """Logits (K, T, B, C) of the words that follow those of ``previous`` (K, T, B).

    ``lengths`` (K, B) count valid steps.  ``states`` are those behind an earlier step, else the
    decoder starts.  There may be W times as many sequences as sources, W-fold in their order.
    """
    network, weights, first = encoded.decoder, encoded.weights, encoded.decoder.model.layers
    x = inputs_of(network, previous, weights, EMBEDDING, first)  # (K, T, B, D)
    passed = layers(network, weights, x, lengths, states or encoded.states, first)
    x = _attend(encoded, passed.outputs[-1])  # (K, T, B, H)
    read = network.applied.activations(Site.output, 2 * first, x)
    own = (passed.inputs, passed.outputs, lengths, passed.states)
    return Trace(head(read, weights), read, *own, encoder=encoded.trace)


def _attend(encoded: Encoded, h: Tensor) -> Tensor:
    """h~ (K, T, B, H) of h; sequences that share a source are seen as steps of one."""
    memory, weights = encoded.trace.read, encoded.weights
    queries = h.unflatten(2, (-1, memory.shape[2])).flatten(1, 2)  # (K, T*W, B, H)
    score = encoded.decoder.model.attention
    a = shares(score, queries, encoded.keys, encoded.trace.lengths, weights)
    read = attentional(queries, memory, a, weights)
    return read.unflatten(1, (h.shape[1], -1)).flatten(2, 3)

"""An encoder and a decoder of torch's own modules with the same weights say the same."""

import dataclasses
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from rnn_regexp.models import GRU, LSTM, RNN, Model, Score
from rnn_regexp.models.forward import Network
from rnn_regexp.models.lstm import Mogrifier
from rnn_regexp.models.translation import decode, encode, translation_specs
from rnn_regexp.recurrence.backends import Backend
from rnn_regexp.regularizers.application import Application
from rnn_regexp.weights import Weights
from tests.models.twin import KERNELS, PARTS

RUNS, S, T, B, SOURCE, TARGET = 2, 5, 4, 3, 7, 6
LENGTHS = torch.tensor([[5, 1, 3], [2, 4, 4]])
WRITTEN = torch.tensor([[4, 2, 1], [3, 4, 1]])
MODELS = [
    kind(3, 4, layers, bidirectional, attention=score)
    for kind, layers, bidirectional, score in (
        (RNN, 1, False, Score.general),
        (GRU, 1, False, Score.dot),
        (GRU, 2, True, Score.general),
        (LSTM, 2, False, Score.concat),
        (LSTM, 1, True, Score.concat),
    )
]
each = pytest.mark.parametrize("model", MODELS, ids=lambda m: f"{type(m).__name__}{m.layers}")


def weights_of(model: Model) -> Weights:
    specs = tuple(translation_specs(model, SOURCE, TARGET))
    weights = Weights.zeros(specs, RUNS, torch.double, torch.device("cpu"))
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for own in weights.values():
            own.copy_(0.6 * torch.randn(own.shape, generator=generator, dtype=torch.double))
    return weights


def words(count: int, length: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(count, (RUNS, length, B), generator=generator)


def logits(model: Model, weights: Weights, source: Tensor, previous: Tensor) -> Tensor:
    encoded = encode(Network(model, weights), source, LENGTHS)
    return decode(encoded, previous, WRITTEN).logits


class Twin:
    """One run of torch's modules, with attention written out for a sequence."""

    def __init__(self, model: Model, weights: Weights, k: int) -> None:
        self.model = model
        self.W = {name: own[k].detach() for name, own in weights.items()}
        self.encoder = self.kernel(0, model.bidirectional)
        self.decoder = self.kernel(model.layers, False)

    def kernel(self, first: int, bidirectional: bool) -> nn.RNNBase:
        model = self.model
        own = KERNELS[type(model)](
            model.embedding, model.hidden, model.layers, bidirectional=bidirectional
        ).double()
        with torch.no_grad():
            for layer in range(model.layers):
                for d in range(1 + bidirectional):
                    for kind, part in PARTS.items():
                        name = f"{part}_l{layer}{'_reverse' * d}"
                        getattr(own, name).copy_(self.W[f"layer{first + layer}.{d}.{kind}"])
        return own

    def __call__(self, source: Tensor, lengths: Tensor, previous: Tensor) -> Tensor:
        """Logits (T, B, C) of source (S, B) and previous words (T, B)."""
        packed = pack_padded_sequence(self.W["embedding"][source], lengths, enforce_sorted=False)
        memory, states = self.encoder(packed)
        memory, _ = pad_packed_sequence(memory)  # (S, B, N)
        states = states if isinstance(states, tuple) else (states,)
        starts = tuple(torch.stack(list(self.bridged(n, s))) for n, s in zip("hc", states))
        starts = starts if len(starts) > 1 else starts[0]
        h, _ = self.decoder(self.W["decoder.embedding"][previous], starts)
        rows = [self.attended(h[:, b], memory[: lengths[b], b]) for b in range(B)]
        read = torch.tanh(torch.stack(rows, dim=1) @ self.W["attention.W_c"].T)
        return read @ self.W["head.W_yh"].T + self.W["head.b_y"]

    def bridged(self, name: str, states: Tensor) -> Iterator[Tensor]:
        for layer, own in enumerate(states.unflatten(0, (self.model.layers, -1))):
            if len(own) == 1:
                yield own[0]
            else:
                W, b = (self.W[f"bridge{layer}.{name}.{part}"] for part in "Wb")
                yield torch.tanh(torch.cat((own[0], own[1]), dim=1) @ W.T + b)

    def attended(self, h: Tensor, memory: Tensor) -> Tensor:
        """Contexts beside states, (T, N + H), of a sequence without padding."""
        score = self.model.attention
        if score is Score.concat:
            pairs = [[torch.cat((own, m)) for m in memory] for own in h]
            both = torch.stack([torch.stack(row) for row in pairs])  # (T, S, H + N)
            scores = torch.tanh(both @ self.W["attention.W_a"].T) @ self.W["attention.v_a"][0]
        else:
            W = torch.eye(len(h[0])).double() if score is Score.dot else self.W["attention.W_a"]
            scores = h @ W @ memory.T
        return torch.cat((scores.softmax(dim=1) @ memory, h), dim=1)


@each
def test_logits_are_those_of_torch(model: Model):
    weights = weights_of(model)
    source, previous = words(SOURCE, S), words(TARGET, T)
    found = logits(model, weights, source, previous)
    for k in range(RUNS):
        expected = Twin(model, weights, k)(source[k], LENGTHS[k], previous[k])
        for b, steps in enumerate(WRITTEN[k].tolist()):
            torch.testing.assert_close(
                found[k, :steps, b], expected[:steps, b], rtol=1e-10, atol=1e-12
            )


@each
def test_every_parameter_has_a_part(model: Model):
    weights = weights_of(model)
    out = logits(model, weights, words(SOURCE, S), words(TARGET, T))
    gradients = torch.autograd.grad(out.sin().sum(), list(weights.values()))
    for name, gradient in zip(weights, gradients):
        assert (gradient.flatten(1) != 0).any(dim=1).all(), name


@each
def test_padding_of_the_source_changes_nothing(model: Model):
    weights = weights_of(model)
    source, previous = words(SOURCE, S), words(TARGET, T)
    longer = torch.cat((source, words(SOURCE, 3, seed=1)), dim=1)
    padding = torch.arange(S + 3)[:, None] >= LENGTHS[:, None]
    changed = longer.where(~padding, words(SOURCE, S + 3, seed=2))
    found = [logits(model, weights, own, previous) for own in (source, longer, changed)]
    for other in found[1:]:
        torch.testing.assert_close(other, found[0], rtol=1e-12, atol=1e-14)


@each
@pytest.mark.parametrize("times", [1, 3])
def test_step_by_step_it_says_what_it_says_at_once(model: Model, times: int):
    """Also for several sequences behind each source, as a search has them."""
    weights, source = weights_of(model), words(SOURCE, S)
    encoded = encode(Network(model, weights), source, LENGTHS)
    previous = words(TARGET, T).repeat(1, 1, times)
    states = tuple(
        tuple(tuple(own.repeat(1, times, 1) for own in state) for state in layer)
        for layer in encoded.states
    )
    lengths = torch.full_like(previous[:, 0], T)
    whole = decode(encoded, previous, lengths, states).logits
    for t in range(T):
        step = decode(encoded, previous[:, t : t + 1], lengths.clamp_max(1), states)
        states = step.states
        torch.testing.assert_close(step.logits[:, 0], whole[:, t], rtol=1e-12, atol=1e-14)


def test_a_mogrifier_says_step_by_step_what_it_says_at_once():
    test_step_by_step_it_says_what_it_says_at_once(LSTM(3, 4, mogrifier=Mogrifier(3)), 2)


def test_backends_agree():
    model, found = MODELS[2], []
    weights = weights_of(model)
    for backend in (Backend.cells, Backend.scan):
        encoded = encode(Network(model, weights, Application(), backend), words(7, S), LENGTHS)
        found.append(decode(encoded, words(TARGET, T), WRITTEN).logits)
    for k, b in ((k, b) for k in range(RUNS) for b in range(B)):
        own = [one[k, : WRITTEN[k, b], b] for one in found]
        torch.testing.assert_close(*own, rtol=1e-10, atol=1e-12)


def test_two_directions_have_a_bridge_for_each_state():
    both = dataclasses.replace(MODELS[4], layers=2)
    names = [own.name for own in translation_specs(both, SOURCE, TARGET) if "bridge" in own.name]
    assert names == [f"bridge{n}.{s}.{part}" for n in "01" for s in "hc" for part in "Wb"]

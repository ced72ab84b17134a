"""Layer normalization inside the recurrence."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from rnn_regexp.fields import structural
from rnn_regexp.noise import Noise
from rnn_regexp.recurrence.cells import Cell, LayerWeights, State, product
from rnn_regexp.recurrence.perturbation import NONE, RecurrentNoise
from rnn_regexp.regularizers.base import Place, Regularizer
from rnn_regexp.regularizers.subject import Subject
from rnn_regexp.weights import Kind, Spec, Weights

LSTM_GATES, GRU_GATES = 4, 3


@dataclass
class LayerNorm(Regularizer):
    """Normalize both products of each step, and the LSTM's c where its output reads it.

    gates = LN(W_hx x_t; g_hx) + b_hx + LN(W_hh h_{t-1}; g_hh) + b_hh
    LSTM   h_t = o * tanh(LN(c_t; g_c) + b_c)
    LN(a; g) = g * (a - mean(a)) / sqrt(var(a) + 1e-5)

    The LSTM's and the Elman network's products are normalized whole; of the GRU's, r and z
    together, n by itself, with b_hh inside the reset gate, as in the paper's supplement.  Gains
    start at 1, b_c at 0.
    """

    source = "Ba, Kiros & Hinton 2016, section 3.1 and supplement"
    separate = True
    evaluates = True

    normalized: bool = structural(False, strength=True)

    def objections(self, subject: Subject) -> Iterator[tuple[str, str]]:
        yield from subject.without_own_cell()

    def specs(self, specs: tuple[Spec, ...]) -> tuple[Spec, ...]:
        own = (part for spec in specs if spec.kind is Kind.hidden_hidden for part in _parts(spec))
        return (*specs, *own)

    def initialize(self, weights: Weights, noise: Noise) -> None:
        with torch.no_grad():
            for spec, b in weights.of(Kind.bias):
                if spec.name.endswith(".b_c"):
                    b.zero_()

    def transform_cell(
        self, cell: Cell, own: LayerWeights, weights: Mapping[str, Tensor], place: Place
    ) -> tuple[Cell, LayerWeights]:
        W_hx, W_hh, b_hx, b_hh = own
        name, kinds = f"layer{place.layer}.{place.direction}", ("g_hx", "g_hh", "g_c", "b_c")
        g_hx, g_hh, g_c, b_c = (weights.get(f"{name}.{kind}") for kind in kinds)

        def by(h: Tensor, W: Tensor, b: Tensor, mask: Tensor | None) -> Tensor:
            share = product(h, W, torch.zeros_like(b), mask)
            return _normalized(share, g_hh, cell.gates) + b[:, None]

        def read(c: Tensor) -> Tensor:
            assert b_c is not None
            return _normalized(c, g_c, 1) + b_c[:, None]

        def step(
            x: Tensor, state: State, W: Tensor, b: Tensor, noise: RecurrentNoise = NONE
        ) -> State:
            x = _normalized(x, g_hx, cell.gates) + b_hx[:, None]
            own_read = {} if g_c is None else {"read": read}
            return cell.step(x, state, W, b, noise, by=by, **own_read)

        changed = replace(cell, name=f"layer_norm_{cell.name}", step=step)
        return changed, (W_hx, W_hh, torch.zeros_like(b_hx), b_hh)


def _parts(spec: Spec) -> Iterator[Spec]:
    """The gains of a place, and of the LSTM's c a bias too."""
    place, (rows, hidden) = spec.name.removesuffix(".W_hh"), spec.shape
    yield Spec(f"{place}.g_hx", (rows,), Kind.gain, spec.gates)
    yield Spec(f"{place}.g_hh", (rows,), Kind.gain, spec.gates)
    if spec.gates == LSTM_GATES:
        yield Spec(f"{place}.g_c", (hidden,), Kind.gain)
        yield Spec(f"{place}.b_c", (hidden,), Kind.bias)


def _normalized(a: Tensor, gain: Tensor | None, gates: int) -> Tensor:
    """LN of (K, B, G*H) with gains (K, G*H)."""
    assert gain is not None
    H = a.shape[-1] // gates
    sizes = [2 * H, H] if gates == GRU_GATES else [gates * H]
    parts = [functional.layer_norm(part, part.shape[-1:]) for part in a.split(sizes, dim=-1)]
    return gain[:, None] * torch.cat(parts, dim=-1)

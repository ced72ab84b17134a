"""What normalization inside the cell has in common: where it acts, its gains, its one shift."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import torch
from torch import Tensor

from rnn_regexp.recurrence.cells import Cell, LayerWeights, State, product
from rnn_regexp.recurrence.perturbation import NONE, RecurrentNoise
from rnn_regexp.regularizers.base import Place
from rnn_regexp.weights import Kind, Spec, Weights

LSTM_GATES, GRU_GATES = 4, 3
PARTS = ("hx", "hh", "c")  # of the step: W_hx x_t, W_hh h_{t-1}, and the LSTM's c_t

Normalize = Callable[[str, Tensor], Tensor]  # of a part (K, B, N)


def with_gains(specs: tuple[Spec, ...]) -> tuple[Spec, ...]:
    """A model's parameters, with gains for each place, and a bias behind the LSTM's c."""
    own = (part for spec in specs if spec.kind is Kind.hidden_hidden for part in _gains(spec))
    return (*specs, *own)


def _gains(spec: Spec) -> Iterator[Spec]:
    place, (rows, hidden) = spec.name.removesuffix(".W_hh"), spec.shape
    yield Spec(f"{place}.g_hx", (rows,), Kind.gain, spec.gates)
    yield Spec(f"{place}.g_hh", (rows,), Kind.gain, spec.gates)
    if spec.gates == LSTM_GATES:
        yield Spec(f"{place}.g_c", (hidden,), Kind.gain)
        yield Spec(f"{place}.b_c", (hidden,), Kind.bias)


@torch.no_grad()
def start_gains(weights: Weights, gain: Tensor) -> None:
    """Every gain at ``gain`` (K,), the bias behind c at 0."""
    for spec, tensor in weights.of(Kind.gain, Kind.bias):
        name = spec.name.rpartition(".")[2]
        if name in ("g_hx", "g_hh", "g_c"):
            tensor.copy_(gain[:, None].expand_as(tensor))
        elif name == "b_c":
            tensor.zero_()


def normalized(
    cell: Cell, own: LayerWeights, weights: Mapping[str, Tensor], place: Place, by: Normalize
) -> tuple[Cell, LayerWeights]:
    """The cell with g * N(.) of both products, the biases behind them, and o * tanh(N(c)).

    gates = g_hx * N(W_hx x_t) + b_hx + g_hh * N(W_hh h_{t-1}) + b_hh
    """
    W_hx, W_hh, b_hx, b_hh = own
    name = f"layer{place.layer}.{place.direction}"
    gains = {part: weights.get(f"{name}.g_{part}") for part in PARTS}

    def scaled(part: str, a: Tensor, bias: Tensor) -> Tensor:
        gain = gains[part]
        assert gain is not None
        return gain[:, None] * by(part, a) + bias[:, None]

    def share(x: Tensor) -> Tensor:
        return scaled("hx", x, b_hx)

    def recurrent(h: Tensor, W: Tensor, b: Tensor, mask: Tensor | None) -> Tensor:
        return scaled("hh", product(h, W, torch.zeros_like(b), mask), b)

    def read(c: Tensor) -> Tensor:
        return scaled("c", c, weights[f"{name}.b_c"])

    def step(x: Tensor, state: State, W: Tensor, b: Tensor, noise: RecurrentNoise = NONE) -> State:
        own_read = {} if gains["c"] is None else {"read": read}
        return cell.step(x, state, W, b, noise, share=share, by=recurrent, **own_read)

    changed = replace(cell, name=f"normalized_{cell.name}", step=step)
    return changed, (W_hx, W_hh, torch.zeros_like(b_hx), b_hh)

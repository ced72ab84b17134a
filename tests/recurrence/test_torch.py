"""Stacked layers equal torch.nn.RNN, GRU and LSTM on packed sequences, run by run."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from rnn_regexp.recurrence.backends import Backend
from rnn_regexp.recurrence.cells import ALL, GRU, LSTM, RELU, Cell
from rnn_regexp.recurrence.layer import layer
from tests.recurrence.examples import BY_HAND, LENGTHS, B, D, H, T, close

PARTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def module(cell: Cell, layers: int, bidirectional: bool) -> nn.RNNBase:
    settings = {"num_layers": layers, "bidirectional": bidirectional, "dtype": torch.float64}
    if cell in (LSTM, GRU):
        return (nn.LSTM if cell is LSTM else nn.GRU)(D, H, **settings)
    return nn.RNN(D, H, nonlinearity="relu" if cell is RELU else "tanh", **settings)


def by_torch(net: nn.RNNBase, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Outputs (T, B, N*H), zero on padding, and the last layer's h_n (B, N*H)."""
    packed, last = net(pack_padded_sequence(x, lengths, enforce_sorted=False))
    outputs, _ = pad_packed_sequence(packed, total_length=T)
    h_n = last[0] if isinstance(last, tuple) else last
    directions = 2 if net.bidirectional else 1
    return outputs, torch.cat(list(h_n[-directions:]), dim=-1)


def by_layers(
    cell: Cell, nets: list[nn.RNNBase], x: Tensor, lengths: Tensor, backend: Backend
) -> tuple[Tensor, Tensor]:
    for index in range(nets[0].num_layers):
        directions = tuple(
            tuple(
                torch.stack([getattr(net, f"{part}_l{index}{end}") for net in nets])
                for part in PARTS
            )
            for end in (("", "_reverse") if nets[0].bidirectional else ("",))
        )
        x, last = layer(cell, x, lengths, directions, backend)
    valid = torch.arange(T)[:, None] < lengths[:, None]  # (K, T, B)
    return x * valid[..., None], last


@pytest.mark.parametrize("backend", [Backend.cells, Backend.native, *BY_HAND])
@pytest.mark.parametrize(
    ("layers", "bidirectional"), [(1, False), (1, True), (2, False), (3, True)]
)
@pytest.mark.parametrize("runs", [1, 2])
@pytest.mark.parametrize("cell", ALL, ids=lambda cell: cell.name)
def test_equals_torch(cell: Cell, runs: int, layers: int, bidirectional: bool, backend: Backend):
    torch.manual_seed(5)
    nets = [module(cell, layers, bidirectional) for _ in range(runs)]
    x = torch.randn(runs, T, B, D, dtype=torch.float64, requires_grad=True)
    lengths = torch.stack([torch.tensor(LENGTHS).roll(k) for k in range(runs)])
    leaves = [x, *(parameter for net in nets for parameter in net.parameters())]
    ours = by_layers(cell, nets, x, lengths, backend)
    pairs = [by_torch(net, x[k], lengths[k]) for k, net in enumerate(nets)]
    theirs = [torch.stack(parts) for parts in zip(*pairs)]
    pull = [torch.randn_like(result) for result in ours]
    close(
        [*ours, *torch.autograd.grad(ours, leaves, pull)],
        [*theirs, *torch.autograd.grad(theirs, leaves, pull)],
    )

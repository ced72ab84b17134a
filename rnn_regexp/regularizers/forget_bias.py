"""The forget gate's bias at the start."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from rnn_regexp.fields import per_run
from rnn_regexp.noise import Noise
from rnn_regexp.regularizers.base import Regularizer, column
from rnn_regexp.regularizers.subject import Subject
from rnn_regexp.weights import Kind, Spec, Weights

LSTM_GATES, FORGET = 4, 1  # i, f, g, o


@dataclass
class ForgetBias(Regularizer):
    """Start the LSTM's forget gates open.

    b_f = bias   in b_hx, and 0 in b_hh: the sum of both counts

    0 leaves the start as ``init`` draws it.  Jozefowicz et al. find 1 better than 0 on nearly
    every task; Keras starts from 1.  Setting both of torch's biases to 1 would make it 2.
    """

    source = "Gers et al. 2000; Jozefowicz et al. 2015"

    bias: float = per_run(0.0, "(-inf, inf)", strength=True)

    def objections(self, subject: Subject) -> Iterator[tuple[str, str]]:
        if subject.cell.gates != LSTM_GATES:
            yield "", f"only the LSTM has a forget gate (model={subject.model})"

    def initialize(self, weights: Weights, noise: Noise) -> None:
        with torch.no_grad():
            for spec, b in weights.of(Kind.bias):
                if spec.gates == LSTM_GATES:
                    forget = gate(spec, b, FORGET)
                    mine = column(self.bias, b)
                    summand = mine if spec.name.endswith("b_hx") else torch.zeros_like(mine)
                    forget.copy_(torch.where(mine != 0, summand, forget))


def gate(spec: Spec, b: torch.Tensor, index: int) -> torch.Tensor:
    """The view (K, H) of one gate of biases (K, G*H)."""
    H = spec.shape[0] // spec.gates
    return b[:, index * H : (index + 1) * H]

"""Chrono initialization: gates that start with memories of many lengths."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from rnn_regexp.fields import per_run
from rnn_regexp.noise import Noise
from rnn_regexp.regularizers.base import Regularizer, column
from rnn_regexp.regularizers.forget_bias import FORGET, LSTM_GATES, gate
from rnn_regexp.regularizers.subject import Subject
from rnn_regexp.weights import Kind, Spec, Weights

INPUT, UPDATE = 0, 1  # of i, f, g, o and of r, z, n


@dataclass
class Chrono(Regularizer):
    """Start the gates so that units remember for up to ``longest`` steps, each for its own time.

    LSTM  b_f = log u,  b_i = -b_f        GRU  b_z = log u,   u ~ U(1, longest - 1)

    in b_hx, with 0 in b_hh.  ``longest`` is the paper's T_max, the range of the dependencies; 0
    leaves the start as ``init`` draws it.  torch's z keeps the old state, hence the sign for the
    GRU.
    """

    source = "Tallec & Ollivier 2018"

    longest: int = per_run(0, "[0, inf)", strength=True)

    def objections(self, subject: Subject) -> Iterator[tuple[str, str]]:
        if subject.cell.gates == 1:
            yield "", f"only gates have a time to remember (model={subject.model})"
        if self.longest < 3:
            yield "longest", f"must be at least 3 steps, got {self.longest}"
        if "forget_bias" in subject.techniques:
            yield "", "forget_bias beside it sets the same biases (take one)"

    def initialize(self, weights: Weights, noise: Noise) -> None:
        with torch.no_grad():
            for spec, b in weights.of(Kind.bias):
                if spec.gates > 1:
                    self._set(spec, b, noise)

    def _set(self, spec: Spec, b: Tensor, noise: Noise) -> None:
        shape = (spec.shape[0] // spec.gates,)
        u = noise.uniform(f"chrono/{spec.name}", shape).double()  # (K, H)
        log = (1 + u * (column(self.longest, u) - 2).clamp_min(0)).log().to(b)
        if not spec.name.endswith("b_hx"):
            log = torch.zeros_like(log)
        lstm = spec.gates == LSTM_GATES
        for index, sign in ((FORGET, 1), (INPUT, -1)) if lstm else ((UPDATE, 1),):
            own = gate(spec, b, index)
            own.copy_(torch.where(column(self.longest, own) > 0, sign * log, own))

"""The norm stabilizer: hidden states of steady size."""

from dataclasses import dataclass

import torch
from torch import Tensor

from rnn_regexp.fields import per_run
from rnn_regexp.regularizers.base import Regularizer
from rnn_regexp.regularizers.temporal_activation import mean_over_pairs
from rnn_regexp.regularizers.trace import Trace
from rnn_regexp.weights import Kind, Weights


@dataclass
class NormStabilizer(Regularizer):
    """A penalty on changes of the hidden state's norm from step to step.

    beta * mean((||h_t|| - ||h_{t-1}||)^2)   over all pairs of steps within a sequence

    summed over layers and directions, each with the norm of its own H units.  beta = 50 for
    characters.  The paper's first pair has h_0 = 0; the published code of Zoneout, whose mean over
    t = 2..T we take, leaves it out.  Penalties on ||h_t|| - k bear the same name elsewhere.
    """

    source = "Krueger & Memisevic 2016, equation 1"

    beta: float = per_run(0.0, "[0, inf)", strength=True)

    def penalty(self, weights: Weights, trace: Trace) -> Tensor:
        hidden = next(spec for spec, _ in weights.of(Kind.hidden_hidden)).shape[1]
        total = torch.zeros_like(self.beta).to(trace.outputs[0])
        layers = ((own.lengths, outputs) for own in trace.stacks for outputs in own.outputs)
        for lengths, outputs in layers:
            for h in outputs.split(hidden, dim=-1):  # (K, T, B, H)
                norm = torch.linalg.vector_norm(h, dim=-1)  # (K, T, B)
                total = total + mean_over_pairs(norm.diff(dim=1).square(), lengths)
        return self.beta.to(total) * total

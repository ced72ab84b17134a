"""Gaussian noise on the weights."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from rnn_regexp.fields import per_run, structural
from rnn_regexp.noise import Noise
from rnn_regexp.regularizers.base import Regularizer, column
from rnn_regexp.weights import Kind, Weights

EVERYWHERE = (Kind.input_hidden, Kind.hidden_hidden, Kind.hidden_output, Kind.bias)


@dataclass
class WeightNoise(Regularizer):
    """Train with W + N(0, deviation^2) in place of W, drawn anew at every step.

    One draw for all sequences of a batch and all time steps.  The gradient is taken at the noisy
    weights and applied to W.  Graves takes a deviation of .075 on all weights of an LSTM for
    speech; ``on`` lists what is disturbed.
    """

    source = "Graves 2011, section 4; Jim et al. 1996"
    sampled = True

    deviation: float = per_run(0.0, "[0, inf)", strength=True)
    on: list[Kind] = structural(lambda: list(EVERYWHERE))

    names: ClassVar[frozenset[str]] = frozenset()  # of the parameters that are disturbed

    def start(self, weights: Weights) -> dict[str, Tensor]:
        setattr(self, "names", {spec.name for spec, _ in weights.of(*self.on)})  # noqa: B010
        return {}

    def transform_weights(self, weights: dict[str, Tensor], noise: Noise | None) -> None:
        if noise is None:
            return
        for name in self.names & weights.keys():
            own = weights[name]
            drawn = noise.normal(f"weight_noise/{name}", tuple(own.shape[1:])).to(own)
            weights[name] = own + drawn * column(self.deviation, own)

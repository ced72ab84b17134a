"""Exponential moving average of the weights."""

from dataclasses import dataclass

from torch import Tensor

from rnn_regexp.fields import per_run
from rnn_regexp.regularizers.base import Regularizer, Update, column
from rnn_regexp.weights import Weights


@dataclass
class Ema(Regularizer):
    """Judge a run by a moving average of its weights; training goes on with the weights themselves.

    e <- d_n * e + (1 - d_n) * w   after step n,   e_0 = w_0

    d_n is ``decay``, or with ``warmup`` min(decay, (1 + n) / (10 + n)), which forgets the random
    start sooner, as TensorFlow's averages do when they are given the number of updates.
    """

    source = "Polyak & Juditsky 1992; Tarvainen & Valpola 2017, section 2"

    decay: float = per_run(0.0, "[0, 1)", strength=True)
    warmup: bool = per_run(False)

    def start(self, weights: Weights) -> dict[str, Tensor]:
        flat = weights.flat.detach()
        return {"average": flat.clone(), "steps": flat.new_zeros(len(flat))}

    def after_step(self, weights: Weights, update: Update) -> None:
        steps, average = self.state["steps"], self.state["average"]
        steps += update.stepping
        early = (1 + steps) / (10 + steps)
        decay = self.decay.to(steps)
        decay = decay.where(self.warmup.to(steps) == 0, decay.minimum(early))
        moved = average * column(decay, average) + weights.flat * column(1 - decay, average)
        average.copy_(moved.where(update.stepping[:, None], average))

    def averaged(self, flat: Tensor) -> Tensor:
        own = column(self.decay, flat) > 0  # without it, an optimizer's average goes through
        return self.state["average"].where(own, flat)

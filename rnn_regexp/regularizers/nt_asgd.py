"""Averaging that begins when validation no longer improves."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from rnn_regexp.fields import per_run
from rnn_regexp.regularizers.base import Regularizer, Update
from rnn_regexp.weights import Weights


@dataclass
class NtAsgd(Regularizer):
    """Judge a run by the mean of its weights after every step behind a non-monotonic trigger.

    The trigger is the end of epoch t if t > n and v_t > min(v_1, ..., v_{t-n}), v the validation
    losses and n = ``patience``; the paper takes n = 5 with optimizer=sgd and a constant rate.
    torch's ASGD, to which the paper's code switches, leaves the first weights out of the mean
    and lets a change of the rate act one step late; here neither happens.
    """

    source = "Merity et al. 2018, section 3, algorithm 1"

    patience: float = per_run(math.inf, "[1, inf]", strength=True)  # epochs

    def start(self, weights: Weights) -> dict[str, Tensor]:
        flat = weights.flat.detach()
        zero = flat.new_zeros(len(flat))
        return {"mean": flat.clone(), "count": zero, "triggered": zero.bool()}

    def after_step(self, weights: Weights, update: Update) -> None:
        mean, count = self.state["mean"], self.state["count"]
        averaging = self.state["triggered"] & update.stepping
        count += averaging
        step = (weights.flat - mean) / count.clamp_min(1)[:, None]
        mean.copy_(torch.where(averaging[:, None], mean + step, mean))

    def after_epoch(self, histories: Sequence[Sequence[Mapping[str, float]]]) -> None:
        for k, (own, patience) in enumerate(zip(histories, self.patience.tolist(), strict=True)):
            if len(own) > patience:
                before = [row["valid/loss"] for row in own[: -int(patience)]]
                if own[-1]["valid/loss"] > min(before):
                    self.state["triggered"][k] = True

    def averaged(self, flat: Tensor) -> Tensor:
        return self.state["mean"].where(self.state["count"][:, None] > 0, flat)

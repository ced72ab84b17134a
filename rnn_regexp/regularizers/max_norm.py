"""Max-norm: no unit's incoming weights grow beyond a ball."""

import math
from dataclasses import dataclass

import torch

from rnn_regexp.fields import per_run, structural
from rnn_regexp.regularizers.base import Regularizer, Update, column
from rnn_regexp.regularizers.l2 import MATRICES
from rnn_regexp.weights import Kind, Weights


@dataclass
class MaxNorm(Regularizer):
    """Project each row of the chosen matrices, a unit's incoming weights, after every step.

    w <- w * min(1, maximum / ||w||)

    inf bounds nothing.  The paper takes 3 to 4 beside dropout.  Keras' ``MaxNorm`` has an epsilon
    of 1e-7 in the denominator, and for recurrent layers takes the gate's columns: the same weights.
    """

    source = "Srebro & Shraibman 2005; Srivastava et al. 2014, section 5.1"

    maximum: float = per_run(math.inf, "(0, inf]", strength=True)
    on: list[Kind] = structural(lambda: list(MATRICES))

    def after_step(self, weights: Weights, update: Update) -> None:
        for _, W in weights.of(*self.on):
            rows = W if W.dim() == 3 else W[..., None]  # a bias: each of its numbers
            norm = torch.linalg.vector_norm(rows, dim=-1, keepdim=True)
            rows.mul_((column(self.maximum, rows) / norm).clamp(max=1))

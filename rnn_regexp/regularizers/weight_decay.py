"""Weight decay: every weight shrinks a little at every step."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

import torch
from torch import Tensor

from rnn_regexp.fields import per_run, structural
from rnn_regexp.regularizers.base import Regularizer, Update, chosen, column, some
from rnn_regexp.weights import Kind, Weights


class Coupling(Enum):
    """How decay meets the optimizer; ``optimizer`` does what torch's of that name does."""

    optimizer = "optimizer"
    coupled = "coupled"
    decoupled = "decoupled"
    gal = "gal"


@dataclass
class WeightDecay(Regularizer):
    """Let every weight shrink at every step, as torch's ``weight_decay`` does.

    coupled:    g <- g + coefficient * W   after clipping, before the optimizer's own scaling
    decoupled:  W <- W - learning_rate * coefficient * W   before the optimizer's step
    gal:        W <- W - coefficient * W   after it, whatever the learning rate (1e-7 in Gal's code)

    Coupled decay under Adam is not decay in proportion: a weight without gradient moves by about
    the learning rate at each step, whatever the coefficient (Loshchilov & Hutter 2019, section 2).
    The survey's example does exactly that; ``coupling=decoupled`` is the remedy.  As in torch, all
    parameters decay, rare words' embeddings, biases and gains too; ``on`` chooses among them, such
    as ``on=[input_hidden,hidden_hidden,hidden_output]`` for matrices alone.
    """

    source = "Krogh & Hertz 1992; Loshchilov & Hutter 2019; Gal & Ghahramani 2016 (code)"

    coefficient: float = per_run(0.0, "[0, inf)", strength=True)
    coupling: Coupling = per_run(Coupling.optimizer)
    on: list[Kind] = structural(lambda: list(Kind))

    def transform_gradients(self, weights: Weights, update: Update) -> None:
        coefficient = self._share(update, decoupled=False)
        if coefficient is not None:
            for W, gradient in self._decaying(weights):
                gradient.addcmul_(column(coefficient, W), W)

    def before_step(self, weights: Weights, update: Update) -> None:
        coefficient = self._share(update, decoupled=True)
        if coefficient is not None:
            self._shrink(weights, 1 - update.learning_rate * coefficient)

    def after_step(self, weights: Weights, update: Update) -> None:
        coefficient = self._of(Coupling.gal)
        if coefficient is not None:
            self._shrink(weights, 1 - coefficient)

    def _shrink(self, weights: Weights, share: Tensor) -> None:
        for W, _ in self._decaying(weights):
            W.mul_(column(share, W))

    def _decaying(self, weights: Weights) -> Iterator[tuple[Tensor, Tensor]]:
        """The parameters (K, ...) that decay, with their gradients; all of them in one piece."""
        if set(self.on) == set(Kind):
            yield weights.flat, weights.gradient
            return
        for spec, W in weights.of(*self.on):
            yield W, weights.gradients[spec.name]

    def _share(self, update: Update, decoupled: bool) -> Tensor | None:
        """The coefficients of the runs whose decay is decoupled or not, as asked."""
        named = Coupling.decoupled if decoupled else Coupling.coupled
        follows = (Coupling.optimizer,) if update.decoupled is decoupled else ()
        return self._of(named, *follows)

    def _of(self, *kinds: Coupling) -> Tensor | None:
        """The coefficients (K,) of the runs of these kinds, 0 for the others; None: no such run."""
        mine = [
            chosen(self.coupling, own, self.coefficient)
            for own in kinds
            if some(self.coupling, own)
        ]
        return self.coefficient * torch.stack(mine).any(dim=0) if mine else None

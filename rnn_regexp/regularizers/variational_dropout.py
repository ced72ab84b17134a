"""Variational dropout: the same units are dropped at every step of a sequence."""

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor

from rnn_regexp.fields import per_run, structural
from rnn_regexp.noise import Noise
from rnn_regexp.recurrence.perturbation import RecurrentNoise
from rnn_regexp.regularizers.base import Place, Regularizer, Site
from rnn_regexp.regularizers.masks import drop
from rnn_regexp.regularizers.subject import Subject


@dataclass
class VariationalDropout(Regularizer):
    """One mask a sequence for each layer's inputs, for its recurrence, and for what the head reads.

    gate_k = (z_x * x_t) W_k + (z_h^k * h_{t-1}) U_k,   z ~ Bernoulli(1 - p) / (1 - p)

    ``input``, ``hidden`` and ``output`` are the p of z_x, z_h and of the head's mask.  z_h is one
    mask for all gates (the paper's tied weights), or with ``per_gate`` one for each (untied; the
    ``recurrent_dropout`` of Keras).  Ours differs in that z_x is shared by the gates in both.
    The paper's dropped words are ``embedding_dropout`` with ``per=sequence``, its evaluation by
    sampling is ``monte_carlo``.  The authors' code has, on Penn Treebank, input and output .5,
    hidden and words .3 (large), weight decay 1e-7.
    """

    source = "Gal & Ghahramani 2016, section 4, equation 7"
    sampled = True

    input: float = per_run(0.0, "[0, 1)", strength=True)
    hidden: float = per_run(0.0, "[0, 1)", strength=True)
    output: float = per_run(0.0, "[0, 1)", strength=True)
    per_gate: bool = structural(False)

    def objections(self, subject: Subject) -> Iterator[tuple[str, str]]:
        if self.hidden:
            yield from subject.without_own_recurrence("hidden")

    def transform_activations(
        self, site: Site, layer: int, x: Tensor, noise: Noise | None
    ) -> Tensor:
        rate = self.output if site is Site.output else self.input
        shape = (1, *x.shape[2:]) if x.dim() == 4 else tuple(x.shape[1:])  # (1, B, D) or (B, D)
        mask = drop(noise, f"variational_dropout/{site.name}/{layer}", shape, rate, x)
        return x if mask is None else x * mask

    def recurrent_noise(self, place: Place, noise: Noise | None) -> RecurrentNoise | None:
        if "hidden" not in self.used:
            return None
        gates = place.cell.gates if self.per_gate else 1
        shape = (1, place.sequences, gates, place.hidden)
        mask = drop(noise, place.name("variational_dropout/h"), shape, self.hidden, place.like)
        return None if mask is None else RecurrentNoise(h=mask)

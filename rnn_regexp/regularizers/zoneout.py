"""Zoneout: units keep their old state now and then."""

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor

from rnn_regexp.fields import per_run, structural
from rnn_regexp.noise import Noise
from rnn_regexp.recurrence.perturbation import RecurrentNoise
from rnn_regexp.regularizers.base import Place, Regularizer, column
from rnn_regexp.regularizers.subject import Subject


@dataclass
class Zoneout(Regularizer):
    """Each unit of h and of the LSTM's c keeps its old value with probability ``h`` and ``c``.

    c_t = d_c * c_{t-1} + (1 - d_c) * c~,   d_c ~ Bernoulli(c) at every step
    h_t = d_h * h_{t-1} + (1 - d_h) * o * tanh(c~),   c~ = f * c_{t-1} + i * g

    Evaluation takes the expectation: c and h in place of d_c and d_h.  h~ is computed from the
    c~ of the cell, before zoneout.  ``shared`` draws one mask for both states.  The paper has
    c = .5, h = .05 on characters (Penn Treebank, text8), .25 and .025 on words, and a shared
    mask with .15 for both on permuted MNIST; .05 to .25 on h for GRU and Elman networks.
    """

    source = "Krueger et al. 2017, section 3.1"
    evaluates = True
    sampled = True

    h: float = per_run(0.0, "[0, 1)", strength=True)
    c: float = per_run(0.0, "[0, 1)", strength=True)
    shared: bool = structural(False)

    def objections(self, subject: Subject) -> Iterator[tuple[str, str]]:
        yield from subject.without_own_recurrence()

    def does_nothing(self, subject: Subject) -> Iterator[tuple[str, str]]:
        if self.c and subject.cell.states == 1:
            reason = f"only the LSTM has a state c (model={subject.model})"
            yield ("c" if self.h else ""), reason

    def recurrent_noise(self, place: Place, noise: Noise | None) -> RecurrentNoise | None:
        h = self._share("h", self.h, place, noise)
        c = self._share("c", self.c, place, noise) if place.cell.states > 1 else None
        return RecurrentNoise(zoneout_h=h, zoneout_c=c)

    def _share(self, state: str, rate: Tensor, place: Place, noise: Noise | None) -> Tensor | None:
        """Which units keep their old state, or in evaluation with what probability."""
        if state not in self.used:
            return None
        shape = (place.steps, place.sequences, place.hidden)
        if noise is None:
            return column(rate, place.like[:, None]).expand(-1, *shape)
        site = place.name("zoneout/both" if self.shared else f"zoneout/{state}")
        return (~noise.keep(site, shape, rate)).to(place.like)

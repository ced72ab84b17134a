"""RNNDrop: units of the LSTM's memory are dropped for a whole sequence."""

from collections.abc import Iterator
from dataclasses import dataclass

from rnn_regexp.fields import per_run
from rnn_regexp.noise import Noise
from rnn_regexp.recurrence.perturbation import RecurrentNoise
from rnn_regexp.regularizers.base import Place, Regularizer
from rnn_regexp.regularizers.masks import Scaling, drop
from rnn_regexp.regularizers.subject import Subject


@dataclass
class RnnDrop(Regularizer):
    """Zero units of the LSTM's memory with probability ``rate``, the same ones at all steps.

    c_t = m * (f * c_{t-1} + i * g),   m ~ Bernoulli(1 - rate), one mask a sequence

    Scaling acts on the memory at every step: under ``test_time`` evaluation forgets by 1 - rate a
    step, under ``inverted`` training remembers too much by 1 / (1 - rate) a step, without bound
    on long sequences.  Hence the default.  Rates of .2 to .5 are in use.
    """

    source = "Moon et al. 2015, equation 8"
    evaluates = True
    sampled = True

    rate: float = per_run(0.0, "[0, 1)", strength=True)
    scaling: Scaling = per_run(Scaling.test_time)

    def objections(self, subject: Subject) -> Iterator[tuple[str, str]]:
        if subject.cell.states == 1:
            yield "", f"drops the state c, which only the LSTM has (model={subject.model})"
        yield from subject.without_own_recurrence()

    def recurrent_noise(self, place: Place, noise: Noise | None) -> RecurrentNoise | None:
        shape = (1, place.sequences, place.hidden)
        site = place.name("rnn_drop")
        mask = drop(noise, site, shape, self.rate, place.like, self.scaling)
        return None if mask is None else RecurrentNoise(cell=mask)

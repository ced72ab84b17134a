"""Recurrent dropout without memory loss: only what is new at a step is dropped."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from rnn_regexp.fields import per_run, structural
from rnn_regexp.noise import Noise
from rnn_regexp.recurrence.perturbation import RecurrentNoise
from rnn_regexp.regularizers.base import Place, Regularizer
from rnn_regexp.regularizers.masks import Scaling, drop
from rnn_regexp.regularizers.subject import Subject


class Per(Enum):
    """How long a mask is kept."""

    step = "step"
    sequence = "sequence"


@dataclass
class RecurrentDropout(Regularizer):
    """Zero units of the candidate update with probability ``rate``; what is stored stays.

    LSTM  c_t = f * c_{t-1} + i * (m * g)        GRU  h_t = (1 - z) * (m * n) + z * h_{t-1}

    The GRU's z is torch's, 1 - z in the paper.  The authors' code draws m ``per`` sequence with
    rate .5 for this technique, and scales by 1 - rate at test time: ``scaling=test_time``.
    """

    source = "Semeniuta et al. 2016, equations 6 and 9"
    sampled = True

    rate: float = per_run(0.0, "[0, 1)", strength=True)
    per: Per = structural(Per.sequence)
    scaling: Scaling = per_run(Scaling.inverted)

    def objections(self, subject: Subject) -> Iterator[tuple[str, str]]:
        if subject.cell.gates == 1:
            yield "", f"drops a candidate update, which only gates have (model={subject.model})"
        yield from subject.without_own_recurrence()

    def recurrent_noise(self, place: Place, noise: Noise | None) -> RecurrentNoise | None:
        steps = place.steps if self.per is Per.step else 1
        shape = (steps, place.sequences, place.hidden)
        site = place.name("recurrent_dropout")
        mask = drop(noise, site, shape, self.rate, place.like, self.scaling)
        return None if mask is None else RecurrentNoise(candidate=mask)

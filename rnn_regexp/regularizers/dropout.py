"""Dropout as the survey describes it and as torch does it."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from torch import Tensor

from rnn_regexp.fields import per_run, structural
from rnn_regexp.noise import Noise
from rnn_regexp.recurrence.perturbation import RecurrentNoise
from rnn_regexp.regularizers.base import Place, Regularizer, Site
from rnn_regexp.regularizers.masks import Scaling, drop
from rnn_regexp.regularizers.subject import Subject


class Where(Enum):
    """What dropout acts on; ``hidden`` is the state itself, the others lie outside the recurrence.

    input    what the first layer reads
    hidden   h_t, which goes on to the outputs and back into the recurrence, in every layer
    between  what a layer hands to the next
    output   what the head reads
    """

    input = "input"
    hidden = "hidden"
    between = "between"
    output = "output"


@dataclass
class Dropout(Regularizer):
    """Zero each unit with probability ``rate``, with a fresh mask at every step.

    h~_t = d_t * h_t,  d_t ~ Bernoulli(1 - rate);  h~_t takes the place of h_t

    The survey's dropout is ``on=[input]``, ``on=[hidden]`` or ``on=[input,hidden]`` with
    ``scaling=test_time``: evaluation has (1 - rate) h_t.  Its worked example is ``on=[output]``
    with torch's ``inverted`` scaling: training divides by 1 - rate.  Zaremba et al. (2014) drop
    ``on=[input,between,output]``, .5 in their medium and .65 in their large model; dropping h_t
    at every step forgets what the recurrence has stored (ibid., section 3).  ``locked`` draws
    one mask for all steps of a sequence.
    """

    source = "Survey, section 3.1; Srivastava et al. 2014; Pham et al. 2013; Zaremba et al. 2014"
    sampled = True

    rate: float = per_run(0.0, "[0, 1)", strength=True)
    on: list[Where] = structural(lambda: [Where.output])
    locked: bool = structural(False)
    scaling: Scaling = per_run(Scaling.inverted)

    def objections(self, subject: Subject) -> Iterator[tuple[str, str]]:
        if Where.hidden in self.on:
            yield from subject.without_own_recurrence("on")

    def does_nothing(self, subject: Subject) -> Iterator[tuple[str, str]]:
        if not self.on:
            yield "", "regularizers.dropout.on is empty"
        elif self.on == [Where.between] and subject.layers == 1:
            yield "", "there is nothing between the layers of one (model.layers=1)"

    def transform_activations(
        self, site: Site, layer: int, x: Tensor, noise: Noise | None
    ) -> Tensor:
        if Where[site.name] not in self.on:
            return x
        shape = tuple(x.shape[1:])  # (T, B, D) or (B, D)
        if self.locked and len(shape) == 3:
            shape = (1, *shape[1:])
        mask = drop(noise, f"dropout/{site.name}/{layer}", shape, self.rate, x, self.scaling)
        return x if mask is None else x * mask

    def recurrent_noise(self, place: Place, noise: Noise | None) -> RecurrentNoise | None:
        if Where.hidden not in self.on:
            return None
        shape = (1 if self.locked else place.steps, place.sequences, place.hidden)
        site = place.name("dropout/hidden")
        mask = drop(noise, site, shape, self.rate, place.like, self.scaling)
        return None if mask is None else RecurrentNoise(state=mask)

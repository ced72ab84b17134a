"""Dropout on the activations between layers."""

from dataclasses import dataclass

from torch import Tensor

from rnn_regexp.fields import per_run, structural
from rnn_regexp.noise import Noise
from rnn_regexp.regularizers.base import Regularizer, Site, column


@dataclass
class Dropout(Regularizer):
    """Zero each unit with probability ``rate`` and scale the others up, as torch does.

    x~_t = m_t * x_t / (1 - rate),  m_t ~ Bernoulli(1 - rate)

    ``on`` lists the places: input (into the first layer), between (layers), output (of the last
    layer, before the head).  ``locked`` draws one mask for all steps of a sequence (Gal &
    Ghahramani 2016) instead of one for each step.  The survey scales at evaluation by 1 - rate
    instead ("inverted" scaling has the same expectation); its worked example uses torch's form.
    """

    source = "Srivastava et al. 2014; Pham et al. 2013; Zaremba et al. 2014"

    rate: float = per_run(0.0, "[0, 1)", strength=True)
    on: list[Site] = structural(lambda: [Site.output])
    locked: bool = structural(False)

    def transform_activations(
        self, site: Site, layer: int, x: Tensor, noise: Noise | None
    ) -> Tensor:
        if noise is None or site not in self.on:
            return x
        shape = tuple(x.shape[1:])  # (T, B, D) or (B, D)
        if self.locked and len(shape) == 3:
            shape = (1, *shape[1:])
        keep = noise.keep(f"dropout/{site.name}/{layer}", shape, self.rate)
        return x * (keep * column(1 / (1 - self.rate), x))

"""DropConnect on the hidden-to-hidden matrices."""

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor

from rnn_regexp.fields import per_run, structural
from rnn_regexp.noise import Noise
from rnn_regexp.regularizers.base import Regularizer
from rnn_regexp.regularizers.masks import drop
from rnn_regexp.regularizers.subject import Subject


@dataclass
class WeightDrop(Regularizer):
    """Zero elements of W_hh with probability ``rate``, anew in every forward pass.

    W_hh -> M * W_hh,   M ~ Bernoulli(1 - rate) / (1 - rate),  one M for all steps and sequences

    The only dropout inside the recurrence that leaves torch's fused kernels usable.  ``layers``
    counts from 0, a decoder's behind its encoder's; [] are all.  ``variational`` drops whole rows.
    AWD-LSTM has rate .5 on words, .2 on enwik8.  Its released code drops rows in evaluation too,
    and breaks when evaluation is followed by training; ours computes the masked matrix anew and
    never touches the parameter.
    """

    source = "Merity et al. 2018 (AWD-LSTM), section 2; Wan et al. 2013"
    sampled = True

    rate: float = per_run(0.0, "[0, 1)", strength=True)
    layers: list[int] = structural(list)
    variational: bool = structural(False)

    def objections(self, subject: Subject) -> Iterator[tuple[str, str]]:
        for layer in self.layers:
            if not 0 <= layer < subject.numbered:
                yield "layers", f"there is no layer {layer} (model.layers={subject.layers})"

    def transform_weights(self, weights: dict[str, Tensor], noise: Noise | None) -> None:
        for name, W in list(weights.items()):
            if name.endswith(".W_hh") and self._chosen(name):
                shape = (W.shape[1], 1 if self.variational else W.shape[2])
                mask = drop(noise, f"weight_drop/{name}", shape, self.rate, W)
                weights[name] = W if mask is None else W * mask

    def _chosen(self, name: str) -> bool:
        layer = int(name.removeprefix("layer").partition(".")[0])
        return not self.layers or layer in self.layers

"""Word dropout: words of the input are made unknown."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from torch import Tensor

from rnn_regexp.fields import per_run
from rnn_regexp.noise import Noise
from rnn_regexp.regularizers.base import Regularizer, chosen, some
from rnn_regexp.regularizers.subject import Subject

UNKNOWN = 1  # the id of <unk> in every vocabulary


class Replace(Enum):
    """What stands in the place of a dropped word: the unknown word, or a vector of zeros."""

    unknown = "unknown"
    zero = "zero"


@dataclass
class WordDropout(Regularizer):
    """Replace each input word with probability ``rate``, each occurrence by itself.

    The rest is not scaled up: this is noise on the input, and targets stay as they are.  Iyyer
    et al. drop the words of a text altogether, with rate .3; here their places remain.
    """

    source = "Bowman et al. 2016, section 3.1 (unknown word); Iyyer et al. 2015, section 3.1"

    rate: float = per_run(0.0, "[0, 1)", strength=True)
    replace: Replace = per_run(Replace.unknown)

    def objections(self, subject: Subject) -> Iterator[tuple[str, str]]:
        if not subject.vocabulary:
            yield "", "the dataset has features, not words"

    def transform_tokens(self, tokens: Tensor, noise: Noise | None) -> Tensor:
        kept = self._kept(tokens, noise, Replace.unknown)
        return tokens if kept is None else tokens.where(kept, UNKNOWN)

    def transform_embedded(self, x: Tensor, tokens: Tensor, noise: Noise | None) -> Tensor:
        kept = self._kept(tokens, noise, Replace.zero)
        return x if kept is None else x * kept[..., None]

    def _kept(self, tokens: Tensor, noise: Noise | None, replace: Replace) -> Tensor | None:
        """Which words (K, T, B) stay, for the runs that replace like this; None: all."""
        if noise is None or not some(self.replace, replace):
            return None
        mine = chosen(self.replace, replace, self.rate)
        return noise.keep("word_dropout", tuple(tokens.shape[1:]), self.rate * mine)

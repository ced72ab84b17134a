"""The techniques of a cohort at work in one forward pass."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import torch
from torch import Tensor

from rnn_regexp.host import possibly
from rnn_regexp.noise import Noise
from rnn_regexp.recurrence.cells import Cell, LayerWeights, State
from rnn_regexp.recurrence.perturbation import RecurrentNoise
from rnn_regexp.regularizers.base import Place, Regularizer, Site


class Application:
    """Passes what a model computes through every technique, in order; without noise: evaluation.

    ``sampling``: evaluation in which the noise is for techniques that can be ``sampled`` alone.
    """

    def __init__(
        self,
        active: Iterable[Regularizer] = (),
        noise: Noise | None = None,
        sampling: bool = False,
    ) -> None:
        self.active = tuple(active)
        self.noise = noise
        self.sampling = sampling

    def branched(self, name: str) -> "Application":
        """The same techniques with other random numbers: for a decoder beside its encoder."""
        noise = None if self.noise is None else self.noise.branched(name)
        return Application(self.active, noise, self.sampling)

    def _noise(self, own: Regularizer) -> Noise | None:
        return None if self.sampling and not own.sampled else self.noise

    def acting(self, method: str) -> list[Regularizer]:
        """The techniques that override a site."""
        default = getattr(Regularizer, method)
        return [own for own in self.active if getattr(type(own), method) is not default]

    def weights(self, weights: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """The parameters (K, *shape) of this pass by name."""
        acting = self.acting("transform_weights")
        if not acting:
            return weights
        effective = dict(weights)
        for own in acting:
            own.transform_weights(effective, self._noise(own))
        return effective

    def tokens(self, tokens: Tensor) -> Tensor:
        """Token ids (K, T, B) before they are embedded."""
        for own in self.active:
            tokens = own.transform_tokens(tokens, self._noise(own))
        return tokens

    def embedded(self, x: Tensor, tokens: Tensor) -> Tensor:
        """Embeddings (K, T, B, D) of ``tokens`` (K, T, B)."""
        for own in self.active:
            x = own.transform_embedded(x, tokens, self._noise(own))
        return x

    def activations(self, site: Site, layer: int, x: Tensor) -> Tensor:
        """Activations (K, T, B, D), or (K, B, D) where the head reads one state."""
        for own in self.active:
            x = own.transform_activations(site, layer, x, self._noise(own))
        return x

    def states(self, states: State, place: Place) -> State:
        """The states, (K, B, H) each, that a place starts from."""
        for own in self.active:
            states = own.transform_states(states, place, self._noise(own))
        return states

    def cell(
        self, own: LayerWeights, weights: Mapping[str, Tensor], place: Place
    ) -> tuple[Cell, LayerWeights]:
        """The step of a place, and its matrices and biases."""
        cell = place.cell
        for technique in self.acting("transform_cell"):
            cell, own = technique.transform_cell(cell, own, weights, place, self._noise(technique))
        return cell, own

    def recurrent_noise(self, place: Place) -> RecurrentNoise | None:
        """Masks inside the recurrence of a place; those of several techniques are multiplied."""
        acting = self.acting("recurrent_noise")
        found = [own.recurrent_noise(place, self._noise(own)) for own in acting]
        noises = [noise for noise in found if noise is not None]
        merged = noises[0] if noises else None
        for other in noises[1:]:
            assert merged is not None
            merged = _both(merged, other)
        return merged

    def previous(self, true: Tensor, answer: Callable[[Tensor], Tensor]) -> Tensor:
        """What a decoder reads in training (K, T, B): the ``true`` words, or some of its own.

        ``answer`` gives the logits (K, T, B, C) that such words lead to.  The t-th word depends on
        earlier ones alone, so the first t words stand after t passes, and all of them once a pass
        changes none: these are the words of a decoder that goes step by step.  Where no step may
        wait for the device, as many passes are made as there are words.
        """
        acting = self.acting("transform_previous")
        read = true
        with torch.no_grad():
            for _ in range(true.shape[1] if acting and self.noise and not self.sampling else 0):
                before, logits, read = read, answer(read), true
                for own in acting:
                    read = own.transform_previous(read, logits, self.noise)
                if not possibly(read != before):
                    break
        return read

    def targets(self, targets: Tensor) -> Tensor:
        """Target distributions (K, ..., B, C)."""
        for own in self.acting("transform_targets"):
            targets = own.transform_targets(targets, self.noise)
        return targets

    @property
    def softens_targets(self) -> bool:
        """Whether targets become distributions in this pass."""
        training = self.noise is not None and not self.sampling
        return training and bool(self.acting("transform_targets"))


def _both(one: RecurrentNoise, other: RecurrentNoise) -> RecurrentNoise:
    """Masks of both; only one technique zones out."""
    mine = one.present()
    both = {n: mine[n] * mask if n in mine else mask for n, mask in other.present().items()}
    return replace(one, **both)


NOTHING = Application()

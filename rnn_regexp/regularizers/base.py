"""What a regularizer is: settings, and methods that act at a few fixed sites of training.

Each method's default does nothing.  During training ``self`` is a *stack*: its per-run fields
hold one value a run, numbers as tensors (K,), choices as tuples; see ``stack``.  Where a method
takes ``noise: Noise | None``, None means evaluation: a technique for training alone returns what
it was given.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from types import MappingProxyType
from typing import ClassVar

import torch
from torch import Tensor

from rnn_regexp.fields import STRENGTH, Settings, names
from rnn_regexp.noise import Noise
from rnn_regexp.recurrence.cells import Cell, LayerWeights, State
from rnn_regexp.recurrence.perturbation import RecurrentNoise
from rnn_regexp.regularizers.subject import Subject
from rnn_regexp.regularizers.trace import Trace
from rnn_regexp.weights import Spec, Weights


class Site(Enum):
    """Where activations pass: into the first layer, between layers, out of the last."""

    input = "input"
    between = "between"
    output = "output"


@dataclass(frozen=True)
class Place:
    """One direction of one recurrent layer, and the sizes of its recurrent noise."""

    layer: int
    direction: int
    cell: Cell
    steps: int  # T
    sequences: int  # B
    hidden: int  # H
    like: Tensor  # for type and device
    lengths: Tensor | None = None  # (K, B) valid steps of each sequence; None where all are

    def name(self, technique: str) -> str:
        """The site of a technique's random numbers at this place."""
        return f"{technique}/{self.layer}.{self.direction}"


@dataclass
class Update:
    """One optimizer step as the gradient's regularizers see it; all tensors are (K,)."""

    norm: Tensor  # of the gradient before anything changed it
    learning_rate: Tensor  # 0 for a run that makes no step
    decoupled: bool  # whether the optimizer's own weight decay is decoupled (AdamW)
    stepping: Tensor  # bool: the runs that make a step; nothing of the others may change
    noise: Noise
    clipped: Tensor = field(init=False)  # bool: whether clipping changed the gradient

    def __post_init__(self) -> None:
        self.clipped = torch.zeros_like(self.norm, dtype=torch.bool)


@dataclass
class Regularizer(Settings):
    """Base of all techniques. Class defaults are neutral: exactly the identity."""

    source: ClassVar[str] = ""  # the paper
    passes: ClassVar[int] = 1  # forward passes over a batch that it needs
    separate: ClassVar[bool] = False  # whether a run that lacks it needs a cohort of its own
    judged_with: ClassVar[tuple[str, ...]] = ()  # the names in ``state`` that evaluation reads
    evaluates: ClassVar[bool] = False  # whether it takes part in evaluation too
    sampled: ClassVar[bool] = False  # whether Monte-Carlo evaluation draws its noise

    state: ClassVar[Mapping[str, Tensor]] = MappingProxyType({})  # a stack has its own: ``start``
    used: ClassVar[frozenset[str]] = frozenset()  # a stack has its strengths that some run uses

    # Before anything is trained; each gives the settings concerned ("" for all) with the reason

    def objections(self, subject: Subject) -> Iterator[tuple[str, str]]:
        """What cannot be done on a subject."""
        return iter(())

    def does_nothing(self, subject: Subject) -> Iterator[tuple[str, str]]:
        """What has no effect on a subject, although its strength is not neutral."""
        return iter(())

    # Parameters

    def specs(self, specs: tuple[Spec, ...]) -> tuple[Spec, ...]:
        """The parameters of the model under this technique (then it is ``separate``)."""
        return specs

    def initialize(self, weights: Weights, noise: Noise) -> None:
        """Fill the weights in place before training."""

    def start(self, weights: Weights) -> dict[str, Tensor]:
        """What is remembered from step to step: tensors (K, ...), changed in place later."""
        return {}

    # The forward pass

    def transform_weights(self, weights: dict[str, Tensor], noise: Noise | None) -> None:
        """Replace parameters (K, *shape) of this forward pass; gradients flow through."""

    def transform_tokens(self, tokens: Tensor, noise: Noise | None) -> Tensor:
        """New token ids (K, T, B)."""
        return tokens

    def transform_previous(self, words: Tensor, logits: Tensor, noise: Noise | None) -> Tensor:
        """Training only: the words (K, T, B) that a decoder reads, from the true ones.

        ``logits`` (K, T, B, C) are its own answers; the t-th word may depend on earlier ones alone.
        """
        return words

    def transform_embedded(self, x: Tensor, tokens: Tensor, noise: Noise | None) -> Tensor:
        """New embeddings (K, T, B, D) of ``tokens`` (K, T, B)."""
        return x

    def transform_states(self, states: State, place: Place, noise: Noise | None) -> State:
        """New states, (K, B, H) each, that a place starts from where they are carried over."""
        return states

    def transform_cell(
        self,
        cell: Cell,
        own: LayerWeights,
        weights: Mapping[str, Tensor],
        place: Place,
        noise: Noise | None,
    ) -> tuple[Cell, LayerWeights]:
        """Another step for a place, with its matrices and biases (then it is ``separate``)."""
        return cell, own

    def recurrent_noise(self, place: Place, noise: Noise | None) -> RecurrentNoise | None:
        """Masks inside the recurrence of a place."""
        return None

    def transform_activations(
        self, site: Site, layer: int, x: Tensor, noise: Noise | None
    ) -> Tensor:
        """New activations (K, T, B, D), or (K, B, D) where the head reads one state."""
        return x

    def transform_targets(self, targets: Tensor, noise: Noise | None) -> Tensor:
        """Training only: new target distributions (K, ..., B, C) over C classes."""
        return targets

    def penalty(self, weights: Weights, trace: Trace) -> Tensor | None:
        """A term (K,) added to each run's loss, or None."""
        return None

    # The step

    def ascent(self, weights: Weights, update: Update) -> Tensor | None:
        """Where to take the gradient instead: a shift (K, P) of ``weights.flat``, or None."""
        return None

    def transform_gradients(self, weights: Weights, update: Update) -> None:
        """Change ``weights.gradient`` (K, P) in place before the optimizer's step."""

    def before_step(self, weights: Weights, update: Update) -> None:
        """Change ``weights.flat`` (K, P) in place before the optimizer's step."""

    def after_step(self, weights: Weights, update: Update) -> None:
        """Change ``weights.flat`` (K, P) in place after the optimizer's step."""

    # Epochs

    def window(self, length: Tensor, index: int, noise: Noise) -> Tensor:
        """Steps (K,) until a stream's next cut, its ``index``-th; ``noise`` is the epoch's."""
        return length

    def rate_factor(self, steps: Tensor, window: int) -> Tensor | None:
        """What multiplies the learning rates (K,) for a batch of so many steps (K,)."""
        return None

    def end_epoch(self, weights: Weights, epoch: int) -> None:
        """See the weights with which an epoch ends, before they are judged."""

    def after_epoch(self, histories: Sequence[Sequence[Mapping[str, float]]]) -> None:
        """See each run's rows of metrics, one an epoch, the last just closed."""

    def stops(self, histories: Sequence[Sequence[Mapping[str, float]]]) -> Sequence[bool] | None:
        """Which runs are to end here, or None for none."""
        return None

    def draws(self) -> Tensor | None:
        """How many noisy passes (K,) evaluation averages; 0, and None, for one without noise."""
        return None

    def averaged(self, flat: Tensor) -> Tensor:
        """The weights (K, P) by which runs are judged, from those that train."""
        return flat

    @property
    def neutral(self) -> bool:
        """Whether every strength stands at its neutral value, so that nothing happens."""
        reference = type(self)()
        return all(
            getattr(self, name) == getattr(reference, name) for name in names(type(self), STRENGTH)
        )


def column(values: Tensor, like: Tensor) -> Tensor:
    """Per-run values (K,) shaped to multiply ``like`` (K, ...), in its type and on its device."""
    return values.to(like).view(-1, *(1 for _ in like.shape[1:]))


def chosen(choices: tuple[Enum, ...], choice: Enum, like: Tensor) -> Tensor:
    """Which runs made ``choice``: bool (K,) on the device of ``like``, not to be changed."""
    return _chosen(choices, choice, like.device)


def some(choices: tuple[Enum, ...], choice: Enum) -> bool:
    """Whether a run made ``choice``."""
    return choice in choices


@lru_cache(maxsize=4096)  # a step must not send anything to the device
def _chosen(choices: tuple[Enum, ...], choice: Enum, device: torch.device) -> Tensor:
    return torch.tensor([own is choice for own in choices], device=device)

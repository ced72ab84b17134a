"""What a regularizer is: settings, and methods that act at a few fixed sites of training.

Each method's default does nothing.  During training ``self`` is a *stack*: its per-run fields
hold one value a run, numbers as tensors (K,), choices as tuples; see ``stack``.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import ClassVar

import torch
from torch import Tensor

from rnn_regexp.fields import STRENGTH, Settings, names
from rnn_regexp.noise import Noise
from rnn_regexp.weights import Weights


class Site(Enum):
    """Where activations pass: into the first layer, between layers, out of the last."""

    input = "input"
    between = "between"
    output = "output"


@dataclass
class Update:
    """One optimizer step as the gradient's regularizers see it; all tensors are (K,)."""

    norm: Tensor  # of the gradient before anything changed it
    learning_rate: Tensor
    decoupled: bool  # whether the optimizer's own weight decay is decoupled (AdamW)
    clipped: Tensor = field(init=False)  # bool: whether clipping changed the gradient

    def __post_init__(self) -> None:
        self.clipped = torch.zeros_like(self.norm, dtype=torch.bool)


@dataclass
class Regularizer(Settings):
    """Base of all techniques. Class defaults are neutral: exactly the identity."""

    source: ClassVar[str] = ""  # the paper

    def initialize(self, weights: Weights, noise: Noise) -> None:
        """Fill the weights in place before training."""

    def transform_activations(self, site: Site, layer: int, x: Tensor, noise: Noise) -> Tensor:
        """Training only: new activations (K, T, B, D), or (K, B, D) behind the last state."""
        return x

    def penalty(self, weights: Weights) -> Tensor | None:
        """A term (K,) added to each run's loss, or None."""
        return None

    def transform_gradients(self, weights: Weights, update: Update) -> None:
        """Change ``weights.gradient`` (K, P) in place before the optimizer's step."""

    def before_step(self, weights: Weights, update: Update) -> None:
        """Change ``weights.flat`` (K, P) in place before the optimizer's step."""

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
    """Which runs made ``choice``: bool (K,) on the device of ``like``."""
    return torch.tensor([own is choice for own in choices], device=like.device)

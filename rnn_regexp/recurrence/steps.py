"""Where the rows of a step lie: the same number at every step, or fewer and fewer.

The scans work on arrays of either kind; ``each`` gives one view a step.  States are kept with those
before the first step in front, ``lead`` entries of dimension 1.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class Even(NamedTuple):
    """Each of T steps has B rows; arrays are (K, T, B, ...), masks may be (K, 1, B, ...)."""

    T: int
    B: int

    @property
    def lead(self) -> int:
        return 1

    @property
    def sizes(self) -> list[int]:
        """The rows of each step."""
        return [self.B] * self.T

    def each(self, x: Tensor) -> Sequence[Tensor]:
        """(K, B, ...) at each step."""
        return x.unbind(1)

    def first(self, x: Tensor) -> Tensor:
        """(K, B, ...) at the first step."""
        return x[:, 0]

    def start(self, hs: Tensor) -> Tensor:
        """The states before the first step, (K, B, H)."""
        return hs[:, 0]

    def masks(self, mask: Tensor | None) -> Sequence[Tensor | None]:
        """The mask of each step, None at each where there is none."""
        if mask is None:
            return [None] * self.T
        return mask.expand(-1, self.T, *mask.shape[2:]).unbind(1)

    def begin(self, h: Tensor) -> Tensor:
        """Room for the states at steps 0 ... T, the first in place."""
        K, B, H = h.shape
        hs = h.new_empty(K, self.T + 1, B, H)
        hs[:, 0] = h
        return hs

    def states(self, hs: Tensor) -> Sequence[Tensor]:
        """The states at steps 0 ... T."""
        return hs.unbind(1)

    def previous(self, hs: Tensor) -> Sequence[Tensor]:
        """What each step continues, (K, B, H)."""
        return hs.unbind(1)[:-1]

    def before(self, hs: Tensor) -> Tensor:
        """``previous`` in one array."""
        return hs[:, :-1]

    def rows(self, x: Tensor) -> Sequence[Tensor]:
        """Of x (K, B, ...) what each step concerns."""
        return [x] * self.T


class Packed(NamedTuple):
    """Step t has the first n_t of B rows, n_t <= n_{t-1}; arrays are (K, N, ...), N = sum n_t."""

    sizes: list[int]
    B: int

    @property
    def lead(self) -> int:
        return self.B

    def each(self, x: Tensor) -> Sequence[Tensor]:
        """(K, n_t, ...) at each step."""
        return x.split(self.sizes, dim=1)

    def first(self, x: Tensor) -> Tensor:
        """(K, n_0, ...) at the first step."""
        return x[:, : self.sizes[0]]

    def start(self, hs: Tensor) -> Tensor:
        """The states before the first step, (K, B, H)."""
        return hs[:, : self.B]

    def masks(self, mask: Tensor | None) -> Sequence[Tensor | None]:
        """The mask of each step, None at each where there is none."""
        return [None] * len(self.sizes) if mask is None else self.each(mask)

    def begin(self, h: Tensor) -> Tensor:
        """Room for the states at steps 0 ... T, the first in place."""
        K, B, H = h.shape
        hs = h.new_empty(K, B + sum(self.sizes), H)
        hs[:, :B] = h
        return hs

    def states(self, hs: Tensor) -> Sequence[Tensor]:
        """The states at steps 0 ... T."""
        return hs.split([self.B, *self.sizes], dim=1)

    def previous(self, hs: Tensor) -> Sequence[Tensor]:
        """What each step continues, (K, n_t, H)."""
        return [own[:, :n] for own, n in zip(self.states(hs), self.sizes, strict=False)]

    def before(self, hs: Tensor) -> Tensor:
        """``previous`` in one array."""
        return torch.cat(list(self.previous(hs)), dim=1)

    def rows(self, x: Tensor) -> Sequence[Tensor]:
        """Of x (K, B, ...) what each step concerns."""
        return [x[:, :n] for n in self.sizes]


Steps = Even | Packed

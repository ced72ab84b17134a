"""The weights of K runs in one flat tensor, with a named view for each parameter.

One row a run: norms, clipping, decay and the optimizer's update are a few operations on (K, P),
and freezing, copying or selecting runs is indexing rows.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

import torch
from torch import Tensor

_ALIGNMENT = 16  # elements: every parameter starts on a cache line, as a tensor of its own would


class Kind(Enum):
    """What a parameter is, in the survey's terms: W_hx, W_hh, W_yh; biases; embedding; gains."""

    input_hidden = "W_hx"
    hidden_hidden = "W_hh"
    hidden_output = "W_yh"
    bias = "b"
    embedding = "E"
    gain = "g"


@dataclass(frozen=True)
class Spec:
    """Name, shape and role of one parameter of one run.

    ``gates`` blocks of equal height are stacked in the first dimension (LSTM 4: i, f, g, o;
    GRU 3: r, z, n), as torch stacks them.  ``fan`` is the n of torch's default start,
    U(-1/sqrt(n), 1/sqrt(n)).
    """

    name: str
    shape: tuple[int, ...]
    kind: Kind
    gates: int = 1
    fan: int = 1

    @property
    def size(self) -> int:
        return math.prod(self.shape)


class Weights(Mapping[str, Tensor]):
    """Parameters (K, *shape) by name, each a leaf of autograd and a view of ``flat``."""

    def __init__(self, specs: tuple[Spec, ...], flat: Tensor) -> None:
        self.specs = specs
        self.flat = flat  # (K, P)
        self.gradient = torch.zeros_like(flat)  # (K, P)
        self._leaves = {n: leaf.requires_grad_() for n, leaf in self._views(flat)}
        self.gradients = dict(self._views(self.gradient))  # (K, *shape) by name, views

    @classmethod
    def zeros(
        cls, specs: tuple[Spec, ...], runs: int, dtype: torch.dtype, device: torch.device
    ) -> "Weights":
        """Weights of ``runs`` runs, all zero."""
        return cls(specs, torch.zeros(runs, total(specs), dtype=dtype, device=device))

    def __getitem__(self, name: str) -> Tensor:
        return self._leaves[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._leaves)

    def __len__(self) -> int:
        return len(self._leaves)

    @property
    def runs(self) -> int:
        return len(self.flat)

    def of(self, *kinds: Kind) -> Iterator[tuple[Spec, Tensor]]:
        """Specs and tensors of the given kinds, in order."""
        return ((spec, self[spec.name]) for spec in self.specs if spec.kind in kinds)

    def differentiate(self, losses: Tensor) -> None:
        """Fill ``gradient`` with that of each run's own loss, ``losses`` (K,)."""
        gradients = torch.autograd.grad(losses.sum(), list(self.values()), materialize_grads=True)
        for view, gradient in zip(self.gradients.values(), gradients, strict=True):
            view.copy_(gradient)

    def at(self, flat: Tensor) -> dict[str, Tensor]:
        """Other values ``flat`` (K, P) of the same parameters, by name."""
        return dict(self._views(flat))

    def select(self, rows: Tensor) -> "Weights":
        """A copy with the runs ``rows`` alone."""
        return Weights(self.specs, self.flat.detach()[rows].clone())

    def _views(self, flat: Tensor) -> Iterator[tuple[str, Tensor]]:
        for spec, start in offsets(self.specs):
            yield spec.name, flat[:, start : start + spec.size].view(-1, *spec.shape)


def offsets(specs: tuple[Spec, ...]) -> Iterator[tuple[Spec, int]]:
    """Each parameter with the column of the flat tensor at which it starts."""
    start = 0
    for spec in specs:
        yield spec, start
        start += -(-spec.size // _ALIGNMENT) * _ALIGNMENT


def total(specs: tuple[Spec, ...]) -> int:
    """Columns of the flat tensor."""
    return sum(-(-spec.size // _ALIGNMENT) * _ALIGNMENT for spec in specs)

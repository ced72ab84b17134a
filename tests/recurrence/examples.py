"""Random layers, states, lengths and noise for the agreement grid."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from rnn_regexp import compiler
from rnn_regexp.recurrence.backends import Backend
from rnn_regexp.recurrence.cells import Cell, LayerWeights, State
from rnn_regexp.recurrence.layer import carried
from rnn_regexp.recurrence.perturbation import RecurrentNoise

T, B, D, H = 6, 4, 3, 5
LENGTHS = (6, 1, 4, 2)  # a permutation of them for each run
BY_NUMBA = [Backend.cpu] if compiler.ready(torch.device("cpu")) else []
BY_HAND = [Backend.scan, *BY_NUMBA]  # whose backward passes were derived by hand


@dataclass
class Example:
    """The leaves of one layer; ``lengths`` (K, B)."""

    cell: Cell
    inputs: Tensor
    states: tuple[State, ...]  # of each direction
    weights: tuple[LayerWeights, ...]
    lengths: Tensor

    def to(self, device: str) -> "Example":
        """The same on another device."""

        def moved(leaves: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            return tuple(leaf.detach().to(device).requires_grad_() for leaf in leaves)

        (inputs,), lengths = moved((self.inputs,)), self.lengths.to(device)
        states, weights = tuple(map(moved, self.states)), tuple(map(moved, self.weights))
        return Example(self.cell, inputs, states, weights, lengths)

    @property
    def leaves(self) -> list[Tensor]:
        return [self.inputs, *sum(self.states, ()), *sum(self.weights, ())]

    def gradients(self, results: list[Tensor]) -> list[Tensor]:
        """Of a sum in which every element of the results has its own weight."""
        generator = torch.Generator().manual_seed(3)
        parts = [
            (r * torch.randn(r.shape, generator=generator, dtype=torch.float64).to(r)).sum()
            for r in results
        ]
        total = sum(parts[1:], parts[0])
        return list(
            torch.autograd.grad(total, self.leaves, allow_unused=True, materialize_grads=True)
        )


def example(
    cell: Cell, runs: int, directions: int = 1, inputs: int = D, dtype: torch.dtype = torch.float64
) -> Example:
    generator = torch.Generator().manual_seed(7)

    def leaf(*shape: int, scale: float = 1.0) -> Tensor:
        values = scale * torch.randn(runs, *shape, generator=generator, dtype=torch.float64)
        return values.to(dtype).requires_grad_()

    states, weights = [], []
    for _ in range(directions):
        states.append(tuple(leaf(B, H) for _ in range(cell.states)))
        G = cell.gates * H
        matrices = leaf(G, inputs, scale=0.6), leaf(G, H, scale=0.5 * (5 / H) ** 0.5)
        weights.append((*matrices, leaf(G, scale=0.3), leaf(G, scale=0.3)))
    lengths = torch.stack([torch.tensor(LENGTHS).roll(k) for k in range(runs)])
    return Example(cell, leaf(T, B, inputs), tuple(states), tuple(weights), lengths)


def drawn(cell: Cell, runs: int, seed: int = 11) -> dict[str, RecurrentNoise]:
    """Every kind of noise that the cell has, each alone, and all that go together at once."""
    generator = torch.Generator().manual_seed(seed)

    def uniform(*shape: int) -> Tensor:
        return torch.rand(runs, *shape, generator=generator, dtype=torch.float64)

    def mask(*shape: int) -> Tensor:
        return (uniform(*shape) >= 0.4).double() / 0.6

    G = cell.gates
    kinds = {
        "h tied fixed": {"h": mask(1, B, 1, H)},
        "h tied per step": {"h": mask(T, B, 1, H)},
        "state per step": {"state": mask(T, B, H)},
        "state fixed": {"state": mask(1, B, H)},
        "zoneout_h": {"zoneout_h": (uniform(T, B, H) < 0.4).double()},
        "zoneout_h expected": {"zoneout_h": torch.full((runs, 1, B, H), 0.4).double()},
    }
    if G > 1:
        kinds["h per gate fixed"] = {"h": mask(1, B, G, H)}
        kinds["h per gate per step"] = {"h": mask(T, B, G, H)}
        kinds["candidate per step"] = {"candidate": mask(T, B, H)}
        kinds["candidate fixed"] = {"candidate": mask(1, B, H)}
    if cell.states > 1:
        kinds["cell fixed"] = {"cell": mask(1, B, H)}
        kinds["cell per step"] = {"cell": mask(T, B, H)}
        kinds["zoneout_c"] = {"zoneout_c": (uniform(T, B, H) < 0.4).double()}
        kinds["zoneout_c expected"] = {"zoneout_c": uniform(1, B, H)}
    together = {name: tensor for kind in kinds.values() for name, tensor in kind.items()}
    return {name: RecurrentNoise(**k) for name, k in (kinds | {"all": together}).items()}


def computed(
    own: Example,
    backend: Backend,
    noise: tuple[RecurrentNoise | None, ...],
    ragged: bool = True,
) -> list[Tensor]:
    """Outputs, last states and the gradients of all leaves."""
    lengths = own.lengths if ragged else None
    outputs, lasts = carried(own.cell, own.inputs, lengths, own.weights, own.states, backend, noise)
    if ragged:  # what stands on padding is nobody's business
        steps = own.inputs.new_ones(outputs.shape[1]).cumsum(0)[:, None]
        outputs = outputs * (steps <= own.lengths[:, None])[..., None]
    results = [outputs, *sum(lasts, ())]
    return results + own.gradients(results)


def close(found: list[Tensor], wanted: list[Tensor], tolerance: float = 1e-10) -> None:
    """Every tensor within the tolerance, and none empty, infinite or nan."""
    assert len(found) == len(wanted) > 0
    for index, (a, b) in enumerate(zip(found, wanted)):
        assert torch.isfinite(b).all()
        torch.testing.assert_close(
            a, b, rtol=tolerance, atol=tolerance, msg=lambda m, i=index: f"tensor {i}: {m}"
        )


Computed = Callable[[Example], tuple[list[Tensor], list[Tensor]]]  # results, gradients

"""Mean and variance over the sequences of a batch, at each time step, and over the population."""

import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad

SMALL = 1e-5

Columns = Mapping[str, slice]  # where a part stands among the N numbers of a step


@dataclass(frozen=True, eq=False)
class Population:
    """What is known of one place: ``mean`` and ``variance`` (K, S, N) of each of S steps.

    ``count`` (K, S) is the number of batches that told of a step.  Those that are known come
    first, for a sequence that reaches a step has been at all steps before.
    """

    mean: Tensor
    variance: Tensor
    count: Tensor

    def at(self, t: int, columns: slice) -> tuple[Tensor, Tensor]:
        """Mean and variance (K, N) of step t, or of the last known one."""
        known = (self.count > 0).sum(dim=1)  # (K,)
        slot = (known - 1).clamp(0, t)
        runs = torch.arange(len(slot), device=slot.device)
        return self.mean[runs, slot, columns], self.variance[runs, slot, columns]

    def absorb(self, batch: "ByBatch", momentum: Tensor, moves: Tensor) -> None:
        """Take over a batch's moments for the runs that move, bool (K,)."""
        S, several = self.count.shape[1], batch.several  # (K, T)
        number = _slots(several.to(self.mean)[..., None], S)  # (K, S, 1) batches' steps
        told = (number[..., 0] > 0) & moves[:, None]
        self.count.add_(told)
        rate = torch.maximum(momentum.to(self.count)[:, None], 1 / self.count.clamp_min(1))
        for own, new in zip((self.mean, self.variance), batch.moments(), strict=True):
            told_of = _slots(new * several[..., None], S) / number.clamp_min(1)
            own.copy_(own.lerp(told_of, rate[..., None]).where(told[..., None], own))


def _slots(steps: Tensor, S: int) -> Tensor:
    """The sums of (K, T, N) in S slots, where the last has all further steps: (K, S, N)."""
    steps = pad(steps, (0, 0, 0, max(0, S - steps.shape[1])))
    return torch.cat((steps[:, : S - 1], steps[:, S - 1 :].sum(dim=1, keepdim=True)), dim=1)


class ByPopulation:
    """Normalizes each part (K, B, N), step after step, by the population's moments.

    ``valid`` (K, T, B) says which steps are no padding, on which the result is 0: states that
    went on there could grow without bound.
    """

    def __init__(self, population: Population, columns: Columns, valid: Tensor) -> None:
        self.population, self.columns, self.valid = population, columns, valid
        self.t: dict[str, Iterator[int]] = defaultdict(itertools.count)

    def __call__(self, part: str, a: Tensor) -> Tensor:
        t = next(self.t[part])
        mean, variance = self.moments_at(t, part, a)  # (K, N) each
        normal = (a - mean[:, None]) * torch.rsqrt(variance + SMALL)[:, None]
        return normal.where(self.valid[:, t, :, None], 0)

    def moments_at(self, t: int, part: str, a: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and variance (K, N) by which step t is normalized."""
        return self.population.at(t, self.columns[part])


class ByBatch(ByPopulation):
    """Normalizes by the batch's own moments, and keeps them."""

    def __init__(self, population: Population, columns: Columns, valid: Tensor) -> None:
        super().__init__(population, columns, valid)
        self.number = valid.sum(dim=2).to(population.mean)  # (K, T)
        self.several = self.number > 1
        self.share = (valid / self.number.clamp_min(1)[..., None])[..., None]  # (K, T, B, 1)
        self.seen: dict[str, list[tuple[Tensor, Tensor]]] = {part: [] for part in columns}

    def moments_at(self, t: int, part: str, a: Tensor) -> tuple[Tensor, Tensor]:
        mean = (self.share[:, t] * a).sum(dim=1)
        variance = (self.share[:, t] * (a - mean[:, None]).square()).sum(dim=1)
        self.seen[part].append((mean.detach(), variance.detach()))
        several, known = self.several[:, t, None], super().moments_at(t, part, a)
        return mean.where(several, known[0]), variance.where(several, known[1])

    def moments(self) -> tuple[Tensor, Tensor]:
        """Mean, and variance without bias, of all parts at all steps: (K, T, N) each."""
        seen = [own for own in self.seen.values() if own]  # c is not there in every cell
        parts = [[torch.stack(m, dim=1) for m in zip(*own, strict=True)] for own in seen]
        mean, variance = (torch.cat(own, dim=-1) for own in zip(*parts, strict=True))
        unbiased = self.number / (self.number - 1).clamp_min(1)  # (K, T)
        return mean, variance * unbiased[..., None]

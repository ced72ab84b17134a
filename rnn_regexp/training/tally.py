"""What every step changes for each run beside its weights, in tensors on the runs' device."""

import torch
from torch import Tensor

from rnn_regexp.regularizers.base import Update

STEP_METRICS = ("loss", "gradient_norm", "clipped_fraction")  # means over an epoch's steps


class Tally:
    """Who is alive, the steps made, and the sums of the running epoch; all (K,).

    A run whose loss or gradient is not finite is no longer alive: its weights stay as they were
    before that step, nothing more is added up of it, and its neighbours do not notice.  Tensors
    are changed in place and never looked at, so a recorded step changes them too.
    """

    def __init__(self, runs: int, like: Tensor) -> None:
        device = like.device
        self.alive = torch.ones(runs, dtype=torch.bool, device=device)
        self.steps = torch.zeros(runs, dtype=torch.int64, device=device)
        self.diverged_at = torch.zeros_like(self.steps)  # step, counted from 1; 0: it did not
        self.epoch_steps = like.new_zeros(runs)
        self.sums = {name: like.new_zeros(runs) for name in STEP_METRICS}

    def check(self, finite: Tensor) -> None:
        """Freeze the runs for which ``finite`` (K,) does not hold."""
        newly = self.alive & ~finite
        self.diverged_at.copy_(torch.where(newly, self.steps + 1, self.diverged_at))
        self.alive &= finite

    def stepping(self, finite: Tensor, active: Tensor | None = None) -> Tensor:
        """The runs that make the next step, (K,); freezes those that are not ``finite`` (K,)."""
        self.check(finite)
        return self.alive.clone() if active is None else self.alive & active

    def add(self, losses: Tensor, update: Update) -> None:
        """Count one optimizer step's loss, gradient norm and clipping, (K,) each."""
        values = (losses, update.norm, update.clipped)
        for total, value in zip(self.sums.values(), values, strict=True):
            total += torch.where(update.stepping, value, 0)
        self.epoch_steps += update.stepping
        self.steps += update.stepping

    def clear(self) -> None:
        """Begin an epoch."""
        for total in (self.epoch_steps, *self.sums.values()):
            total.zero_()

    def means(self) -> dict[str, Tensor]:
        """The epoch's mean of each metric of a step, (K,)."""
        return {f"train/{name}": total / self.epoch_steps for name, total in self.sums.items()}

    def tensors(self) -> dict[str, Tensor]:
        """All of it by name."""
        own = {name: getattr(self, name) for name in ("alive", "steps", "diverged_at")}
        return own | {"epoch_steps": self.epoch_steps} | self.sums

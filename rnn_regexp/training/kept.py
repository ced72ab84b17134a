"""The weights by which runs are judged, kept at the best epoch and when a run ends."""

import torch
from torch import Tensor

from rnn_regexp.training.cohort import Cohort


class Kept:
    """One row for each run of the whole cohort, with what evaluation needs beside the weights."""

    def __init__(self, cohort: Cohort) -> None:
        self.flat = cohort.judged().detach().clone()  # (K, P)
        self.state = {n: own.clone() for n, own in cohort.regularizers.judged_with().items()}

    @torch.no_grad()
    def put(self, cohort: Cohort, rows: Tensor, which: Tensor) -> None:
        """Take over the runs ``which`` (bool) of a cohort whose runs stand in ``rows`` here."""
        if not which.any():
            return
        self.flat[rows[which]] = cohort.judged()[which]
        for name, own in cohort.regularizers.judged_with().items():
            self.state[name][rows[which]] = own[which]

    def tensors(self) -> dict[str, Tensor]:
        """All of it by name."""
        return {"flat": self.flat, **{f"state.{name}": own for name, own in self.state.items()}}

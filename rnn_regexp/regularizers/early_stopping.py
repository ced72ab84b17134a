"""Early stopping: a run ends when validation no longer improves."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rnn_regexp.fields import per_run
from rnn_regexp.regularizers.base import Regularizer


@dataclass
class EarlyStopping(Regularizer):
    """End a run once ``patience`` epochs have passed without a new best validation loss.

    An epoch is a new best if loss < best - min_delta, as in Keras's callback.  Which weights
    are judged is the study's to say: ``study.evaluate=best`` takes those of the best epoch, by
    validation loss, and ``last`` those with which the run ended.  The epochs that were trained
    are the run's metric ``train/epochs``: stopping is part of what is compared.
    """

    source = "Morgan & Bourlard 1990; Prechelt 1998, section 2 (UP criterion)"

    patience: float = per_run(math.inf, "[1, inf]", strength=True)  # epochs
    min_delta: float = per_run(0.0, "[0, inf)")

    def stops(self, histories: Sequence[Sequence[Mapping[str, float]]]) -> Sequence[bool]:
        pairs = zip(histories, self.patience.tolist(), self.min_delta.tolist(), strict=True)
        return [_epochs_since_best(own, delta) >= patience for own, patience, delta in pairs]


def _epochs_since_best(history: Sequence[Mapping[str, float]], min_delta: float) -> int:
    best, since = math.inf, 0
    for row in history:
        better = row["valid/loss"] < best - min_delta
        best, since = (row["valid/loss"], 0) if better else (best, since + 1)
    return since

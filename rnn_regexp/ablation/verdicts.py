"""The words in which a contrast is judged."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_regexp.ablation.statistics import MANY_SEEDS

HELPS, HURTS, DIVERGED = "helps", "hurts", "diverged"
SAME, UNDECIDED = "no difference", "undecided"  # followed by what is known
IDENTICAL = f"{SAME} (identical pairs)"


@dataclass(frozen=True)
class Evidence:
    """What a verdict rests on besides the numbers of ``effects.csv``; each of shape (C,)."""

    seeds: NDArray[np.int64]  # blocks with a pair
    identical: NDArray[np.bool_]
    equivalent: NDArray[np.bool_]
    more: NDArray[np.int64]  # seeds still needed


def verdict(row: Any, evidence: Evidence, alpha: float, margin: float | None) -> str:
    """``row`` carries a contrast's counts and numbers, and its position as ``Index``.

    A difference that is surely smaller than the margin is no difference, significant or not.
    """
    if row.n_runs and row.n_diverged == row.n_runs:
        return DIVERGED
    if row.n_pairs == 0:
        return f"{UNDECIDED} ({_why_unpaired(row)})"
    if evidence.equivalent[row.Index]:
        return f"{SAME} larger than {margin:g}"
    if evidence.identical[row.Index]:
        return IDENTICAL
    if evidence.seeds[row.Index] == 1:
        return f"{UNDECIDED} (only 1 {'pair' if row.n_pairs == 1 else 'seed'})"
    if row.p_adjusted < alpha:
        return HELPS if row.estimate > 0 else HURTS
    return f"{UNDECIDED} ({_missing(evidence.more[row.Index])})"


def kind(text: str) -> str:
    """A verdict without its detail; ``same`` for no difference."""
    return "same" if text.startswith(SAME) else text.split(" ")[0]


def _why_unpaired(row: Any) -> str:
    if not row.n_runs:
        return "no runs yet"
    return "no baseline run finished" if row.baseline_lost else "no pairs"


def _missing(seeds: int) -> str:
    if seeds > MANY_SEEDS:
        return f"over {MANY_SEEDS} more seeds"
    return f"about {seeds} more seed{'s' if seeds > 1 else ''}"

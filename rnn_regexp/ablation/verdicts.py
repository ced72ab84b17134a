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
    """What a verdict and its note rest on besides the row's numbers; each of shape (C,)."""

    identical: NDArray[np.bool_]
    lost: NDArray[np.int64]  # pairs of which a run has no number
    modelled: NDArray[np.bool_]  # there are no pairs: the additive model's coefficient


def verdict(row: Any, evidence: Evidence, alpha: float, margin: float | None) -> str:
    """``row`` carries a contrast's counts and numbers, and its position as ``Index``.

    A difference that is surely smaller than the margin is no difference, significant or not.
    """
    if row.n_runs and row.n_diverged == row.n_runs:
        return DIVERGED
    if row.n_pairs == 0:
        return f"{UNDECIDED} ({_why_unpaired(row)})"
    if row.p_equivalence < alpha:
        return f"{SAME} larger than {margin:g}"
    if evidence.identical[row.Index]:
        return IDENTICAL
    if row.n_seeds == 1:
        return f"{UNDECIDED} (only 1 {'pair' if row.n_pairs == 1 else 'seed'})"
    if row.p_adjusted < alpha:
        return HELPS if row.estimate > 0 else HURTS
    return f"{UNDECIDED} ({_missing(row.more_seeds)})"


def note(row: Any, evidence: Evidence) -> str:
    """What a row's numbers rest on."""
    total = row.n_pairs + evidence.lost[row.Index]
    if row.n_pairs == 0:
        return "no pairs"
    if evidence.modelled[row.Index]:
        told = "no pairs in this design: coefficient of the additive model"
    elif row.n_pairs < total:
        told = f"among the {row.n_pairs} of {total} pairs that both finished"
    else:
        told = f"{total} pair{'s' if total > 1 else ''}"
    return f"{told}; one seed: no interval" if row.n_seeds == 1 else told


def kind(text: str) -> str:
    """A verdict without its detail; ``same`` for no difference."""
    return "same" if text.startswith(SAME) else text.split(" ")[0]


def _why_unpaired(row: Any) -> str:
    if not row.n_runs:
        return "no runs yet"
    if row.baseline_lost:
        return "no baseline run finished"
    return "no run finished" if row.n_diverged + row.n_failed == row.n_runs else "no pairs"


def _missing(seeds: int) -> str:
    if seeds > MANY_SEEDS:
        return f"over {MANY_SEEDS} more seeds"
    return f"about {seeds} more seed{'s' if seeds > 1 else ''}"

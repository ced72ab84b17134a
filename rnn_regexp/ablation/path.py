"""The greedy ablation path from the baseline to the target of every factor.

At each stage every factor left is flipped by itself, and the flip that stands best is kept:
Fawcett & Hoos 2016, Journal of Heuristics 22, section 3, without racing.  The order credits each
factor with what it adds to those before it.  The winner of a stage is chosen by the same runs that
show its effect, so effects along the path are optimistic.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from rnn_regexp.ablation.blueprint import Blueprint
from rnn_regexp.ablation.design import Axis, Labels, Variant, variant
from rnn_regexp.ablation.selection import Results, selection_metric, standing

Decisions = Sequence[Mapping[str, Any]]  # of each stage so far: the factor whose flip was kept


def candidates(axes: Sequence[Axis], decisions: Decisions) -> dict[str, Variant]:
    """The variants of the stage that follows, by the factor that each one flips."""
    reached = _reached(axes, decisions)
    here, found = variant(reached, axes), dict[str, Variant]()
    for axis in axes:
        flipped = variant({**reached, axis.name: axis.target}, axes)
        if flipped not in (here, *found.values()):  # the same where a factor does not apply
            found[axis.name] = flipped
    return found


def decide(
    made: Blueprint, decisions: Decisions, ids: Mapping[str, Sequence[str]], results: Results
) -> dict[str, Any]:
    """The flip of the last stage that stands best; ``ids`` are each variant's runs."""
    metric, flips = selection_metric(made.study), candidates(made.axes, decisions)
    best = min(flips, key=lambda factor: standing(ids[flips[factor].name], results, metric))
    return {"stage": len(decisions) + 1, "factor": best, "variant": flips[best].name}


def most_variants(factors: int) -> int:
    """How many variants a path can have: the baseline and k + (k - 1) + ... + 1 flips."""
    return 1 + factors * (factors + 1) // 2


def _reached(axes: Sequence[Axis], decisions: Decisions) -> Labels:
    flipped = {decision["factor"] for decision in decisions}
    return {axis.name: axis.target if axis.name in flipped else axis.baseline for axis in axes}

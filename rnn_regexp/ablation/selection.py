"""Choosing among candidates by validation data: trials of nuisance settings, steps of a path."""

import math
from collections.abc import Iterable, Mapping

from rnn_regexp.ablation.metrics import MAX, goal_of, sibling
from rnn_regexp.ablation.study import Study
from rnn_regexp.ledger import FINISHED, RunResult

Results = Mapping[str, RunResult]  # by run id


def selection_metric(study: Study) -> str:
    """The study's metric on validation data: what decides must not be what is reported as test."""
    return sibling(study.primary, "valid")


def standing(run_ids: Iterable[str], results: Results, metric: str) -> tuple[int, float]:
    """Sort key of a candidate, the best first: runs that diverged, then the mean of the others.

    A candidate that loses a run does not win by the runs that it kept.
    """
    ended = [results[run_id] for run_id in run_ids]
    values = [own.metrics[metric] for own in ended if own.status == FINISHED]
    lost = len(ended) - len(values)
    if not values:
        return lost, math.inf
    mean = math.fsum(values) / len(values)
    return lost, -mean if goal_of(metric) == MAX else mean

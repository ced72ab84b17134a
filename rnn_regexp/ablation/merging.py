"""Several studies' runs as one: pooled where their definition agrees, and nowhere else.

A definition is what makes runs comparable: metric, goal, epoch judged, analysis, the base
experiment, the data, and the factors with their settings and baselines. Levels and seeds may
differ: the pool has all of them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

from rnn_regexp.ablation.description import Description, Factor
from rnn_regexp.ablation.inferred import flatten
from rnn_regexp.ablation.runs_table import StudyRuns
from rnn_regexp.ledger import environments

OWN = ("seed",)  # settings of the base that every run has for itself
MOST_TOLD = 3


def pooled(studies: Sequence[StudyRuns]) -> list[StudyRuns]:
    """The studies in their order, each pooled into the first one that it agrees with."""
    found: list[StudyRuns] = []
    for own in studies:
        for place, earlier in enumerate(found):
            if not difference(earlier, own):
                found[place] = _pool(earlier, own)
                break
        else:
            found.append(own)
    return found


def difference(a: StudyRuns, b: StudyRuns) -> str:
    """In what the definitions differ, or which run both have trained anew; empty for nothing."""
    from rnn_regexp.ablation.continuing import differences  # it reads YAML

    one, other = definition(a), definition(b)
    keys = list(dict.fromkeys([*one, *other]))
    lines = [line for key in keys for line in differences(key, one.get(key), other.get(key))]
    lines = lines or list(_doubles(a, b))
    more = f" and {len(lines) - MOST_TOLD} more" if len(lines) > MOST_TOLD else ""
    return "; ".join(lines[:MOST_TOLD]) + more


def definition(runs: StudyRuns) -> dict[str, Any]:
    """All that must agree, by name."""
    study = runs.description
    digests = {own.get("data_digest") for own in environments(runs.results.values())}
    return {
        "design": study.design,
        "metric": study.primary,
        "goal": study.goal,
        "alpha": study.alpha,
        "margin": study.margin,
        "factors": {f.key: f"{f.setting or f.key} around {f.baseline}" for f in study.factors},
        **dict(flatten({"nuisance": study.nuisance})),
        **{key: value for key, value in flatten(study.base) if key not in OWN},
        "data_digest": ", ".join(sorted(filter(None, digests))) or None,
    }


def _doubles(a: StudyRuns, b: StudyRuns) -> Iterator[str]:
    """Runs of one variant and seed that are not the same run."""
    ids = dict(_cells(a))
    for cell, run_id in _cells(b):
        if ids.get(cell, run_id) != run_id:
            levels, seed = ", ".join(cell[:-1]), cell[-1]
            yield f"both have a run of their own for {levels} with seed {seed}"
            return


def _cells(runs: StudyRuns) -> Iterator[tuple[tuple[str, ...], str]]:
    keys = [factor.key for factor in runs.description.factors]
    columns = [runs.table[key].astype(str) for key in (*keys, "seed")]
    yield from zip(zip(*columns, strict=True), runs.table["run_id"], strict=True)


def _pool(a: StudyRuns, b: StudyRuns) -> StudyRuns:
    import pandas as pd

    table = pd.concat([a.table, b.table], ignore_index=True)
    shared = table.duplicated(["run_id", "variant"])
    return dataclasses.replace(
        a,
        description=_description(a.description, b.description),
        table=table[~shared].reset_index(drop=True),
        results={**b.results, **a.results},
        planned=a.planned + b.planned - int(shared.sum()),
        unplanned=a.unplanned + b.unplanned,
    )


def _description(a: Description, b: Description) -> Description:
    factors = tuple(
        dataclasses.replace(own, levels=_levels(own, other))
        for own, other in zip(a.factors, b.factors, strict=True)
    )
    commands = dict.fromkeys(filter(None, (a.command, b.command)))
    seeds = tuple(dict.fromkeys([*a.seeds, *b.seeds]))
    return dataclasses.replace(a, factors=factors, seeds=seeds, command=" && ".join(commands))


def _levels(a: Factor, b: Factor) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*a.levels, *b.levels]))

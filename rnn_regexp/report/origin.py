"""What was run: how much, on what, with which settings, and the words that run it again."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rnn_regexp.ablation.description import Description
from rnn_regexp.ablation.inferred import flatten
from rnn_regexp.ablation.runs_table import StudyRuns
from rnn_regexp.ledger import environments
from rnn_regexp.report.document import (
    LEVEL,
    Chapter,
    Code,
    Column,
    Group,
    Pairs,
    Part,
    Row,
    Table,
    Text,
)
from rnn_regexp.report.numbers import duration

if TYPE_CHECKING:
    import pandas as pd

NAMES = {"revision": "git revision", "data_digest": "data digest", "rnn_regexp": "rnn-regexp"}
FILES = "Every run is in runs.csv and every comparison in effects.csv, beside this report."


def what_was_run(runs: StudyRuns, method: str) -> Chapter:
    """Effort, environment, every setting, and how to run it again."""
    study = runs.description
    parts: list[Part] = [Pairs(effort(runs)), Pairs(provenance(runs))]
    if study.tied:
        told = "; ".join(f"{key} with {', '.join(others)}" for key, others in study.tied.items())
        parts.append(Text(f"Settings that changed together and cannot be told apart: {told}."))
    parts += [Text(line) for line in _conditions(study)]
    parts += [own for own in [_levels(study)] if own.groups]
    aliases = study.fraction.get("aliases", {})
    lines = {str(key): ", ".join(map(str, others)) for key, others in aliases.items()}
    parts.append(Pairs(lines, "What the fraction cannot tell apart"))
    if study.base:
        parts.append(Pairs(dict(flatten(study.base)), "All settings of the base experiment"))
    if study.command:
        parts += [Text("To run it again:"), Code(study.command)]
    parts += [Text(method, "note"), Text(FILES, "note")]
    kept = (part for part in parts if not isinstance(part, Pairs) or part.items)
    return Chapter("What was run", tuple(kept))


def _conditions(study: Description) -> Iterator[str]:
    """When a factor applies at all."""
    for factor in study.factors:
        if factor.when:
            told = (f"{name} is {' or '.join(levels)}" for name, levels in factor.when.items())
            yield f"{factor.key} applies only where {' and '.join(told)}."


def _levels(study: Description) -> Table:
    """What each level sets, where its label does not say so."""
    groups = (
        Group(
            factor.key,
            tuple(
                Row((level, "; ".join(f"{k}={v}" for k, v in flatten(factor.settings[level]))))
                for level in factor.levels
                if level in factor.settings
            ),
        )
        for factor in study.factors
        if factor.settings
    )
    columns = (Column("level", LEVEL), Column("sets"))
    return Table("levels-set", "What each level sets", columns, tuple(groups), folded="The levels")


def provenance(runs: StudyRuns) -> dict[str, str]:
    """Versions, data digest and device of the runs; several values where they differ."""
    found: dict[str, list[str]] = {}
    for environment in environments(runs.results.values()):
        for key, value in environment.items():
            if value and value not in found.setdefault(key, []):
                found[key].append(value)
    named = {NAMES.get(key, key.replace("_", " ")): items for key, items in found.items() if items}
    return {key: _several(items) for key, items in named.items()}


def effort(runs: StudyRuns) -> dict[str, str]:
    """How many runs, on which seeds, in how much time, and when."""
    started = [run.started for run in runs.results.values() if run.started]
    when = datetime.datetime.fromtimestamp(min(started), datetime.UTC) if started else None
    told = {
        "design": _design(runs.description),
        "runs": f"{len(runs.table)} of {runs.planned}",
        "seeds": seeds(runs.description),
        **_cost(runs.table),
        "started": f"{when:%Y-%m-%d %H:%M} UTC" if when else "",
    }
    return {key: value for key, value in told.items() if value}


def _design(study: Description) -> str:
    """The design, and of a fraction its resolution and defining words."""
    name, found = study.design.replace("_", " "), study.fraction
    if not found.get("resolution"):
        return name
    words = ", ".join(map(str, found.get("words", [])))
    return f"{name}, resolution {found['resolution']}{f', defined by {words}' if words else ''}"


def seeds(study: Description) -> str:
    """The seeds one by one, or where they begin and end."""
    known = study.seeds
    whole = all(isinstance(seed, int) for seed in known)  # a table's blocks may be texts
    if whole and len(known) > 12 and list(known) == list(range(known[0], known[-1] + 1)):
        return f"{known[0]} to {known[-1]} ({len(known)} seeds)"
    return _several([str(seed) for seed in known], 20)


def _cost(table: pd.DataFrame) -> dict[str, str]:
    """Training time where the runs have it."""
    if "seconds" not in table.columns:
        return {}
    spent = table["seconds"].dropna()
    total, each = float(spent.sum()), float(spent.mean()) if len(spent) else 0.0
    if not total:
        return {}
    return {"training time, sum over runs": duration(total), "mean of a run": f"{each:.3g} s"}


def _several(items: list[str], most: int = 3) -> str:
    rest = f" and {len(items) - most} more" if len(items) > most else ""
    return ", ".join(map(str, items[:most])) + rest

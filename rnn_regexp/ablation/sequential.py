"""Seeds that are added while verdicts are open, with the error rate still controlled.

At look k a share of alpha is spent, alpha_k = A(t_k) - A(t_(k-1)), t_k being the seeds so far as a
part of the most there can be, and A(t) = alpha ln(1 + (e - 1) t): the spending function of Lan and
DeMets (1983), Biometrika 70, of Pocock's type. What is decided at a look, its corrected p-value
being below alpha_k, stays decided. The shares add up to alpha, so the probability of a false
verdict at any look is at most alpha whatever the test: no joint distribution of the looks is
assumed, which few seeds and a t-test would not follow.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rnn_regexp.ablation.contrasts import judged
from rnn_regexp.ablation.description import Description
from rnn_regexp.ablation.verdicts import UNDECIDED, kind

if TYPE_CHECKING:
    import pandas as pd

HALF_WIDTH = "half_width"
LOOKS = "look n_seeds alpha spent".split()


def open_variants(folder: Path, look: int, looks: list[int]) -> list[str]:
    """The names of the variants that want more seeds after ``look`` (1, 2, ...) of ``looks``.

    ``looks`` are the numbers of seeds of each. A variant is open while one of its comparisons is
    undecided or, where the study stops by half-width, while one of its intervals is wider.
    """
    from rnn_regexp.ablation.runs_table import read_study

    runs = read_study(folder)
    study = with_looks(runs.description, looks)
    found = sequential_effects(runs.table, study, [study.primary], look)
    left = found[still_open(found, study)]
    levels = set(zip(left["factor"], left["level"], strict=True))
    keys = [factor.key for factor in study.factors]
    variants = runs.table.drop_duplicates("variant").to_dict("records")
    return [own["variant"] for own in variants if any((key, own[key]) in levels for key in keys)]


def with_looks(study: Description, looks: Sequence[int]) -> Description:
    """The study with these looks, and its own rule when to stop."""
    return dataclasses.replace(study, sequential=study.sequential | {"looks": list(looks)})


def spending(alpha: float, looks: Sequence[int]) -> list[float]:
    """The level of each look; they add up to alpha."""
    spent = [alpha * math.log1p((math.e - 1) * seeds / looks[-1]) for seeds in looks]
    return [after - before for before, after in itertools.pairwise([0.0, *spent])]


def sequential_effects(
    table: pd.DataFrame, study: Description, metrics: list[str], look: int | None = None
) -> pd.DataFrame:
    """The table of effects after ``look``, or after the last that the runs have reached.

    Numbers are those of all seeds so far; ``verdict`` is that of the look which decided, and
    ``note`` names it. ``sim_*`` are repeated confidence intervals (Jennison and Turnbull 1989):
    they hold at all looks together.
    """
    import pandas as pd

    looks = [int(seeds) for seeds in study.sequential["looks"]]
    told, verdicts = pd.Series(dtype=str), pd.Series(dtype=str)
    for k, level in enumerate(
        spending(study.alpha, looks)[: look or _reached(table, study, looks)]
    ):
        rows = table["seed"].isin(study.seeds[: looks[k]])
        found = judged(table[rows], study, metrics, level)
        told, verdicts = told.reindex(found.index, fill_value=""), verdicts.reindex(found.index)
        fresh = (told == "") & (found["verdict"].map(kind) != UNDECIDED)
        told[fresh] = f"; decided at look {k + 1} of {len(looks)}, {looks[k]} seeds"
        verdicts = verdicts.where(~fresh, found["verdict"])
    found["verdict"] = verdicts.where(told != "", found["verdict"])
    found["note"] += told
    return found


def still_open(effects: pd.DataFrame, study: Description) -> pd.Series:
    """Which rows want more seeds."""
    undecided = effects["verdict"].map(kind) == UNDECIDED
    width = study.sequential.get("stop", {}).get(HALF_WIDTH)
    if width is None:
        return undecided
    half = (effects["ci_high"] - effects["ci_low"]) / 2
    return ~(half <= width) & (undecided | half.notna())


def looks_table(study: Description) -> pd.DataFrame:
    """Each look's seeds, its level and the alpha spent up to it: columns ``LOOKS``."""
    import pandas as pd

    looks = [int(seeds) for seeds in study.sequential.get("looks", [])]
    levels = spending(study.alpha, looks)
    rows = zip(range(1, len(looks) + 1), looks, levels, itertools.accumulate(levels), strict=True)
    return pd.DataFrame(list(rows), columns=LOOKS)


def _reached(table: pd.DataFrame, study: Description, looks: Sequence[int]) -> int:
    """The last look that has a run beyond the seeds of the one before."""
    seeds = set(table["seed"])
    used = max((i + 1 for i, seed in enumerate(study.seeds) if seed in seeds), default=1)
    return next((k for k, most in enumerate(looks, 1) if used <= most), len(looks))

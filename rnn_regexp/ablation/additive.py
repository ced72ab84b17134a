"""The additive model of a design's main effects, and what it cannot tell from them: aliases."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from rnn_regexp.ablation.description import Description, Factor
from rnn_regexp.ablation.statistics import Column

if TYPE_CHECKING:
    import pandas as pd

ALIASES = ["factor", "level", "alias", "coefficient"]
_SMALL = 1e-9


def indicators(table: pd.DataFrame, factor: Factor) -> Column:
    """(N, L - 1): one column for each level but the baseline, 1 where a run has it."""
    found, levels = table[factor.key].to_numpy(), np.array(factor.others, dtype=object)
    return np.asarray(found[:, None] == levels, dtype=float)


def additive_weights(table: pd.DataFrame, study: Description) -> Column:
    """(C, N): each contrast's least-squares coefficient as weights of the runs.

    y = constant + sum of the levels' effects. NaN for a contrast that the runs do not determine.
    """
    columns = [indicators(table, factor) for factor in study.factors]
    x = np.concatenate([np.ones((len(table), 1)), *columns], axis=1)
    if not len(table):
        return np.full((x.shape[1] - 1, 0), np.nan)
    inverse = np.linalg.pinv(x)
    known = np.abs(inverse @ x - np.eye(x.shape[1])).max(axis=1) < 1e-6
    return np.where(known[:, None], inverse, np.nan)[1:]


def aliases(table: pd.DataFrame, study: Description) -> pd.DataFrame:
    """What each main effect of the additive model holds besides: columns ``ALIASES``.

    A row says that the estimate of ``factor=level`` is its effect plus ``coefficient`` times the
    interaction ``alias`` (``a=1 × b=2``). It is the alias matrix (X'X)^-1 X'Z of Box and Wilson
    (1951), Z being the products of two factors' indicators, for the variants of ``table``; in
    two-level designs with centred columns that is the textbook's alias structure.
    """
    import pandas as pd

    keys = [factor.key for factor in study.factors]
    variants = table.drop_duplicates(keys)
    columns = {f.key: _centred(variants, f) for f in study.factors}
    x = np.concatenate([np.ones((len(variants), 1)), *columns.values()], axis=1)
    inverse = np.linalg.pinv(x)[1:] if len(variants) else np.zeros((x.shape[1] - 1, 0))
    effects = [(factor, level) for factor in study.factors for level in factor.others]
    rows = []
    for one, other in itertools.combinations(study.factors, 2):
        for (i, a), (j, b) in itertools.product(enumerate(one.others), enumerate(other.others)):
            product = columns[one.key][:, i] * columns[other.key][:, j]
            name = f"{one.key}={a} × {other.key}={b}"
            for (factor, level), weight in zip(effects, inverse @ product, strict=True):
                if abs(weight) > _SMALL and factor.key not in (one.key, other.key):
                    rows.append((factor.key, level, name, round(float(weight), 6)))
    found = pd.DataFrame(rows, columns=ALIASES)
    order = {key: place for place, key in enumerate(keys)}
    return found.sort_values(
        "factor", key=lambda keyed: keyed.map(order), kind="stable"
    ).reset_index(drop=True)


def _centred(table: pd.DataFrame, factor: Factor) -> Column:
    """Indicators as +1 and -1: in a two-level design the columns of the textbooks."""
    return 2 * indicators(table, factor) - 1

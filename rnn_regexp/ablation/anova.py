"""Analysis of variance of a study with seeds as blocks: sums of squares of main effects and pairs.

Type II: a term is judged beside all others that do not contain it, so that unequal numbers of runs
and missing cells have a defined result, and a complete design that of every textbook. Seeds are
taken out first, by centring within each seed (Frisch and Waugh 1933).
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rnn_regexp.ablation.additive import indicators
from rnn_regexp.ablation.description import Description
from rnn_regexp.ablation.pairing import values
from rnn_regexp.ablation.statistics import Column

if TYPE_CHECKING:
    import pandas as pd

Term = tuple[str, ...]  # one factor, or two for their interaction
MOST_COLUMNS = 1500  # of the interactions together; beyond it a table of pairs helps nobody
_RANK = 1e-9  # relative size of a direction that counts


@dataclass(frozen=True)
class Layout:
    """The finished runs of a study, seed by seed, as cross products of centred columns.

    Of a resample in which seed s stands w[s] times, each is w @ the array.
    """

    terms: list[Term]
    columns: dict[Term, NDArray[np.int64]]  # of the cross products
    gram: Column  # (S, P, P)
    moment: Column  # (S, P)
    square: Column  # (S,): of the values centred within their seed
    count: Column  # (S,): runs
    total: Column  # (S,): sum of the values
    raw: Column  # (S,): sum of their squares

    def where(self, terms: Sequence[Term]) -> NDArray[np.int64]:
        """The columns of ``terms``."""
        found = [self.columns[term] for term in terms]
        return np.concatenate(found) if found else np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class Line:
    """A term's line in the table of the analysis of variance."""

    term: Term
    df: int
    squares: float


def layout(table: pd.DataFrame, study: Description) -> Layout:
    """The cross products of the primary metric with all main effects and two-way interactions.

    An interaction enters where the runs can tell it from all other terms: in a fraction of a
    factorial it may be an alias of another, and one at a time there is none.
    """
    metric = values(table, [study.primary])[study.primary]
    rows = table[metric.notna()]
    y = metric[metric.notna()].to_numpy()
    blocks = _blocks(rows, study)
    edges = np.cumsum([0, *(block.shape[1] for block in blocks.values())])
    columns = {
        t: np.arange(*edge) for t, edge in zip(blocks, itertools.pairwise(edges), strict=True)
    }
    x = np.concatenate([np.zeros((len(rows), 0)), *blocks.values()], axis=1)
    p = x.shape[1]
    shapes: list[tuple[int, ...]] = [(p, p), (p,), (), (), (), ()]
    parts = [_of_seed(x[of], y[of]) for of in _by_seed(rows)]
    stacked = [np.array([part[i] for part in parts]).reshape(-1, *s) for i, s in enumerate(shapes)]
    found = Layout(list(blocks), columns, *stacked)
    return dataclasses.replace(found, terms=_separable(found))


def explained(gram: Column, moment: Column, columns: NDArray[np.int64]) -> tuple[Column, int]:
    """Sum of squares that ``columns`` explain, for cross products (..., P, P), and their rank."""
    if not len(columns):
        return np.zeros(moment.shape[:-1]), 0
    inside, target = gram[..., columns[:, None], columns], moment[..., columns]
    scale, vectors = np.linalg.eigh(inside)
    kept = scale > _RANK * np.maximum(scale[..., -1:], np.finfo(float).tiny) * len(columns)
    along = np.einsum("...pq,...p->...q", vectors, target)
    squares = np.where(kept, along**2 / np.where(kept, scale, 1.0), 0.0).sum(axis=-1)
    return squares, int(kept.sum(axis=-1).max(initial=0))


def type_two(found: Layout) -> list[Line]:
    """Each term's degrees of freedom and sum of squares."""
    weights = np.ones(len(found.count))
    squares = term_squares(found, weights[None])
    return [
        Line(term, df, float(own[0])) for term, (own, df) in zip(found.terms, squares, strict=True)
    ]


def term_squares(found: Layout, weights: Column) -> list[tuple[Column, int]]:
    """Type II sums of squares (R,) of every term, and its df, for R weightings of the seeds."""
    gram = np.einsum("rs,spq->rpq", weights, found.gram)
    moment = weights @ found.moment
    lines = []
    for term in found.terms:
        beside = [o for o in found.terms if o != term and not set(term) <= set(o)]
        without, rank = explained(gram, moment, found.where(beside))
        both, full = explained(gram, moment, found.where([*beside, term]))
        lines.append((np.maximum(both - without, 0.0), full - rank))
    return lines


def _blocks(rows: pd.DataFrame, study: Description) -> dict[Term, Column]:
    """The columns of every term; no interactions where the main effects use up the variants."""
    blocks: dict[Term, Column] = {(f.key,): indicators(rows, f) for f in study.factors if f.others}
    mains, levels = list(blocks.values()), sum(block.shape[1] for block in blocks.values())
    variants = len(rows.drop_duplicates([factor.key for factor in study.factors]))
    pairs = sum(a.shape[1] * b.shape[1] for a, b in itertools.combinations(mains, 2))
    if levels + 1 >= variants or pairs > MOST_COLUMNS:
        return blocks
    for (a,), (b,) in itertools.combinations(list(blocks), 2):
        product = blocks[a,][:, :, None] * blocks[b,][:, None, :]
        if product.any():
            blocks[a, b] = product.reshape(len(rows), -1)
    return blocks


def _separable(found: Layout) -> list[Term]:
    """The main effects, and the interactions that no combination of the other terms stands for."""
    gram, moment = found.gram.sum(axis=0), found.moment.sum(axis=0)
    rank = explained(gram, moment, found.where(found.terms))[1]

    def alone(term: Term) -> bool:
        rest = [other for other in found.terms if other != term]
        return explained(gram, moment, found.where(rest))[1] < rank

    return [term for term in found.terms if len(term) == 1 or alone(term)]


def _by_seed(rows: pd.DataFrame) -> Iterator[NDArray[np.int64]]:
    for _, place in sorted(rows.reset_index(drop=True).groupby("seed").indices.items()):
        yield place


def _of_seed(x: Column, y: Column) -> tuple[Column, ...]:
    """The cross products of one seed's runs, centred."""
    z, centred = x - x.mean(axis=0), y - y.mean()
    numbers = (centred @ centred, float(len(y)), y.sum(), y @ y)
    return (z.T @ z, z.T @ centred, *map(np.asarray, numbers))

"""Analysis of variance of a study with seeds as blocks: sums of squares of main effects and pairs.

Type II: a term is judged beside all others that do not contain it, so that unequal numbers of runs
and missing cells have a defined result, and a complete design that of every textbook. Seeds are
taken out first, by centring within each seed (Frisch and Waugh 1933).
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
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
MOST_COLUMNS = 400  # of the interactions together; beyond it a table of pairs helps nobody
_RANK = 1e-9  # relative size of a direction that counts
_RIDGE = 1e-12  # relative; a resample without some seed may lack a direction


@dataclass(frozen=True)
class Layout:
    """The finished runs of a study, seed by seed, as cross products of centred columns.

    Of a resample in which seed s stands w[s] times, each is w @ the array. Seeds with the same
    variants share their cross products: a complete design has one pattern.
    """

    terms: list[Term]
    columns: dict[Term, NDArray[np.int64]]  # of the cross products
    gram: Column  # (K, P, P): of each pattern of variants
    pattern: Column  # (S, K): 1 for the one of each seed
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
    order = _by_seed(rows, study)
    grams: dict[bytes, Column] = {}
    keys = [x[of].tobytes() for of in order]
    for key, of in zip(keys, order, strict=True):
        grams.setdefault(key, _cross(x[of], x[of]))
    found = Layout(
        terms=list(blocks),
        columns=columns,
        gram=np.array(list(grams.values())).reshape(len(grams), x.shape[1], x.shape[1]),
        pattern=np.array([[float(key == own) for own in grams] for key in keys]).reshape(
            len(order), len(grams)
        ),
        moment=np.array([_cross(x[of], y[of]) for of in order]).reshape(len(order), x.shape[1]),
        square=np.array([_cross(y[of], y[of]) for of in order]),
        count=np.array([float(len(of)) for of in order]),
        total=np.array([y[of].sum() for of in order]),
        raw=np.array([y[of] @ y[of] for of in order]),
    )
    return dataclasses.replace(found, terms=_separable(found))


def explained(
    found: Layout, weights: Column, terms: Sequence[Term], gram: Column | None = None
) -> tuple[Column, int]:
    """Sum of squares (R,) that ``terms`` explain for R weightings of the seeds, and their rank.

    ``gram`` is ``weighted_gram`` of the weightings, where it is at hand.
    """
    columns = independent(found, terms)
    if not len(columns):
        return np.zeros(len(weights)), 0
    target = weights @ found.moment[:, columns]  # (R, P)
    whole = weighted_gram(found, weights) if gram is None else gram
    inside = whole[:, columns[:, None], columns]
    if len(inside) == 1:
        return (target * np.linalg.solve(inside[0], target.T).T).sum(axis=-1), len(columns)
    size = np.maximum(np.trace(inside, axis1=1, axis2=2), 1.0)  # 0: a resample has none of them
    ridge = _RIDGE * size[:, None, None] * np.eye(len(columns))
    solved = np.linalg.solve(inside + ridge, target[..., None])[..., 0]
    return (target * solved).sum(axis=-1), len(columns)


def weighted_gram(found: Layout, weights: Column) -> Column:
    """Cross products (R, P, P) of every weighting; (1, P, P) where all seeds have one pattern."""
    if len(found.gram) == 1:  # every weighting has as many seeds
        return weights[0].sum() * found.gram
    return np.tensordot(weights @ found.pattern, found.gram, 1)


def independent(found: Layout, terms: Sequence[Term]) -> NDArray[np.int64]:
    """Columns of ``terms`` that span them all."""
    from scipy.linalg import qr

    columns = found.where(terms)
    if not len(columns) or not len(found.pattern):
        return columns[:0]
    gram = np.tensordot(found.pattern.sum(axis=0), found.gram[:, columns[:, None], columns], 1)
    triangle, order = qr(gram, mode="r", pivoting=True)
    size = np.abs(np.diag(triangle))
    return np.sort(columns[order[size > _RANK * size[0]]])


def type_two(found: Layout) -> list[Line]:
    """Each term's degrees of freedom and sum of squares."""
    weights = np.ones(len(found.count))
    squares = term_squares(found, weights[None])
    return [
        Line(term, df, float(own[0])) for term, (own, df) in zip(found.terms, squares, strict=True)
    ]


def term_squares(found: Layout, weights: Column) -> list[tuple[Column, int]]:
    """Type II sums of squares (R,) of every term, and its df, for R weightings of the seeds."""
    lines, gram = [], weighted_gram(found, weights)
    for term in found.terms:
        beside = [o for o in found.terms if o != term and not set(term) <= set(o)]
        without, rank = explained(found, weights, beside, gram)
        both, full = explained(found, weights, [*beside, term], gram)
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
    rank = len(independent(found, found.terms))

    def alone(term: Term) -> bool:
        return len(independent(found, [own for own in found.terms if own != term])) < rank

    return [term for term in found.terms if len(term) == 1 or alone(term)]


def _by_seed(rows: pd.DataFrame, study: Description) -> list[NDArray[np.int64]]:
    """The places of each seed's runs, its variants in one order."""
    variant = rows.groupby([factor.key for factor in study.factors], sort=False).ngroup()
    order = np.argsort(variant.to_numpy(), kind="stable")
    seeds = rows["seed"].to_numpy()[order]
    return [order[seeds == seed] for seed in sorted(set(seeds))]


def _cross(a: Column, b: Column) -> Column:
    """Cross products after centring."""
    return np.asarray((a - a.mean(axis=0)).T @ (b - b.mean(axis=0)))

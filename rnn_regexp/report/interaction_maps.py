"""How two factors act together: the primary metric at every pair of their levels."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rnn_regexp.ablation.contrasts import values
from rnn_regexp.ablation.description import Description, Factor
from rnn_regexp.ablation.metrics import MIN, phrase
from rnn_regexp.ablation.wording import short_names, spoken
from rnn_regexp.report.canvas import BLUE, INK, LIGHT, PANEL, VERMILLION, Drawing, canvas, drawn
from rnn_regexp.report.document import LEVEL, NUMBER, Column, Figure, Group, Row, Table
from rnn_regexp.report.latex_text import slug
from rnn_regexp.report.numbers import alike, significant
from rnn_regexp.report.verdict_table import cut

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

MOST_MAPS = 12
MOST_LEVELS = 12  # of one factor; more have no room for numbers


@dataclass(frozen=True)
class Pair:
    """Two factors and the mean of the metric at each pair of levels, (levels a, levels b)."""

    a: Factor
    b: Factor
    means: pd.DataFrame

    @property
    def bend(self) -> float:
        """The largest difference of differences against the baselines: 0 where effects add up."""
        double = (
            self.means.sub(self.means[self.b.baseline], axis=0)
            .sub(self.means.loc[self.a.baseline] - self.means.loc[self.a.baseline, self.b.baseline])
            .abs()
        )
        return float(np.nan_to_num(double.to_numpy()).max())


def interaction_maps(table: pd.DataFrame, study: Description) -> tuple[list[Figure], int]:
    """A map for each pair of crossed factors, the most bent first; and how many were left out."""
    crossed = [pair for pair in _pairs(table, study) if _is_crossed(pair)]
    crossed.sort(key=lambda pair: -pair.bend)
    return [_figure(pair, study) for pair in crossed[:MOST_MAPS]], len(crossed[MOST_MAPS:])


def maps_caption(study: Description, left_out: int) -> str:
    """What the maps show."""
    more = f" {left_out} pairs that bend less are left out." if left_out else ""
    return (
        f"Mean {phrase(study.primary)} at each pair of levels, over seeds and all other factors."
        f" Blue is better than both baselines (bold), orange worse. Crosses: no run finished.{more}"
    )


def _pairs(table: pd.DataFrame, study: Description) -> list[Pair]:
    measured = values(table, [study.primary])[study.primary]
    small = [factor for factor in study.factors if len(factor.levels) <= MOST_LEVELS]
    found = []
    for a, b in itertools.combinations(small, 2):
        means = measured.groupby([table[a.key], table[b.key]]).mean().unstack()
        means = means.reindex(index=list(a.levels), columns=list(b.levels))
        found.append(Pair(a, b, means))
    return found


def _is_crossed(pair: Pair) -> bool:
    """Whether any run changes both factors, and something can be compared with it."""
    away = pair.means.drop(index=pair.a.baseline, columns=pair.b.baseline)
    return bool(away.notna().to_numpy().any())


def _figure(pair: Pair, study: Description) -> Figure:
    names = short_names([factor.key for factor in study.factors])
    a, b = spoken(names[pair.a.key]), spoken(names[pair.b.key])
    drawing = _drawing(pair, study, (a, b))
    return Figure(
        name=f"interaction-{slug(names[pair.a.key])}-{slug(names[pair.b.key])}",
        title=f"{a} and {b}",
        svg=drawing.svg,
        pdf=drawing.pdf,
        alt=f"Mean {phrase(study.primary)} at each pair of levels of {a} and {b}."
        f" {_corners(pair, study)}",
        numbers=_numbers(pair, study),
    )


def _corners(pair: Pair, study: Description) -> str:
    flat = pair.means.stack().dropna().sort_values(ascending=study.goal == MIN)
    best, worst = flat.index[0], flat.index[-1]
    told = (f"{x}, {y} ({flat[(x, y)]:.4g})" for x, y in (best, worst))
    return "Best at {}, worst at {}.".format(*told)


def _drawing(pair: Pair, study: Description, names: tuple[str, str]) -> Drawing:
    from matplotlib.colors import LinearSegmentedColormap, Normalize

    base = pair.means.loc[pair.a.baseline, pair.b.baseline]
    base = pair.means.stack().mean() if np.isnan(base) else base
    better = (base - pair.means if study.goal == MIN else pair.means - base).to_numpy(dtype=float)
    reach = float(np.nanmax(np.abs(better))) or 1.0
    colors = LinearSegmentedColormap.from_list("change", [VERMILLION, "white", BLUE])
    rows = len(pair.a.levels)
    with canvas(PANEL[0], max(PANEL[1] - 0.4, 0.9 + 0.3 * rows)) as (figure, axes):
        norm = Normalize(-reach, reach)
        axes.imshow(better, cmap=colors, norm=norm, aspect="auto")
        _write(axes, pair, better / reach)
        _label(axes, pair, names)
        return drawn(figure)


def _write(axes: Axes, pair: Pair, strength: np.ndarray) -> None:
    """The mean in each cell; a cross where no run finished."""
    size = 8 if len(pair.b.levels) <= 6 else 6
    means = pair.means.to_numpy(dtype=float)
    for (row, column), text in zip(np.ndindex(means.shape), alike(means.ravel()), strict=True):
        color = "white" if abs(strength[row, column]) > 0.7 else INK
        shown = "×" if text == "-" else text
        axes.text(column, row, shown, ha="center", va="center", fontsize=size, color=color)


def _label(axes: Axes, pair: Pair, names: tuple[str, str]) -> None:
    axes.set_xticks(range(len(pair.b.levels)), [cut(level, 12) for level in pair.b.levels])
    axes.set_yticks(range(len(pair.a.levels)), [cut(level, 14) for level in pair.a.levels])
    crowded = sum(min(len(level), 12) for level in pair.b.levels) > 36
    axes.tick_params(length=0)
    axes.tick_params(axis="x", rotation=25 if crowded else 0)
    axes.set(xlabel=names[1], ylabel=names[0])
    for spine in axes.spines.values():
        spine.set_visible(False)
    places = (
        (axes.get_xticklabels(), pair.b),
        (axes.get_yticklabels(), pair.a),
    )
    for labels, factor in places:
        labels[list(factor.levels).index(factor.baseline)].set_fontweight("bold")
    axes.set_xticks(np.arange(0.5, len(pair.b.levels) - 1), minor=True)
    axes.set_yticks(np.arange(0.5, len(pair.a.levels) - 1), minor=True)
    axes.grid(which="minor", color=LIGHT, linewidth=0.5)
    axes.tick_params(which="minor", length=0)


def _numbers(pair: Pair, study: Description) -> Table:
    columns = (Column("level", LEVEL), *(Column(level, NUMBER) for level in pair.b.levels))
    rows = (Row((str(a), *map(significant, own))) for a, own in pair.means.iterrows())
    title = f"{phrase(study.primary)}: {pair.a.key} down, {pair.b.key} across"
    return Table("interaction", title, columns, (Group("", tuple(rows)),), in_print=False)

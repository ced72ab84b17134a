"""The primary metric at every level of a factor: dose and response, the seeds as points."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rnn_regexp.ablation.contrasts import values
from rnn_regexp.ablation.description import Description, Factor
from rnn_regexp.ablation.metrics import phrase
from rnn_regexp.ledger import FINISHED
from rnn_regexp.report.canvas import BLUE, GREY, INK, LIGHT, PANEL, Drawing, canvas, drawn
from rnn_regexp.report.document import LEVEL, NUMBER, Column, Figure, Group, Row, Table
from rnn_regexp.report.doses import Doses, doses
from rnn_regexp.report.latex_text import slug
from rnn_regexp.report.level_runs import level_runs
from rnn_regexp.report.numbers import significant
from rnn_regexp.report.verdict_table import cut

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

MOST_TICKS = 12
MOST_LINES = 30  # seeds whose points are joined
MOST_POINTS = 2000  # drawn as shapes; more are a picture
STRIP = 0.3  # half the width on which a category's points are spread
OUTLYING = 10.0  # whole range in widths of the middle nine tenths, beyond which it is cut

Limits = tuple[float, float] | None


def levels_figure(
    table: pd.DataFrame, factor: Factor, study: Description, limits: Limits, name: str
) -> Figure:
    """One factor's levels on an axis that suits them."""
    rows = level_runs(table, factor, study)
    by_seed = _by_seed(rows, factor, study)
    lost = (rows["status"] != FINISHED).groupby(rows[factor.key]).sum()
    counts = [int(lost.get(level, 0)) for level in factor.levels]
    drawing = _drawing(by_seed, factor, study, limits, counts)
    return Figure(
        name=f"levels-{slug(name)}",
        title=name,
        svg=drawing.svg,
        pdf=drawing.pdf,
        alt=_words(by_seed, factor, study),
        numbers=_numbers(by_seed, factor, study, counts),
    )


def level_limits(table: pd.DataFrame, study: Description) -> Limits:
    """One range of the primary metric for the panels of all factors, so that they compare.

    Where few values make up most of the range, it ends before them.
    """
    found = values(table, [study.primary])[study.primary].dropna()
    if found.empty or found.min() == found.max():
        return None
    low, high = float(found.min()), float(found.max())
    inner_low, inner_high = found.quantile(0.05), found.quantile(0.95)
    if high - low > OUTLYING * (inner_high - inner_low) > 0:
        low, high = max(low, inner_low), min(high, inner_high)
    edge = 0.05 * (high - low)
    return low - edge, high + edge


def _by_seed(rows: pd.DataFrame, factor: Factor, study: Description) -> pd.DataFrame:
    """Mean of each level (rows) at each seed (columns)."""
    measured = values(rows, [study.primary])[study.primary]
    found = measured.groupby([rows[factor.key], rows["seed"]]).mean().unstack()
    return found.reindex(list(factor.levels))


def _drawing(
    by_seed: pd.DataFrame, factor: Factor, study: Description, limits: Limits, lost: list[int]
) -> Drawing:
    at = doses(factor.levels)
    with canvas(*PANEL) as (figure, axes):
        shown = by_seed.clip(*limits) if limits else by_seed
        width = _spacing(at)
        _seeds(axes, shown, at, width)
        _means(axes, shown.mean(axis=1).to_numpy(), at, width)
        base = at.places[list(factor.levels).index(factor.baseline)]
        axes.axvspan(base - 0.12 * width, base + 0.12 * width, color="#E3E3E3", lw=0, zorder=0)
        ends = min(at.places) - 0.5 * width, max(at.places) + 0.5 * width
        axes.set(ylabel=phrase(study.primary), ylim=limits, xlim=ends)
        _ticks(axes, factor, at)
        _mark_lost(axes, at, lost)
        return drawn(figure)


def _spacing(at: Doses) -> float:
    """The distance of the nearest neighbours, by which widths on the axis are measured."""
    gaps = np.diff(sorted(set(at.places)))
    return float(gaps.min()) if len(gaps) else 1.0


def _seeds(axes: Axes, by_seed: pd.DataFrame, at: Doses, width: float) -> None:
    """A point a seed; joined along numbers, spread within categories."""
    x = np.repeat(np.array(at.places)[:, None], by_seed.shape[1], axis=1)
    if at.scale == "names":
        x = x + width * np.linspace(-STRIP, STRIP, by_seed.shape[1] + 2)[1:-1]
    elif by_seed.shape[1] <= MOST_LINES:
        joined = list(at.joined)
        axes.plot(x[joined], by_seed.to_numpy()[joined], color=LIGHT, linewidth=0.7, zorder=1)
    many = by_seed.size > MOST_POINTS
    look: dict[str, Any] = {
        "color": GREY,
        "markersize": 3 if many else 4.5,
        "alpha": 0.3 if many else 0.9,
    }
    axes.plot(x.ravel(), by_seed.to_numpy().ravel(), ".", zorder=2, rasterized=many, **look)


def _means(axes: Axes, means: np.ndarray, at: Doses, width: float) -> None:
    places, joined = np.array(at.places), list(at.joined)
    if at.scale == "names":
        axes.hlines(
            means, places - 0.36 * width, places + 0.36 * width, color=BLUE, lw=2.2, zorder=3
        )
        return
    axes.plot(places[joined], means[joined], color=BLUE, linewidth=1.8, zorder=3)
    axes.plot(places, means, "o", color=BLUE, markersize=6, zorder=3)
    for place in at.breaks:
        axes.axvline(place, color=LIGHT, linewidth=0.8, linestyle=(0, (2, 3)), zorder=0)


def _ticks(axes: Axes, factor: Factor, at: Doses) -> None:
    order = sorted(range(len(at.places)), key=lambda i: at.places[i])
    kept = order[:: -(-len(order) // MOST_TICKS)]
    names = [cut(factor.levels[i], 17) for i in kept]
    crowded = sum(map(len, names)) > 36
    axes.set_xticks([at.places[i] for i in kept], names)
    axes.tick_params(axis="x", length=0, rotation=25 if crowded else 0)
    for label, i in zip(axes.get_xticklabels(), kept, strict=True):
        label.set(fontweight="bold" if factor.levels[i] == factor.baseline else "normal")
        if crowded:
            label.set(ha="right", rotation_mode="anchor")
    if at.scale == "log":
        axes.set_xlabel("logarithmic axis", color=GREY, fontsize=7.5, loc="right")


def _mark_lost(axes: Axes, at: Doses, counts: list[int]) -> None:
    """Above each level the number of its runs that diverged or failed."""
    for x, count in zip(at.places, counts, strict=True):
        if count:
            top = axes.get_xaxis_transform()
            text = f"× {count} lost"
            axes.text(x, 1.0, text, transform=top, ha="center", va="bottom", fontsize=8, color=INK)


def _words(by_seed: pd.DataFrame, factor: Factor, study: Description) -> str:
    means = by_seed.mean(axis=1)
    told = ", ".join(f"{level} {means[level]:.4g}" for level in factor.levels)
    return f"Mean {phrase(study.primary)} by level of {factor.key}: {told}."


def _numbers(by_seed: pd.DataFrame, factor: Factor, study: Description, lost: list[int]) -> Table:
    columns = [
        Column("level", LEVEL),
        *(Column(name, NUMBER) for name in ("mean", "sd", "least", "most", "seeds", "lost")),
    ]
    rows = []
    for (level, own), count in zip(by_seed.iterrows(), lost, strict=True):
        present = own.dropna()
        shown = [own.mean(), own.std(), own.min(), own.max()]
        cells = (str(level), *map(significant, shown), str(len(present)), str(count))
        rows.append(Row(cells, level == factor.baseline))
    title = f"{phrase(study.primary)} by level, over seeds"
    return Table("levels", title, tuple(columns), (Group("", tuple(rows)),), in_print=False)

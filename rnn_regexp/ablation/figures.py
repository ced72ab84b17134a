"""Figures as SVG that stands inside a page: text stays text, colours are told apart by everyone."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from rnn_regexp.ablation.contrasts import comparable, each, values
from rnn_regexp.ablation.description import Description, Factor
from rnn_regexp.ablation.metrics import phrase
from rnn_regexp.ablation.verdict_table import cut
from rnn_regexp.ablation.verdicts import kind
from rnn_regexp.ablation.wording import short_names
from rnn_regexp.ledger import FINISHED

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito (2008): distinct with any colour vision; shapes say the same again.
BLUE, VERMILLION, GREY, INK = "#0072B2", "#D55E00", "#6B6B6B", "#1A1A1A"
LOOKS = {
    "helps": (BLUE, "^", BLUE),
    "hurts": (VERMILLION, "v", VERMILLION),
    "same": (INK, "s", "white"),
    "undecided": (GREY, "o", "white"),
    "diverged": (INK, "x", INK),
}
PANEL = (4.0, 2.6)  # inches; two stand side by side, one fills a phone
MOST_ROWS = 60  # of a forest plot
MOST_TICKS = 12
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "rnn_regexp",
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.edgecolor": GREY,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.w_pad": 0.1,
}


@contextmanager
def canvas(width: float, height: float) -> Iterator[tuple[Figure, Axes]]:
    """A figure of one axes in the report's style; leaves the program's own style as it was."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with rc_context(STYLE), warnings.catch_warnings():
        # The viewer's fonts draw the text; the one named here only measures it.
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        figure = Figure(figsize=(width, height))
        FigureCanvasSVG(figure)
        yield figure, figure.add_subplot()


def svg(figure: Figure) -> str:
    """The figure as an ``<svg>`` element without prolog, metadata and ids that pages repeat."""
    text = io.StringIO()
    nothing: dict[str, Any] = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(text, format="svg", metadata=nothing, transparent=True)
    element = text.getvalue()[text.getvalue().index("<svg") :]
    element = re.sub(r'<g id="[^"]*"', "<g", element)
    element = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", element, count=1)
    return re.sub(r'(<svg[^>]*?) height="[^"]*"', r'\1 aria-hidden="true"', element, count=1)


def forest(effects: pd.DataFrame, study: Description) -> tuple[str, int]:
    """Every contrast of the primary metric with its interval; and how many were left out.

    Of more than ``MOST_ROWS`` contrasts, the largest are shown.
    """
    judged = effects[effects["metric"] == study.primary]
    largest = judged["estimate"].abs().sort_values(ascending=False).index[:MOST_ROWS]
    shown = judged[judged.index.isin(largest)]
    groups = list(shown.groupby("factor", sort=False))
    lines = len(shown) + 1.6 * len(groups)
    with canvas(4.5, 0.7 + 0.2 * lines) as (figure, axes):
        axes.set_ylim(1 - lines, 0.6)
        axes.axvline(0, color=INK, linewidth=0.8, zorder=0)
        _forest_rows(axes, groups, short_names([factor.key for factor in study.factors]))
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(f"change in {phrase(study.primary)}, positive is better")
        axes.margins(x=0.04)
        axes.locator_params(axis="x", nbins=6)
        return svg(figure), len(judged) - len(shown)


def _forest_rows(axes: Axes, groups: list[Any], names: dict[str, str]) -> None:
    position, ticks = 0.0, []
    for key, rows in groups:
        base = cut(rows["baseline_level"].iloc[0], 14)
        ticks.append((position, f"{cut(names[key], 22)}  vs {base}", "bold"))
        for row in each(rows):
            position -= 1
            ticks.append((position, cut(row.level, 18), "normal"))
            _forest_row(axes, position, row)
        position -= 1.6
    axes.set_yticks([y for y, _, _ in ticks], [text for _, text, _ in ticks])
    axes.tick_params(axis="y", length=0)
    for label, (_, _, weight) in zip(axes.get_yticklabels(), ticks, strict=True):
        label.set_fontweight(weight)


def _forest_row(axes: Axes, y: float, row: Any) -> None:
    edge, marker, face = LOOKS[kind(row.verdict)]
    axes.axhline(y, color="#E6E6E6", linewidth=0.6, zorder=-1)
    if np.isfinite(row.ci_low):
        axes.plot([row.ci_low, row.ci_high], [y, y], color=edge, linewidth=1.6)
    x = row.estimate if np.isfinite(row.estimate) else 0.0
    axes.plot(x, y, marker=marker, color=edge, markerfacecolor=face, markersize=6)


def levels_figure(
    table: pd.DataFrame, factor: Factor, study: Description, limits: tuple[float, float] | None
) -> str:
    """The primary metric at every level: a point and a grey line a seed, the mean in colour."""
    rows, _ = comparable(table, factor, study)
    measured = values(rows, [study.primary])[study.primary]
    by_seed = measured.groupby([rows[factor.key], rows["seed"]]).mean().unstack()
    by_seed = by_seed.reindex(list(factor.levels))
    lost = (rows["status"] != FINISHED).groupby(rows[factor.key]).sum()
    with canvas(*PANEL) as (figure, axes):
        x = np.arange(len(by_seed))
        axes.plot(x, by_seed.to_numpy(), color="#BDBDBD", linewidth=0.7, zorder=1)
        axes.plot(x, by_seed.to_numpy(), ".", color=GREY, markersize=5, zorder=2)
        line = "-o" if ordered(factor) else "o"
        axes.plot(x, by_seed.mean(axis=1), line, color=BLUE, linewidth=1.8, markersize=6, zorder=3)
        base = list(factor.levels).index(factor.baseline)
        axes.axvspan(base - 0.12, base + 0.12, color="#E3E3E3", linewidth=0, zorder=0)
        axes.set(ylabel=phrase(study.primary), ylim=limits, xlim=(-0.4, len(x) - 0.6))
        _level_ticks(axes, factor)
        _mark_lost(axes, [int(lost.get(level, 0)) for level in factor.levels])
        return svg(figure)


def ordered(factor: Factor) -> bool:
    """Whether a line through the levels means something: all of them are numbers, or no limit."""
    return all(re.fullmatch(r"[-+.\de]+|none", level) for level in factor.levels)


def _level_ticks(axes: Axes, factor: Factor) -> None:
    step = -(-len(factor.levels) // MOST_TICKS)
    names = [cut(level, 17) for level in factor.levels[::step]]
    crowded = sum(map(len, names)) > 36
    axes.set_xticks(range(0, len(factor.levels), step), names)
    axes.tick_params(axis="x", length=0, rotation=25 if crowded else 0)
    for label in axes.get_xticklabels() if crowded else []:
        label.set(ha="right", rotation_mode="anchor")


def _mark_lost(axes: Axes, counts: list[int]) -> None:
    """Above each level the number of its runs that diverged or failed."""
    for x, count in enumerate(counts):
        if count:
            at = axes.get_xaxis_transform()
            axes.text(x, 1.0, f"× {count} lost", transform=at, ha="center", va="bottom", fontsize=8)


def level_limits(table: pd.DataFrame, study: Description) -> tuple[float, float] | None:
    """One range of the primary metric for the panels of all factors, so that they compare."""
    found = values(table, [study.primary])[study.primary].dropna()
    if found.empty or found.min() == found.max():
        return None
    edge = 0.05 * (found.max() - found.min())
    return float(found.min() - edge), float(found.max() + edge)

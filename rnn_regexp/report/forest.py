"""The forest plot: every contrast with its interval."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from rnn_regexp.ablation.contrasts import each
from rnn_regexp.ablation.description import Description
from rnn_regexp.ablation.metrics import phrase
from rnn_regexp.ablation.verdicts import kind
from rnn_regexp.ablation.wording import enumeration, short_names
from rnn_regexp.report.canvas import BLUE, GREY, INK, VERMILLION, canvas, drawn
from rnn_regexp.report.document import Figure
from rnn_regexp.report.verdict_table import cut

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

LOOKS = {
    "helps": (BLUE, "^", BLUE),
    "hurts": (VERMILLION, "v", VERMILLION),
    "same": (INK, "s", "white"),
    "undecided": (GREY, "o", "white"),
    "diverged": (INK, "x", INK),
}
COUNTED = {"same": "show no difference"}  # where the verdict itself is no verb
MOST_ROWS = 60
KEY = (
    "Blue triangles up: helps. Orange triangles down: hurts. Hollow circles: undecided."
    " Hollow squares: no difference. Crosses: diverged."
)


def forest(effects: pd.DataFrame, study: Description) -> Figure:
    """Every contrast of the primary metric; of more than ``MOST_ROWS``, the largest."""
    judged = effects[effects["metric"] == study.primary]
    largest = judged["estimate"].abs().sort_values(ascending=False).index[:MOST_ROWS]
    shown = judged[judged.index.isin(largest)]
    confidence = f"{100 * (1 - study.alpha):g} % intervals"
    left_out = len(judged) - len(shown)
    rest = f" The {left_out} smallest of {len(judged)} are left out." if left_out else ""
    drawing = drawn_forest(shown, study)
    return Figure(
        name="forest",
        title="Change against the baseline",
        svg=drawing.svg,
        pdf=drawing.pdf,
        alt=f"Forest plot. {in_words(judged)} The table of verdicts has the numbers.",
        caption=f"Change that each level makes against its factor's baseline, {confidence}; "
        f"positive is better. {KEY}{rest}",
        size="wide",
    )


def in_words(judged: pd.DataFrame) -> str:
    """How many comparisons came out in which way."""
    counts = Counter(kind(text) for text in judged["verdict"])
    told = [f"{counts[name]} {COUNTED.get(name, name)}" for name in LOOKS if counts[name]]
    return f"Of {len(judged)} comparisons, {enumeration(told)}."


def drawn_forest(shown: pd.DataFrame, study: Description) -> Any:
    """The drawing of these contrasts."""
    groups = list(shown.groupby("factor", sort=False))
    lines = len(shown) + 1.6 * len(groups)
    with canvas(4.6, 0.7 + 0.2 * lines) as (figure, axes):
        axes.set_ylim(1 - lines, 0.6)
        axes.axvline(0, color=INK, linewidth=0.8, zorder=0)
        _rows(axes, groups, short_names([factor.key for factor in study.factors]))
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(f"change in {phrase(study.primary)}, positive is better")
        axes.margins(x=0.04)
        axes.locator_params(axis="x", nbins=6)
        return drawn(figure)


def _rows(axes: Axes, groups: list[Any], names: dict[str, str]) -> None:
    position, ticks = 0.0, []
    for key, rows in groups:
        base = cut(rows["baseline_level"].iloc[0], 16)
        ticks.append((position, f"{cut(names[key], 24)}  vs {base}", "bold"))
        for row in each(rows):
            position -= 1
            ticks.append((position, cut(row.level, 22), "normal"))
            _row(axes, position, row)
        position -= 1.6
    axes.set_yticks([y for y, _, _ in ticks], [text for _, text, _ in ticks])
    axes.tick_params(axis="y", length=0)
    for label, (_, _, weight) in zip(axes.get_yticklabels(), ticks, strict=True):
        label.set_fontweight(weight)


def _row(axes: Axes, y: float, row: Any) -> None:
    edge, marker, face = LOOKS[kind(row.verdict)]
    axes.axhline(y, color="#E6E6E6", linewidth=0.6, zorder=-1)
    if np.isfinite(row.ci_low):
        axes.plot([row.ci_low, row.ci_high], [y, y], color=edge, linewidth=1.6)
    x = row.estimate if np.isfinite(row.estimate) else 0.0
    axes.plot(x, y, marker=marker, color=edge, markerfacecolor=face, markersize=6)

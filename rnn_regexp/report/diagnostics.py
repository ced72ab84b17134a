"""What went on inside the network: every ``diagnostics/...`` series of the runs' histories.

A series is called ``diagnostics/<kind>/<rest>``; one kind gives small multiples over epochs, a
panel a variant.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from rnn_regexp.ablation.contrasts import values
from rnn_regexp.ablation.description import Description
from rnn_regexp.ablation.runs_table import StudyRuns
from rnn_regexp.ledger import FINISHED, RunResult
from rnn_regexp.report.canvas import PANEL, SERIES, Drawing, canvas, drawn
from rnn_regexp.report.document import (
    LEVEL,
    NUMBER,
    Chapter,
    Column,
    Figure,
    Group,
    Panels,
    Row,
    Table,
)
from rnn_regexp.report.latex_text import slug
from rnn_regexp.report.learning_curves import Curve, curve
from rnn_regexp.report.numbers import significant
from rnn_regexp.report.verdict_table import cut

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

PREFIX = "diagnostics/"
MOST_LINES = 12  # of one panel
SHAPES = "osv^D<>pXh*d"
WIDE_RANGE = 100.0  # ratio from which on the vertical axis is logarithmic

Lines = dict[str, Curve]  # by the series' name within its kind


def diagnostics(runs: StudyRuns) -> Chapter | None:
    """A row of panels for each kind; None where the runs have none."""
    kinds = kinds_of(runs.results.values())
    if not kinds:
        return None
    chosen = variants_shown(runs.table, runs.description)
    parts = [_panels(runs, kind, names, chosen) for kind, names in kinds.items()]
    return Chapter("Diagnostics", tuple(part for part in parts if part.figures))


def kinds_of(results: Iterable[RunResult]) -> dict[str, list[str]]:
    """Kind -> the full names of its series, numbers in the order of numbers."""
    rows = (row for run in results for row in (*run.history[:1], *run.history[-1:]))
    names = {name for row in rows for name in row if name.startswith(PREFIX)}
    kinds: dict[str, list[str]] = {}
    for name in sorted(names, key=_order):
        kinds.setdefault(name.split("/")[1], []).append(name)
    return kinds


def _order(name: str) -> list[tuple[str, float]]:
    """Sorts ``a/2`` before ``a/10``."""
    parts = re.split(r"(\d+(?:\.\d+)?)", name)
    return [("", float(part)) if i % 2 else (part, 0.0) for i, part in enumerate(parts)]


def variants_shown(table: pd.DataFrame, study: Description) -> list[str]:
    """The baseline, the best and the worst variant, and the one that lost most runs."""
    measured = values(table, [study.primary])[study.primary]
    means = measured.groupby(table["variant"], sort=False).mean()
    baseline = np.ones(len(table), dtype=bool)
    for factor in study.factors:
        baseline &= (table[factor.key] == factor.baseline).to_numpy()
    first = table.loc[baseline, "variant"].iloc[0] if baseline.any() else means.index[0]
    ordered = means.dropna().sort_values(kind="stable").index
    lost = (table["status"] != FINISHED).groupby(table["variant"], sort=False).sum()
    losing = lost[lost > 0].sort_values(ascending=False, kind="stable").index
    shown = [first, *ordered[:1], *ordered[-1:], *losing[:1]]
    return list(dict.fromkeys(map(str, shown)))


def _panels(runs: StudyRuns, kind: str, names: list[str], variants: list[str]) -> Panels:
    found = {variant: _lines(runs, names, variant) for variant in variants}
    found = {variant: lines for variant, lines in found.items() if lines}
    limits, end = _limits(found.values()), _last_epoch(found.values())
    spoken = kind.replace("_", " ")
    figures = []
    for place, (variant, lines) in enumerate(found.items()):
        drawing = _drawing(lines, spoken, limits, end)
        title = f"{spoken}, {variant}"
        words = _words(lines, title)
        name, numbers = f"diagnostics-{slug(kind)}-{place}", _numbers(lines, title)
        figures.append(Figure(name, title, drawing.svg, drawing.pdf, words, numbers=numbers))
    lost = ", the one that lost most runs" if (runs.table["status"] != FINISHED).any() else ""
    left_out = runs.table["variant"].nunique() - len(found)
    more = f" The other {left_out} variants are left out." if left_out else ""
    caption = (
        f"{spoken.capitalize()} over the epochs, means over seeds: the baseline, the best and the"
        f" worst variant{lost}.{more}"
    )
    return Panels(tuple(figures), caption)


def _lines(runs: StudyRuns, names: list[str], variant: str) -> Lines:
    ids = runs.table.loc[runs.table["variant"] == variant, "run_id"]
    own = [runs.results[run_id] for run_id in ids if run_id in runs.results]
    spread = np.linspace(0, len(names) - 1, min(len(names), MOST_LINES)).round().astype(int)
    found = {names[i]: curve(own, names[i], runs.description.alpha) for i in spread}
    kept = {name: line for name, line in found.items() if line is not None}
    return dict(zip(_short(list(kept)), kept.values(), strict=True))


def _short(names: list[str]) -> list[str]:
    """The names without what all of them begin with; the kind where nothing is left."""
    parts = [name.split("/")[2:] for name in names]
    shared = 0
    while len(parts) > 1 and all(len(own) > shared + 1 for own in parts):
        if len({own[shared] for own in parts}) > 1:
            break
        shared += 1
    return [
        "/".join(own[shared:]) or name.split("/")[1] for own, name in zip(parts, names, strict=True)
    ]


def _limits(panels: Iterable[Lines]) -> tuple[float, float, bool] | None:
    """Lowest and highest mean over all panels, and whether the axis is logarithmic."""
    means = [line.mean for lines in panels for line in lines.values()]
    if not means:
        return None
    found = np.concatenate(means)
    found = found[np.isfinite(found)]
    low, high = float(found.min()), float(found.max())
    if low == high:
        return None
    log = low > 0 and high / low > WIDE_RANGE
    edge = (high / low) ** 0.05 if log else 0.05 * (high - low)
    return (low / edge, high * edge, True) if log else (low - edge, high + edge, False)


def _last_epoch(panels: Iterable[Lines]) -> float:
    return max((line.epochs[-1] for lines in panels for line in lines.values()), default=1.0)


def _drawing(
    lines: Lines, label: str, limits: tuple[float, float, bool] | None, end: float
) -> Drawing:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    with canvas(PANEL[0], PANEL[1] + 0.2) as (figure, axes):
        if limits:
            axes.set_yscale("log" if limits[2] else "linear")
            axes.set_ylim(*limits[:2])
        if limits and limits[2]:
            axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axes.yaxis.set_minor_formatter(FuncFormatter(lambda value, _: ""))
        _draw(axes, lines)
        axes.set(xlabel="epoch", ylabel=label)
        axes.set_xlim(right=end + 0.2)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        if len(lines) > 1:
            figure.legend(loc="outside right upper", handlelength=1, fontsize=7.5)
        return drawn(figure)


def _draw(axes: Axes, lines: Lines) -> None:
    """A series of numbers in the colours of a scale, names in colours of their own; with shapes."""
    from matplotlib import colormaps

    numbered = len(lines) > 2 and all(re.search(r"\d$", name) for name in lines)
    scale = colormaps["cividis"](np.linspace(0, 0.9, len(lines)))
    for place, (name, line) in enumerate(lines.items()):
        color = scale[place] if numbered else SERIES[place % len(SERIES)]
        look: dict[str, Any] = {"color": color, "marker": SHAPES[place], "markersize": 3.5}
        dashes = "-" if numbered or place < len(SERIES) else "--"
        every = max(1, len(line.epochs) // 6)
        label = cut(name, 18)
        axes.plot(line.epochs, line.mean, dashes, lw=1.2, markevery=every, label=label, **look)


def _words(lines: Lines, title: str) -> str:
    ends = (f"{name} {line.mean[0]:.3g} to {line.mean[-1]:.3g}" for name, line in lines.items())
    return f"{title}, from the first epoch to the last: {', '.join(ends)}."


def _numbers(lines: Lines, title: str) -> Table:
    epochs = next(iter(lines.values())).epochs
    at = sorted({0, len(epochs) // 4, len(epochs) // 2, 3 * len(epochs) // 4, len(epochs) - 1})
    columns = (Column("series", LEVEL), *(Column(f"epoch {epochs[i]:g}", NUMBER) for i in at))
    rows = (
        Row((name, *(significant(line.mean[i], 3) if i < len(line.mean) else "-" for i in at)))
        for name, line in lines.items()
    )
    return Table("diagnostics", title, columns, (Group("", tuple(rows)),), in_print=False)

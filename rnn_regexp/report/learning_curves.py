"""How training went epoch by epoch: the baseline and each factor's extreme levels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rnn_regexp.ablation.description import Description, Factor
from rnn_regexp.ablation.metrics import MIN, phrase, sibling
from rnn_regexp.ablation.runs_table import StudyRuns
from rnn_regexp.ablation.statistics import paired_t
from rnn_regexp.ledger import FINISHED, RunResult
from rnn_regexp.report.canvas import BLUE, GREY, INK, PANEL, VERMILLION, Drawing, drawn, sheet
from rnn_regexp.report.document import LEVEL, NUMBER, Column, Figure, Group, Row, Table
from rnn_regexp.report.latex_text import slug
from rnn_regexp.report.level_runs import level_runs
from rnn_regexp.report.numbers import significant
from rnn_regexp.report.verdict_table import cut

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

HEIGHTS = (2.2, 1.0)  # of the curves and of the gap below them
COLORS = (INK, BLUE, VERMILLION)  # baseline, best level, worst level


@dataclass(frozen=True)
class Curve:
    """A metric by epoch, with its interval over seeds; each of shape (E,)."""

    epochs: NDArray[np.float64]
    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


@dataclass(frozen=True)
class Course:
    """What one level's runs went through."""

    level: str
    held_out: Curve | None
    training: Curve | None

    def gap(self, goal: str) -> NDArray[np.float64] | None:
        """Held out minus training, epoch by epoch, so that overfitting is positive."""
        if self.held_out is None or self.training is None:
            return None
        difference = self.held_out.mean - self.training.mean
        return difference if goal == MIN else -difference


def curve(runs: Sequence[RunResult], metric: str, alpha: float) -> Curve | None:
    """The mean of ``metric`` over seeds, a seed's runs being averaged first; None without any."""
    by_seed: dict[int, list[NDArray[np.float64]]] = {}
    length = max((len(run.history) for run in runs), default=0)
    for run in runs:
        found = [row.get(metric, np.nan) for row in run.history]
        padded = np.full(length, np.nan)
        padded[: len(found)] = found
        by_seed.setdefault(run.seed, []).append(padded)
    seeds = [_mean(np.array(own)) for own in by_seed.values()]
    if not seeds or not np.isfinite(seeds).any():
        return None
    found_t = paired_t(np.array(seeds), alpha)
    longest = max(runs, key=lambda run: len(run.history))
    epochs = np.array([row.get("epoch", i + 1) for i, row in enumerate(longest.history)], float)
    return Curve(epochs, found_t.mean, found_t.low, found_t.high)


def extremes(effects: pd.DataFrame, factor: Factor, study: Description) -> list[str]:
    """The levels with the largest and the smallest estimate: at most two."""
    rows = effects[(effects["metric"] == study.primary) & (effects["factor"] == factor.key)]
    rows = rows.dropna(subset="estimate").sort_values("estimate", kind="stable")
    return list(dict.fromkeys([*rows["level"].tail(1), *rows["level"].head(1)]))


def curves_figure(
    runs: StudyRuns, factor: Factor | None, levels: list[str], name: str
) -> Figure | None:
    """Validation with its band and training, and the gap between them; None without history."""
    chosen = [factor.baseline if factor else "all runs", *levels]
    courses = [_course(runs, factor, level) for level in chosen]
    if all(course.held_out is None and course.training is None for course in courses):
        return None
    drawing = _drawing(courses, runs.description)
    return Figure(
        name=f"curves-{slug(name)}",
        title=name,
        svg=drawing.svg,
        pdf=drawing.pdf,
        alt=curve_text(courses, runs.description),
        numbers=_numbers(courses, runs),
        size="tall",
    )


def members(runs: StudyRuns, factor: Factor | None, level: str) -> list[RunResult]:
    """The finished runs that stand for a level."""
    table = runs.table
    if factor is not None:
        table = level_runs(table, factor, runs.description)
        table = table[table[factor.key] == level]
    finished = table.loc[table["status"] == FINISHED, "run_id"]
    return [runs.results[run_id] for run_id in finished if run_id in runs.results]


def training_metric(runs: StudyRuns) -> str | None:
    """The study's quantity on training data: evaluated without noise, or else as trained."""
    candidates = [sibling(runs.description.metric, split) for split in ("train_eval", "train")]
    return next((metric for metric in candidates if metric in runs.metrics), None)


def curve_text(courses: Sequence[Course], study: Description) -> str:
    """What the curves show, in words: where validation was best and where it ended."""
    told = []
    for course in courses:
        if course.held_out is not None:
            at, mean = best_of(course.held_out, study.goal), course.held_out.mean
            told.append(
                f"{course.level}: best {mean[at]:.3g} at epoch {course.held_out.epochs[at]:g},"
                f" {mean[-1]:.3g} at the end"
            )
    return f"{phrase(study.metric).capitalize()}: {'; '.join(told)}." if told else ""


def best_of(found: Curve, goal: str) -> int:
    """The place of the best mean."""
    return int(np.nanargmin(found.mean) if goal == MIN else np.nanargmax(found.mean))


def _course(runs: StudyRuns, factor: Factor | None, level: str) -> Course:
    study, own = runs.description, members(runs, factor, level)
    held_out = curve(own, study.metric, study.alpha)
    return Course(level, held_out, curve(own, training_metric(runs) or "", study.alpha))


def _drawing(courses: list[Course], study: Description) -> Drawing:
    from matplotlib.ticker import MaxNLocator

    gaps = [course.gap(study.goal) for course in courses]
    heights = HEIGHTS if any(gap is not None for gap in gaps) else HEIGHTS[:1]
    with sheet(PANEL[0], sum(heights) + 0.5) as figure:
        grid = figure.subplots(len(heights), sharex=True, squeeze=False, height_ratios=heights)
        axes, lowest = grid[0, 0], grid[-1, 0]
        for course, color in zip(courses, COLORS, strict=False):
            _draw(axes, course, color)
        axes.set_ylabel(study.metric.rpartition("/")[2].replace("_", " "))
        axes.margins(x=0.02)
        if len(heights) > 1:
            _draw_gaps(lowest, courses, gaps)
        lowest.set_xlabel("epoch")
        lowest.xaxis.set_major_locator(MaxNLocator(integer=True))
        figure.legend(loc="outside upper left", ncols=3, handlelength=1.2, columnspacing=1)
        return drawn(figure)


def _draw(axes: Axes, course: Course, color: str) -> None:
    found, training, name = course.held_out, course.training, f" {cut(course.level, 16)}"
    if found is not None:
        axes.plot(found.epochs, found.mean, color=color, linewidth=1.5, label=name)
        axes.fill_between(found.epochs, found.low, found.high, color=color, alpha=0.18, linewidth=0)
    if training is not None:
        name = name if found is None else "_"
        axes.plot(training.epochs, training.mean, "--", color=color, linewidth=1.2, label=name)


def _draw_gaps(axes: Axes, courses: list[Course], gaps: list[NDArray[np.float64] | None]) -> None:
    for course, gap, color in zip(courses, gaps, COLORS, strict=False):
        if gap is not None and course.held_out is not None:
            axes.plot(course.held_out.epochs, gap, color=color, linewidth=1.2)
    axes.axhline(0, color=GREY, linewidth=0.6, zorder=0)
    axes.set_ylabel("gap")


def _numbers(courses: list[Course], runs: StudyRuns) -> Table:
    goal, held_out = runs.description.goal, phrase(runs.description.metric)
    training = phrase(training_metric(runs) or "training")
    heads = [f"best {held_out}", "at epoch", f"last {held_out}", f"last {training}", "last gap"]
    columns = (Column("level", LEVEL), *(Column(head, NUMBER) for head in heads))
    rows = [Row((course.level, *_ends(course, goal))) for course in courses]
    title = f"{held_out} and {training} over training, means over seeds"
    return Table("curves", title, columns, (Group("", tuple(rows)),), in_print=False)


def _ends(course: Course, goal: str) -> tuple[str, ...]:
    found, gap = course.held_out, course.gap(goal)
    best = ("-", "-", "-")
    if found is not None:
        at = best_of(found, goal)
        best = (significant(found.mean[at]), f"{found.epochs[at]:g}", significant(found.mean[-1]))
    training = "-" if course.training is None else significant(course.training.mean[-1])
    return (*best, training, "-" if gap is None else significant(gap[-1]))


def _mean(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of the numbers of each column; NaN where there is none."""
    present = np.isfinite(rows)
    total = np.where(present, rows, 0.0).sum(axis=0)
    count = present.sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)

"""How training went epoch by epoch: the baseline and each factor's extreme levels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rnn_regexp.ablation.contrasts import comparable
from rnn_regexp.ablation.description import Description, Factor
from rnn_regexp.ablation.figures import BLUE, INK, PANEL, VERMILLION, canvas, svg
from rnn_regexp.ablation.metrics import phrase, sibling
from rnn_regexp.ablation.runs_table import StudyRuns
from rnn_regexp.ablation.statistics import paired_t
from rnn_regexp.ablation.verdict_table import cut
from rnn_regexp.ledger import FINISHED, RunResult

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Curve:
    """A metric by epoch, with its interval over seeds; each of shape (E,)."""

    epochs: NDArray[np.float64]
    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def curve(runs: list[RunResult], metric: str, alpha: float) -> Curve | None:
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


def curves_figure(runs: StudyRuns, factor: Factor | None, levels: list[str]) -> str:
    """Validation (solid, with its band) and training (dashed) by epoch; "" without history."""
    from matplotlib.ticker import MaxNLocator

    names = [factor.baseline if factor else "all runs", *levels]
    with canvas(PANEL[0], PANEL[1] + 0.2) as (figure, axes):
        for name, color in zip(names, (INK, BLUE, VERMILLION), strict=False):
            _draw(axes, runs, members(runs, factor, name), cut(name, 16), color)
        axes.set(xlabel="epoch", ylabel=_quantity(runs.description))
        axes.margins(x=0.02)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        if axes.lines:
            figure.legend(loc="outside upper left", ncols=3, handlelength=1.2, columnspacing=1)
        return svg(figure) if axes.lines else ""


def _draw(axes: Axes, runs: StudyRuns, chosen: list[RunResult], name: str, color: str) -> None:
    study = runs.description
    held_out = curve(chosen, study.metric, study.alpha)
    training = curve(chosen, training_metric(runs) or "", study.alpha)
    if held_out is not None:
        axes.plot(held_out.epochs, held_out.mean, color=color, linewidth=1.5, label=f" {name}")
        band = (held_out.epochs, held_out.low, held_out.high)
        axes.fill_between(*band, color=color, alpha=0.18, linewidth=0)
    if training is not None:
        axes.plot(training.epochs, training.mean, "--", color=color, linewidth=1.2)


def _quantity(study: Description) -> str:
    return study.metric.rpartition("/")[2].replace("_", " ")


def members(runs: StudyRuns, factor: Factor | None, level: str) -> list[RunResult]:
    """The finished runs of a level that are compared with others."""
    table = runs.table
    if factor is not None:
        table, _ = comparable(table, factor, runs.description)
        table = table[table[factor.key] == level]
    finished = table.loc[table["status"] == FINISHED, "run_id"]
    return [runs.results[run_id] for run_id in finished]


def training_metric(runs: StudyRuns) -> str | None:
    """The study's quantity on training data: evaluated without noise, or else as trained."""
    candidates = [sibling(runs.description.metric, split) for split in ("train_eval", "train")]
    return next((metric for metric in candidates if metric in runs.metrics), None)


def curve_text(runs: StudyRuns, factor: Factor | None, levels: list[str]) -> str:
    """What the curves show, in words: where validation was best and where it ended."""
    study = runs.description
    told = []
    for name in [factor.baseline if factor else "all runs", *levels]:
        found = curve(members(runs, factor, name), study.metric, study.alpha)
        if found is not None:
            at = int(np.nanargmin(found.mean) if study.goal == "min" else np.nanargmax(found.mean))
            told.append(
                f"{name}: best {found.mean[at]:.3g} at epoch {found.epochs[at]:g},"
                f" {found.mean[-1]:.3g} at the end"
            )
    return f"{phrase(study.metric).capitalize()}: {'; '.join(told)}." if told else ""


def _mean(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of the numbers of each column; NaN where there is none."""
    present = np.isfinite(rows)
    total = np.where(present, rows, 0.0).sum(axis=0)
    count = present.sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)

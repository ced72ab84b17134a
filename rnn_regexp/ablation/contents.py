"""What a report says, before it has a form: sentences, tables and figures by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rnn_regexp.ablation import tables
from rnn_regexp.ablation.description import Description, Factor
from rnn_regexp.ablation.figures import forest, level_limits, levels_figure
from rnn_regexp.ablation.learning_curves import curve_text, curves_figure, extremes
from rnn_regexp.ablation.metrics import phrase
from rnn_regexp.ablation.runs_table import StudyRuns
from rnn_regexp.ablation.verdict_table import caption, markdown, rows_of, test_column
from rnn_regexp.ablation.verdicts import kind
from rnn_regexp.ablation.wording import decimals, headline, sentence, short_names, spoken

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Drawn:
    """The figures of one factor."""

    factor: Factor | None  # None where the runs differ in nothing but their seed
    name: str  # as spoken
    levels: str  # SVG; empty without a factor
    curves: str  # SVG; empty where the runs have no history
    curves_text: str  # what the curves show


def texts(runs: StudyRuns, effects: pd.DataFrame) -> dict[str, Any]:
    """All of the report that is words and numbers."""
    study = runs.description
    judged = effects[effects["metric"] == study.primary]
    return {
        "study": study,
        "title": study.title or study.name,
        "incomplete": incomplete(runs),
        "headline": headline(judged, study),
        "sentences": _sentences(judged, study),
        "caption": caption(study),
        "confidence": f"{100 * (1 - study.alpha):g} %",
        "metric": phrase(study.primary),
        "held_out": phrase(study.metric),
        "training": tables.training_phrase(runs),
        "test": phrase(test_column(runs.table, study) or ""),
        "kind": kind,
        **_tables(runs, effects),
    }


def _tables(runs: StudyRuns, effects: pd.DataFrame) -> dict[str, Any]:
    from markupsafe import Markup

    study, gap = runs.description, tables.gap_rows(runs)
    return {
        "rows": rows_of(effects, runs.table, study),
        "markdown_table": Markup(markdown(effects, runs.table, study)),
        "gap": gap,
        "gap_sentence": tables.gap_sentence(gap),
        "last_and_best": tables.last_and_best(effects, study),
        "others": tables.other_metrics(effects, study),
        "lost": tables.lost_runs(runs),
        "rates": tables.divergence_rates(runs),
        "effort": tables.effort(runs),
        "provenance": tables.provenance(runs),
        "settings": tables.settings(study),
        "command": Markup(" ".join(study.command.split())),
    }


def pictures(runs: StudyRuns, effects: pd.DataFrame) -> dict[str, Any]:
    """The figures, as markup that is not escaped again."""
    from markupsafe import Markup

    study = runs.description
    contrasts, left_out = forest(effects, study) if study.factors else ("", 0)
    limits = level_limits(runs.table, study)
    names = short_names([factor.key for factor in study.factors])
    drawn = []
    for factor in study.factors or (None,):
        shown = extremes(effects, factor, study) if factor else []
        drawn.append(
            Drawn(
                factor=factor,
                name=spoken(names[factor.key]) if factor else "all runs",
                levels=Markup(levels_figure(runs.table, factor, study, limits) if factor else ""),
                curves=Markup(curves_figure(runs, factor, shown)),
                curves_text=curve_text(runs, factor, shown),
            )
        )
    return {"forest": Markup(contrasts), "left_out": left_out, "drawn": drawn}


def incomplete(runs: StudyRuns) -> str:
    """A line on what the folder lacks, or has beyond its plan; empty where it is complete."""
    told = []
    if len(runs.table) < runs.planned:
        told.append(f"incomplete: {len(runs.table)} of {runs.planned} runs have ended")
    if runs.unplanned:
        told.append(f"{runs.unplanned} runs in the folder are not part of the plan")
    return "; ".join(told)


def _sentences(judged: pd.DataFrame, study: Description) -> list[tuple[str, str]]:
    names, digits = short_names([factor.key for factor in study.factors]), decimals(judged)
    return [
        (spoken(names[f.key]), sentence(judged[judged["factor"] == f.key], study, digits))
        for f in study.factors
    ]

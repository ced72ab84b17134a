"""A study as a section of a report: its answer first, then the chapters behind it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rnn_regexp.ablation.description import Description, Factor
from rnn_regexp.ablation.metrics import phrase
from rnn_regexp.ablation.runs_table import StudyRuns
from rnn_regexp.ablation.wording import decimals, headline, sentence, short_names, spoken
from rnn_regexp.report.diagnostics import diagnostics
from rnn_regexp.report.document import Chapter, Figure, Findings, Panels, Part, Section, Text
from rnn_regexp.report.evidence import evidence
from rnn_regexp.report.factorial import (
    aliases_table,
    interaction_sentence,
    interactions_table,
    main_effects_table,
    simple_effects_table,
)
from rnn_regexp.report.forest import forest
from rnn_regexp.report.gap import WHY_BEST, WHY_LAST, gap_sentence, gap_table, last_and_best
from rnn_regexp.report.interaction_maps import interaction_maps, maps_caption
from rnn_regexp.report.latex_text import slug
from rnn_regexp.report.learning_curves import curves_figure, extremes, training_metric
from rnn_regexp.report.levels import level_limits, levels_figure
from rnn_regexp.report.lost_runs import divergence_rates, lost_runs
from rnn_regexp.report.method import course, method
from rnn_regexp.report.origin import effort, what_was_run
from rnn_regexp.report.other_metrics import other_metrics
from rnn_regexp.report.tuning import tuning
from rnn_regexp.report.variance import variance
from rnn_regexp.report.verdict_table import verdict_table

if TYPE_CHECKING:
    from rnn_regexp.ablation.analysis import Analysis


def section(runs: StudyRuns, found: Analysis, prefix: str = "") -> Section:
    """All that is said of one study; ``prefix`` begins the names of its figures' files."""
    study = runs.description
    told = effort(runs)
    about = [study.name, *(told[key] for key in ("design",) if key in told)]
    about += [f"{key} {told[key]}" for key in ("runs", "started") if key in told]
    made = Section(
        name=study.name,
        title=study.title or study.name,
        about=" · ".join([*about, f"{len(study.seeds)} seeds"]),
        lead=tuple(_lead(runs, found)),
        chapters=tuple(_chapters(runs, found)),
    )
    return _renamed(made, prefix) if prefix else made


def _lead(runs: StudyRuns, found: Analysis) -> Iterator[Part]:
    study, effects = runs.description, found.effects
    judged = effects[effects["metric"] == study.primary]
    for line in runs.warnings:
        yield Text(line, "warning")
    yield Text(headline(judged, study), "headline")
    if study.factors:
        yield Findings(tuple(_sentences(judged, study)))
        together = interaction_sentence(found.interactions, study)
        yield from [Text(together)] if together else []
        yield forest(effects, study)
        yield verdict_table(effects, runs.table, study)
        yield from filter(None, [evidence(effects, study)])


def _sentences(judged: Any, study: Description) -> Iterator[tuple[str, str]]:
    names, digits = short_names([factor.key for factor in study.factors]), decimals(judged)
    for factor in study.factors:
        rows = judged[judged["factor"] == factor.key]
        yield spoken(names[factor.key]), sentence(rows, study, digits)


def _chapters(runs: StudyRuns, found: Analysis) -> Iterator[Chapter]:
    study, effects = runs.description, found.effects
    chapters = (
        _levels(runs),
        _curves(runs, effects),
        _gap(runs, effects),
        _interactions(runs, found),
        variance(found.variance_shares, study),
        _lost(runs, found),
        diagnostics(runs),
        tuning(runs),
        Chapter("Other metrics", tuple(other_metrics(effects, study))),
        course(found),
        what_was_run(runs, method(study)),
    )
    yield from (chapter for chapter in chapters if chapter and chapter.parts)


def _levels(runs: StudyRuns) -> Chapter:
    study, limits = runs.description, level_limits(runs.table, runs.description)
    figures = [
        levels_figure(runs.table, factor, study, limits, name)
        for factor, name in zip(study.factors, _names(study), strict=True)
    ]
    caption = (
        f"{phrase(study.primary).capitalize()} by level. Grey: a seed each, joined along numbers."
        " Blue: mean over seeds. Shaded and bold: the baseline. Lost runs diverged or failed. The"
        " vertical range is the same in all panels; points beyond it stand at its edge. A dotted"
        " line parts the numbers from levels that have no place among them."
    )
    return Chapter("Levels", (Panels(tuple(figures), caption),) if figures else ())


def _curves(runs: StudyRuns, effects: Any) -> Chapter | None:
    study = runs.description
    factors: list[tuple[Factor | None, str]] = [
        *zip(study.factors, _names(study), strict=True)
    ] or [(None, "all runs")]
    found = [
        curves_figure(runs, factor, extremes(effects, factor, study) if factor else [], name)
        for factor, name in factors
    ]
    figures = tuple(figure for figure in found if figure)
    training = training_metric(runs)
    confidence = f"{100 * (1 - study.alpha):g} %"
    below = " Below: the gap between them." if training else ""
    caption = (
        f"Solid: {phrase(study.metric)}, mean over seeds with its {confidence} interval, which"
        " holds the differences between seeds that the paired comparisons take out."
        f"{f' Dashed: {phrase(training)}.' if training else ''}{below} Black is the baseline, blue"
        " the level with the best result, orange the one with the worst."
    )
    return Chapter("Learning curves", (Panels(figures, caption),)) if figures else None


def _gap(runs: StudyRuns, effects: Any) -> Chapter | None:
    study, table = runs.description, gap_table(runs)
    both = last_and_best(effects, study)
    why = WHY_BEST if study.evaluate == "best" else WHY_LAST
    parts: list[Part] = []
    if table and table.groups:
        parts += [Text(f"{gap_sentence(table)} {why}".strip()), table]
    if both and both.groups:
        parts.append(both)
    return Chapter("Generalization gap", tuple(parts))


def _interactions(runs: StudyRuns, found: Analysis) -> Chapter:
    study = runs.description
    figures, left_out = interaction_maps(runs.table, study)
    tables = (
        main_effects_table(found.main_effects, study),
        interactions_table(found.interactions, study),
        simple_effects_table(found.simple_effects, study),
        aliases_table(found.aliases, study),
    )
    maps = [Panels(tuple(figures), maps_caption(study, left_out))] if figures else []
    parts: list[Part] = [*maps, *filter(None, tables)]
    return Chapter("Factors together", tuple(parts) if len(study.factors) > 1 else ())


def _lost(runs: StudyRuns, found: Analysis) -> Chapter:
    parts = [divergence_rates(found.divergence, runs.description), lost_runs(runs)]
    return Chapter("Runs that diverged or failed", tuple(filter(None, parts)))


def _names(study: Description) -> list[str]:
    """The factors as a heading calls them."""
    short = short_names([factor.key for factor in study.factors])
    return [spoken(short[factor.key]) for factor in study.factors]


def _renamed(made: Section, prefix: str) -> Section:
    """The section, its figures' files told apart from those of other studies."""

    def rename(part: Part) -> Part:
        if isinstance(part, Figure):
            return dataclasses.replace(part, name=f"{slug(prefix)}-{part.name}")
        if isinstance(part, Panels):
            figures = tuple(rename(figure) for figure in part.figures)
            return dataclasses.replace(part, figures=figures)  # type: ignore[arg-type]
        return part

    chapters = (
        dataclasses.replace(chapter, parts=tuple(map(rename, chapter.parts)))
        for chapter in made.chapters
    )
    return dataclasses.replace(made, lead=tuple(map(rename, made.lead)), chapters=tuple(chapters))

"""The verdicts on the primary metric as a table: for a terminal, and for the report."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rnn_regexp.ablation.contrasts import each
from rnn_regexp.ablation.description import Description, Factor
from rnn_regexp.ablation.metrics import MIN, phrase, test_metrics
from rnn_regexp.ablation.wording import change, decimals, number, probability, short_names, signed
from rnn_regexp.report.document import LEVEL, NUMBER, VERDICT, Column, Group, Row, Table
from rnn_regexp.report.level_runs import level_means

if TYPE_CHECKING:
    import pandas as pd

WIDTH = 100
BASELINE = "baseline"


@dataclass
class Line:
    """A level's line, its numbers written out; empty cells where there is nothing to say."""

    place: int  # of the factor among the factors
    factor: str  # short name
    setting: str  # the configuration's key
    level: str
    mean: str  # of the primary metric
    test: str = ""  # mean of the test metric
    estimate: str = ""
    interval: str = ""
    p_adjusted: str = ""
    verdict: str = BASELINE
    n_diverged: int = 0

    @property
    def change(self) -> str:
        """Estimate and interval in one cell."""
        return f"{self.estimate} {self.interval}".strip()

    @property
    def judged(self) -> tuple[str, str, str]:
        """The cells that a comparison fills."""
        return self.change, self.p_adjusted, self.finding

    @property
    def finding(self) -> str:
        """The verdict, and how many runs it had to do without."""
        lost = self.n_diverged and self.verdict != "diverged"
        return f"{self.verdict}; {self.n_diverged} diverged" if lost else self.verdict


def rows_of(effects: pd.DataFrame, runs: pd.DataFrame, study: Description) -> list[Line]:
    """Each factor's levels in order, the baseline among them."""
    judged = effects[effects["metric"] == study.primary]
    digits, names = decimals(judged), short_names([factor.key for factor in study.factors])
    compared = {(row.factor, row.level): row for row in each(judged)}
    rows = []
    for place, factor in enumerate(study.factors):
        subject = (place, names[factor.key], factor.setting)
        for level, mean, test in _means(runs, factor, study):
            shown = "" if math.isnan(test) else number(test, 3)
            row = Line(*subject, level, number(mean, digits), shown)
            rows.append(_with_effect(row, compared.get((factor.key, level)), digits))
    return rows


def test_column(runs: pd.DataFrame, study: Description) -> str | None:
    """The metric on test data that stands beside the verdict, if the runs have one."""
    candidates = [name for name in test_metrics(study.primary) if name != study.primary]
    return next((name for name in candidates if name in runs.columns), None)


def terminal(effects: pd.DataFrame, runs: pd.DataFrame, study: Description) -> str:
    """The table as plain text of at most WIDTH columns: factors as headings, a line a level."""
    rows = rows_of(effects, runs, study)
    if not rows:
        return f"{caption(study)}\nNo factor differs between the runs."
    test = test_column(runs, study)
    heads = ["change", "adj.", "test" if test else "", ""]
    names = [
        _confidence(study).removeprefix("change "),
        "p",
        (test or "").split("/")[-1],
        "verdict",
    ]
    cells = [
        [row.change or f"{row.mean} {BASELINE}", row.p_adjusted, row.test, row.verdict]
        for row in rows
    ]
    return "\n".join([caption(study), "", *_aligned(rows, [heads, names], cells), *_lost(rows)])


def verdict_table(effects: pd.DataFrame, runs: pd.DataFrame, study: Description) -> Table:
    """The table of the report, a row a level."""
    test = test_column(runs, study)
    heads = [phrase(study.primary), *([phrase(test)] if test else []), _confidence(study)]
    columns = [Column("level", LEVEL), *(Column(head, NUMBER) for head in [*heads, "adjusted p"])]
    groups: dict[int, list[Line]] = {}
    for row in rows_of(effects, runs, study):
        groups.setdefault(row.place, []).append(row)
    return Table(
        "verdicts",
        f"{caption(study)[:1].upper()}{caption(study)[1:]}. Means are over the seeds; changes are"
        " paired by seed against the factor's baseline.",
        (*columns, Column("verdict", VERDICT)),
        tuple(_group(own, bool(test)) for own in groups.values()),
    )


def _group(lines: list[Line], tested: bool) -> Group:
    rows = (
        Row(
            (one.level, one.mean, *([one.test] if tested else []), *one.judged),
            one.verdict == BASELINE,
        )
        for one in lines
    )
    setting = lines[0].setting if lines[0].setting != lines[0].factor else ""
    return Group(lines[0].factor, tuple(rows), setting)


def caption(study: Description) -> str:
    """What the numbers are."""
    when = f" at the {study.evaluate} epoch" if study.evaluate else ""
    better = "lower" if study.goal == MIN else "higher"
    quantity = phrase(study.metric)
    return f"{quantity}{when}, {better} is better; a positive change is an improvement"


def _means(
    runs: pd.DataFrame, factor: Factor, study: Description
) -> list[tuple[str, float, float]]:
    test = test_column(runs, study)
    means = level_means(runs, factor, study, [study.primary, *([test] if test else [])])
    tests = means[test] if test else [float("nan")] * len(means)
    return list(zip(factor.levels, means[study.primary], tests, strict=True))


def _with_effect(row: Line, effect: Any, digits: int) -> Line:
    if effect is not None:
        estimate, row.interval = change(effect, digits)
        row.estimate = signed(estimate)
        row.p_adjusted = probability(effect.p_adjusted)
        row.verdict, row.n_diverged = effect.verdict, effect.n_diverged
    return row


def _confidence(study: Description) -> str:
    return f"change [{100 * (1 - study.alpha):g}% CI]"


def _aligned(rows: list[Line], heads: list[list[str]], cells: list[list[str]]) -> list[str]:
    """Columns as wide as their content; levels give way where that is more than WIDTH."""
    used = [i for i, name in enumerate(heads[1]) if name]
    widths = [max(len(line[i]) for line in [*heads, *cells]) for i in used]
    room = WIDTH - 2 - sum(widths) - 2 * len(widths)
    level = max(8, min(room, max(len(row.level) for row in rows)))

    def line(name: str, texts: list[str]) -> str:
        shown = (f"{texts[i]:<{width}}" for i, width in zip(used, widths, strict=True))
        return cut("  ".join([f"  {cut(name, level):<{level}}", *shown]).rstrip(), WIDTH)

    lines, factor = [line("", head) for head in heads], ""
    for row, texts in zip(rows, cells, strict=True):
        if row.factor != factor:
            lines.append(cut(row.factor, WIDTH))
        factor = row.factor
        lines.append(line(row.level, texts))
    return lines


def _lost(rows: list[Line]) -> list[str]:
    """A line for each level that some runs did not survive."""
    lost = [row for row in rows if row.n_diverged]
    lines = [cut(f"diverged: {r.n_diverged} at {r.factor}={r.level}", WIDTH) for r in lost]
    return ["", *lines] if lines else []


def cut(text: str, width: int) -> str:
    """``text`` on one line, shortened to ``width`` characters where it is longer."""
    text = "".join(character if character.isprintable() else " " for character in text)
    return text if len(text) <= width else f"{text[: width - 1]}…"

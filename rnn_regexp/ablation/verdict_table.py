"""The verdicts on the primary metric as a table: for a terminal, and in Markdown."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rnn_regexp.ablation.contrasts import each, level_means
from rnn_regexp.ablation.description import Description, Factor
from rnn_regexp.ablation.metrics import MIN, phrase, test_metrics
from rnn_regexp.ablation.wording import change, decimals, number, probability, short_names, signed

if TYPE_CHECKING:
    import pandas as pd

WIDTH = 100
BASELINE = "baseline"


@dataclass
class Row:
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
    def finding(self) -> str:
        """The verdict, and how many runs it had to do without."""
        lost = self.n_diverged and self.verdict != "diverged"
        return f"{self.verdict}; {self.n_diverged} diverged" if lost else self.verdict


def rows_of(effects: pd.DataFrame, runs: pd.DataFrame, study: Description) -> list[Row]:
    """Each factor's levels in order, the baseline among them."""
    judged = effects[effects["metric"] == study.primary]
    digits, names = decimals(judged), short_names([factor.key for factor in study.factors])
    compared = {(row.factor, row.level): row for row in each(judged)}
    rows = []
    for place, factor in enumerate(study.factors):
        subject = (place, names[factor.key], factor.setting)
        for level, mean, test in _means(runs, factor, study):
            shown = "" if math.isnan(test) else number(test, 3)
            row = Row(*subject, level, number(mean, digits), shown)
            rows.append(_with_effect(row, compared.get((factor.key, level)), digits))
    return rows


def test_column(runs: pd.DataFrame, study: Description) -> str | None:
    """The metric on test data that stands beside the verdict, if the runs have one."""
    return next((name for name in test_metrics(study.primary) if name in runs.columns), None)


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


def markdown(effects: pd.DataFrame, runs: pd.DataFrame, study: Description) -> str:
    """The table in Markdown, a row a level."""
    test = test_column(runs, study)
    head = ["factor", "level", phrase(study.primary), _confidence(study), "adjusted p", "verdict"]
    head[3:3] = [phrase(test)] if test else []
    lines = [_line(head), _line(["---", "---", *["---:"] * (len(head) - 3), "---"])]
    for row in rows_of(effects, runs, study):
        tests = [row.test] if test else []
        cells = [row.factor, row.level, row.mean, *tests, row.change, row.p_adjusted, row.finding]
        lines.append(_line(map(escaped, cells)))
    return "\n".join(lines) + "\n"


def caption(study: Description) -> str:
    """What the numbers are."""
    when = "best epoch" if study.evaluate == "best" else "last epoch"
    better = "lower" if study.goal == MIN else "higher"
    quantity = phrase(study.metric)
    return f"{quantity} at the {when}, {better} is better; a positive change is an improvement"


def escaped(text: object) -> str:
    """Text that Markdown shows as it is, in a table's cell as well."""
    text = " ".join(str(text).split())
    text = re.sub(r"([\\`*|#~$]|(?<!\w)_|_(?!\w)|\](?=[(\[:]))", r"\\\1", text)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _means(
    runs: pd.DataFrame, factor: Factor, study: Description
) -> list[tuple[str, float, float]]:
    test = test_column(runs, study)
    means = level_means(runs, factor, study, [study.primary, *([test] if test else [])])
    tests = means[test] if test else [float("nan")] * len(means)
    return list(zip(factor.levels, means[study.primary], tests, strict=True))


def _with_effect(row: Row, effect: Any, digits: int) -> Row:
    if effect is not None:
        estimate, row.interval = change(effect, digits)
        row.estimate = signed(estimate)
        row.p_adjusted = probability(effect.p_adjusted)
        row.verdict, row.n_diverged = effect.verdict, effect.n_diverged
    return row


def _confidence(study: Description) -> str:
    return f"change [{100 * (1 - study.alpha):g}% CI]"


def _aligned(rows: list[Row], heads: list[list[str]], cells: list[list[str]]) -> list[str]:
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


def _lost(rows: list[Row]) -> list[str]:
    """A line for each level that some runs did not survive."""
    lost = [row for row in rows if row.n_diverged]
    lines = [cut(f"diverged: {r.n_diverged} at {r.factor}={r.level}", WIDTH) for r in lost]
    return ["", *lines] if lines else []


def cut(text: str, width: int) -> str:
    """``text`` on one line, shortened to ``width`` characters where it is longer."""
    text = "".join(character if character.isprintable() else " " for character in text)
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _line(cells: Any) -> str:
    return f"| {' | '.join(cells)} |"

"""How the verdicts come about, and how a study went where one stage decided the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rnn_regexp.ablation.contrasts import each
from rnn_regexp.ablation.description import Description
from rnn_regexp.ablation.wording import number
from rnn_regexp.report.document import LEVEL, NUMBER, Chapter, Column, Group, Part, Row, Table, Text

if TYPE_CHECKING:
    import pandas as pd

    from rnn_regexp.ablation.analysis import Analysis

ALONE = "The runs differ in nothing but their seed, so there is nothing to compare."
OPTIMISTIC = (
    "A stage's winner is chosen by the same runs that show its effect, so effects along the path"
    " are optimistic."
)


def method(study: Description) -> str:
    """The analysis in words."""
    if not study.factors:
        return ALONE
    same = f" It makes no difference larger than {study.margin} where two one-sided tests say so."
    return (
        "Method: runs that agree in seed and in all other factors are pairs; a seed's pairs are"
        " averaged, and seeds are the blocks of the analysis. Where the seeds' differences vary"
        " alike, their variance is pooled over the levels, and all comparisons with the baseline"
        " are corrected in a single step, many to one. Elsewhere a comparison stands on its own"
        " differences: corrected by sign flips where there are seeds enough, else by the paired"
        f" t-test with Holm's correction. Intervals ({100 * (1 - study.alpha):g} %) are those of"
        f" one comparison each. A level helps or hurts where the adjusted p is below"
        f" {study.alpha:g}.{same if study.margin is not None else ''} The number of seeds still"
        " needed is that for 80 % power at the observed effect. Runs that diverged or failed are no"
        " pairs and are counted apart."
    )


def course(found: Analysis) -> Chapter:
    """The looks of a study that adds seeds, the stages of a path."""
    parts: list[Part] = []
    if len(found.looks):
        parts.append(_looks(found.looks, found.study))
    path = [own for own in found.study.decisions if "factor" in own]
    if path:
        parts += [_path(path), Text(OPTIMISTIC, "note")]
    return Chapter("How the study went", tuple(parts))


def _looks(looks: pd.DataFrame, study: Description) -> Table:
    rows = tuple(
        Row((str(row.look), str(row.n_seeds), number(row.alpha, 4), number(row.spent, 4)))
        for row in each(looks)
    )
    heads = ("seeds so far", "level of this look", "spent so far")
    columns = (Column("look", LEVEL), *(Column(head, NUMBER) for head in heads))
    title = (
        "Seeds are added where a verdict is open. What is decided at a look stays decided; the"
        f" levels of all looks add up to {study.alpha:g}."
    )
    return Table("looks", title, columns, (Group("", rows),))


def _path(decisions: list[dict[str, Any]]) -> Table:
    cells = ([str(own.get(key, "")) for key in ("stage", "factor", "variant")] for own in decisions)
    rows = tuple(Row(tuple(own)) for own in cells)
    columns = (Column("stage", LEVEL), Column("factor kept"), Column("variant reached"))
    return Table("path", "The flip that stood best at each stage", columns, (Group("", rows),))

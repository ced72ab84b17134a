"""The tables of a design whose factors are crossed: main effects, interactions, simple effects."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from rnn_regexp.ablation.contrasts import each
from rnn_regexp.ablation.description import Description
from rnn_regexp.ablation.metrics import phrase
from rnn_regexp.ablation.wording import (
    decimals,
    enumeration,
    number,
    probability,
    short_names,
    spoken,
)
from rnn_regexp.report.document import LEVEL, NUMBER, Column, Group, Row, Table
from rnn_regexp.report.gap import change_cell

if TYPE_CHECKING:
    import pandas as pd

TESTS = ("df", "F", "p", "adjusted p")


def main_effects_table(mains: pd.DataFrame, study: Description) -> Table | None:
    """Whether each factor matters at all; None for fewer than two factors."""
    if len(mains) < 2:
        return None
    title = f"Main effects on {phrase(study.primary)}: does the factor matter at all?"
    return _tests("main-effects", title, mains, "factor", _named(study))


def interactions_table(found: pd.DataFrame, study: Description) -> Table | None:
    """Whether one factor's effect depends on another's level; None where none is measured."""
    if found.empty:
        return None
    title = "Interactions: does one factor's effect depend on the other's level?"
    return _tests("interactions", title, found, "factors", _named(study))


def interaction_sentence(found: pd.DataFrame, study: Description) -> str:
    """Which factors act together; empty where none is shown to."""
    name = _named(study)
    pairs = [_subject(row, name) for row in each(found) if row.p_adjusted < study.alpha]
    if not pairs:
        return ""
    return (
        f"Effects depend on each other ({enumeration(pairs)}): the comparisons are averages over"
        " the levels of the other factors; the simple effects tell them apart."
    )


def simple_effects_table(found: pd.DataFrame, study: Description) -> Table | None:
    """Effects within one level of another factor, where an interaction is present."""
    if found.empty:
        return None
    name, digits = _named(study), decimals(found)
    groups = []
    for (key, given, level), rows in found.groupby(["factor", "given", "given_level"], sort=False):
        lines = tuple(
            Row(
                (row.level, str(row.n_pairs), change_cell(row, digits), probability(row.p_adjusted))
            )
            for row in each(rows)
        )
        head = f"{name(str(key))} where {name(str(given))} is {level}"
        groups.append(Group(head, lines, f"against {rows['baseline_level'].iloc[0]}"))
    heads = ("pairs", f"change [{100 * (1 - study.alpha):g} % interval]", "adjusted p")
    columns = (Column("level", LEVEL), *(Column(head, NUMBER) for head in heads))
    title = "Simple effects: what a level does at each level of a factor it interacts with"
    return Table("simple-effects", title, columns, tuple(groups), subject="factor and condition")


def aliases_table(found: pd.DataFrame, study: Description) -> Table | None:
    """What the effects of a fraction hold besides."""
    if found.empty:
        return None
    name = _named(study)
    groups = tuple(
        Group(
            name(str(key)),
            tuple(Row((row.level, row.alias, number(row.coefficient, 2))) for row in each(rows)),
        )
        for key, rows in found.groupby("factor", sort=False)
    )
    columns = (Column("level", LEVEL), Column("interaction"), Column("times", NUMBER))
    title = "Aliases: interactions that this design cannot tell from a main effect"
    return Table("aliases", title, columns, groups, folded="Aliases")


def _tests(
    label: str, title: str, found: pd.DataFrame, head: str, name: Callable[[str], str]
) -> Table:
    rows = tuple(Row((_subject(row, name), *_test(row))) for row in each(found))
    columns = [Column(head, LEVEL), *(Column(own, NUMBER) for own in TESTS), Column("against")]
    return Table(label, title, tuple(columns), (Group("", rows),))


def _subject(row: Any, name: Callable[[str], str]) -> str:
    keys: Iterable[str] = filter(None, (row.factor, getattr(row, "other", "")))
    return " × ".join(map(name, keys))


def _test(row: Any) -> tuple[str, ...]:
    df = f"{row.df}, {row.error_df}"
    return df, number(row.f, 2), probability(row.p_value), probability(row.p_adjusted), row.method


def _named(study: Description) -> Callable[[str], str]:
    short = short_names([factor.key for factor in study.factors])
    return lambda key: spoken(short[key])

"""docs/regularizers.md is what the techniques say of themselves today."""

import pytest

from rnn_regexp.regularizers import ALL
from rnn_regexp.regularizers.dropout import Dropout
from rnn_regexp.regularizers.l2 import L2
from scripts.write_regularizers_page import PAGE, is_formula, measured, page
from tests.regularizers.catalogue import Technique, each, name_of

TEXTS = ("technique", "model", "task")


def test_the_page_is_fresh():
    found = PAGE.read_text(encoding="utf-8")
    assert found == page(), "run python -m scripts.write_regularizers_page"


@each
def test_each_technique_has_a_row_and_a_section_with_its_source(technique: Technique):
    text, name = page(), name_of(technique)
    assert text.count(f"| [`{name}`](#{name}) |") == 1
    (section,) = text.split(f"\n## {name}\n")[1:]
    assert f"Source: {technique.source}." in section.split("\n## ")[0]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("l2", "any kernel | `coefficient=0.0001`"),
        ("zoneout", "own recurrence | `h=0.05`, `c=0.5`"),
        ("layer_norm", "changed cell | `normalized=true`"),
        ("fraternal", "two passes | `kappa=0.15`"),
        ("sam", "two gradients | `rho=0.05`"),
    ],
)
def test_what_a_technique_needs_and_sets(name: str, words: str):
    *_, needs, _, sets, _ = row_of(name).split("|")
    assert f"{needs.strip()} | {sets.strip()}" == words


def row_of(name: str) -> str:
    (row,) = [line for line in page().splitlines() if line.startswith(f"| [`{name}`]")]
    return row


@each
def test_the_cost_is_what_was_measured(technique: Technique):
    name = name_of(technique)
    cost = row_of(name).split("|")[-3].strip()
    own = measured().get(name)
    assert cost.split(" ")[0] == ("-" if own is None else f"{float(own['step']):.1f}")


def test_what_was_measured_is_still_there_with_its_quartiles():
    for name, row in measured().items():
        assert name in {name_of(own) for own in ALL}
        figures = {what: float(own) for what, own in row.items() if what not in TEXTS}
        assert 0 < figures["step_low"] <= figures["step"] <= figures["step_high"]
        assert min(figures.values()) > 0


def test_equations_are_set_apart_and_prose_is_not():
    for technique, formulas in ((L2, 1), (Dropout, 1)):
        paragraphs = technique.__doc__.split("\n\n")
        assert [is_formula(own) for own in paragraphs].count(True) == formulas
        assert is_formula(paragraphs[1])

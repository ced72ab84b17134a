"""docs/regularizers.md is what the techniques say of themselves today."""

import pytest

from rnn_regexp.regularizers.dropout import Dropout
from rnn_regexp.regularizers.l2 import L2
from scripts.write_regularizers_page import PAGE, is_formula, page
from tests.regularizers.catalogue import Technique, each, name_of


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
        ("l2", "any kernel | `coefficient=0.0001` |"),
        ("zoneout", "own recurrence | `h=0.05`, `c=0.5` |"),
        ("layer_norm", "changed cell | `normalized=true` |"),
        ("fraternal", "two passes | `kappa=0.15` |"),
        ("sam", "two gradients | `rho=0.05` |"),
    ],
)
def test_what_a_technique_needs_and_sets(name: str, words: str):
    (row,) = [line for line in page().splitlines() if line.startswith(f"| [`{name}`]")]
    assert row.endswith(words)


def test_equations_are_set_apart_and_prose_is_not():
    for technique, formulas in ((L2, 1), (Dropout, 1)):
        paragraphs = technique.__doc__.split("\n\n")
        assert [is_formula(own) for own in paragraphs].count(True) == formulas
        assert is_formula(paragraphs[1])

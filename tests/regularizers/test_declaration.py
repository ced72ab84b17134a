"""How every technique is declared: source, fields, neutral defaults, the YAML beside it."""

import dataclasses
import math

import pytest

from rnn_regexp.fields import INTERVAL, PER_RUN, STRENGTH, inside, names
from rnn_regexp.regularizers import ALL
from tests.regularizers.catalogue import CONF, Technique, each, name_of, usual, usual_settings


@each
def test_says_what_it_is_and_where_it_comes_from(technique: Technique):
    assert technique.source
    assert technique.__doc__
    assert not technique.__doc__.startswith(f"{technique.__name__}(")  # what dataclass would write


@each
def test_every_field_is_marked_and_inside_its_interval(technique: Technique):
    assert list(names(technique, STRENGTH))
    for field in dataclasses.fields(technique):
        assert PER_RUN in field.metadata, field.name
        if isinstance(field.default, float):
            assert inside(field.default, field.metadata[INTERVAL])


@each
def test_defaults_are_neutral_and_the_usual_strength_is_not(technique: Technique):
    assert technique().neutral
    assert not usual(technique).neutral


@each
def test_its_yaml_sets_fields_that_it_has_and_a_strength(technique: Technique):
    written = set(usual_settings(technique))
    assert written <= set(names(technique))
    assert written & set(names(technique, STRENGTH))


@each
def test_its_yaml_says_what_the_strength_is(technique: Technique):
    package, comment, *_ = (CONF / f"{name_of(technique)}.yaml").read_text().splitlines()
    assert package == f"# @package regularizers.{name_of(technique)}"
    assert comment.startswith("# ")
    assert comment.endswith(".")


@each
def test_each_strength_alone_makes_it_act(technique: Technique):
    for field in names(technique, STRENGTH):
        assert not dataclasses.replace(
            technique(), **{field: getattr(usual(technique), field)}
        ).neutral


def test_decay_acts_on_the_clipped_gradient():
    acting = [name_of(own) for own in ALL]
    assert acting.index("clip") < acting.index("weight_decay")
    assert len(set(acting)) == len(acting)


@each
def test_numbers_outside_their_interval_are_refused(technique: Technique):
    for field in dataclasses.fields(technique):
        if isinstance(field.default, float):
            line = rf"^{technique.__name__}\.{field.name} must be in .*, got nan$"
            with pytest.raises(ValueError, match=line):
                dataclasses.replace(technique(), **{field.name: math.nan})

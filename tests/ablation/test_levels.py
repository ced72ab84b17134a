"""Factors as the user writes them become levels that the configuration has checked."""

import math

import pytest

from rnn_regexp.ablation.description import StudyError
from rnn_regexp.ablation.design import Axis
from rnn_regexp.ablation.levels import axes
from rnn_regexp.ablation.study import Design, Study
from rnn_regexp.config.resolve import read
from tests.ablation.planning import BASE, names, planned, resolver, values

RATE = "regularizers.dropout.rate"
CLIP = "regularizers.clip.threshold"


def resolved(design: Design = Design.one_at_a_time, **factors: object) -> list[Axis]:
    return axes(Study(name="s", design=design, factors=factors), resolver(BASE), read)


def test_labels_come_from_the_values_or_from_the_user() -> None:
    (own,) = resolved(d={"key": RATE, "levels": [None, 0.5, "none", 0.50]})
    assert dict(own.levels) == {"0": {RATE: 0.0}, "0.5": {RATE: 0.5}}
    assert own.baseline == "0.5"
    for levels in ([{"little": 0.1}, {"much": 0.5}], {"little": 0.1, "much": 0.5}):
        (own,) = resolved(d={"key": RATE, "levels": levels})
        assert dict(own.levels) == {"little": {RATE: 0.1}, "much": {RATE: 0.5}}
        assert own.baseline == "much"


def test_several_settings_move_together() -> None:
    keys = ["regularizers.clip.by", CLIP]
    levels = [["norm", 5], {"by value": ["value", 0.1]}]
    (own,) = resolved(c={"keys": keys, "levels": levels})
    assert list(own.levels) == ["norm/5", "by value"]
    assert own.levels["by value"][CLIP] == 0.1
    assert own.keys == tuple(keys)
    assert own.baseline == "norm/5"  # what the base experiment has


def test_levels_without_a_key_are_mappings_of_settings() -> None:
    levels = {"none": {"regularizers": []}, "clip": {"regularizers": {"clip": {"threshold": 1}}}}
    (own,) = resolved(t={"levels": levels, "baseline": "none"})
    assert own.levels["clip"] == {CLIP: 1.0}
    assert own.keys == ("regularizers", CLIP)


def test_a_group_is_a_factor_and_its_choice_the_label() -> None:
    (cell, optimizer) = resolved(
        cell={"key": "model", "levels": ["rnn", "gru"]},
        techniques={"key": "regularizers", "levels": [[], ["dropout", "clip"]], "baseline": []},
    )
    assert (cell.baseline, list(cell.levels)) == ("gru", ["rnn", "gru"])
    assert list(optimizer.levels) == ["none", "dropout+clip"]


def test_compared_configurations_are_one_factor() -> None:
    plan = planned(
        compare={
            "none": {"regularizers": []},
            "dropout": {"regularizers": ["dropout"], RATE: 0.3},
            "both": {"regularizers": ["dropout", "clip"]},
        },
        seeds=1,
    )
    assert names(plan) == ["baseline", "configuration=dropout", "configuration=both"]
    assert values(plan, "regularizers") == [(), ("dropout",), ("dropout", "clip")]
    assert read(plan.runs[1].experiment, RATE) == 0.3


def test_leave_one_out_switches_each_part_off() -> None:
    factors = {
        "dropout": {"key": RATE, "levels": [0, 0.25, 0.5]},
        "clip": {"key": CLIP},
        "shared": {"keys": ["regularizers.weight_decay.coefficient", "optimizer.lr"]},
        "lr": {"key": "optimizer.beta1", "off": 0},
    }
    plan = planned(design=Design.leave_one_out, factors=factors, seeds=1)
    assert names(plan) == ["baseline", "dropout=0", "clip=off", "shared=off", "lr=off"]
    assert values(plan, RATE) == [0.5, 0.0, 0.5, 0.5, 0.5]
    assert values(plan, CLIP) == [5.0, 5.0, math.inf, 5.0, 5.0]
    assert values(plan, "regularizers.weight_decay.coefficient")[3] == 0
    assert len(set(values(plan, "optimizer.lr"))) == 1


def test_add_one_in_starts_from_nothing() -> None:
    factors = {"dropout": {"key": RATE}, "all": {"key": CLIP, "baseline": 1}}
    plan = planned(design=Design.add_one_in, factors=factors, seeds=1)
    assert names(plan) == ["baseline", "dropout=0.5", "all=1"]
    assert values(plan, RATE) == [0, 0.5, 0]
    assert values(plan, CLIP) == [math.inf, math.inf, 1.0]


def test_conditional_settings_are_absent_where_they_do_not_apply() -> None:
    factors = {
        "optimizer": {"key": "optimizer", "levels": ["adam", "sgd"]},
        "momentum": {
            "key": "optimizer.momentum",
            "levels": [0, 0.9],
            "when": {"optimizer": "sgd"},
        },
    }
    plan = planned(design=Design.factorial, factors=factors, seeds=1)
    assert names(plan) == ["baseline", "optimizer=sgd", "optimizer=sgd momentum=0.9"]
    assert not hasattr(plan.runs[0].experiment.optimizer, "momentum")
    assert plan.runs[2].experiment.optimizer.momentum == 0.9


def test_cells_need_no_lists_of_levels() -> None:
    cells = [{"dropout": 0.1, "clip": 1}, {"dropout": 0.2}]
    factors = {"dropout": {"key": RATE}, "clip": {"key": CLIP}}
    plan = planned(design=Design.cells, cells=cells, factors=factors, seeds=1)
    assert names(plan) == ["baseline", "dropout=0.1 clip=1", "dropout=0.2"]
    assert values(plan, CLIP) == [5.0, 1.0, 5.0]


def test_two_level_designs_take_the_target_of_a_factor_with_more() -> None:
    levels = {"key": RATE, "levels": [0, 0.25, 0.5], "target": 0.25}
    (own,) = resolved(Design.fractional, d=levels)
    assert (own.baseline, own.target, list(own.levels)) == ("0.5", "0.25", ["0.25", "0.5"])


BAD = {
    "both key and keys": (
        {"key": RATE, "keys": [CLIP], "levels": [0]},
        "study.factors.f: either key or keys, not both",
    ),
    "levels of the wrong length": (
        {"keys": [RATE, CLIP], "levels": [[0.5]]},
        "study.factors.f.levels: 2 values are wanted in a level, one for each of"
        f" {RATE}, {CLIP}; got [0.5]",
    ),
    "one label twice": (
        {"key": RATE, "levels": [{"a": 0.1}, {"a": 0.2}]},
        "study.factors.f.levels: two levels have the label a",
    ),
    "two labels for one setting": (
        {"key": RATE, "levels": {"a": 0.5, "b": 0.5}},
        "study.factors.f.levels: a and b set the same",
    ),
    "baseline by an unknown label": (
        {"key": RATE, "levels": {"a": 0.5, "b": 0.1}, "baseline": 0.2},
        "study.factors.f.baseline: 0.2 is not among the levels (a, b)",
    ),
    "no level is the base": (
        {"key": RATE, "levels": [0.1, 0.2]},
        "study.factors.f.baseline: 0.5 is not among the levels (0.1, 0.2)",
    ),
    "no configuration is the base": (
        {"levels": {"a": {RATE: 0.1}, "b": {RATE: 0.2}}},
        "study.factors.f.baseline: no level is the base experiment; name one",
    ),
    "a condition on nothing": (
        {"key": RATE, "levels": [0, 0.5], "when": {"g": 1}},
        "unknown key study.factors.f.when.g (there are none above it)",
    ),
    "a setting of the laboratory": (
        {"key": "executor.width", "levels": [1, 8]},
        "study.factors.f: executor.width is no part of an experiment: it cannot change a result",
    ),
    "the seed": (
        {"key": "seed", "levels": [1, 8]},
        "study.factors.f: seed: the seeds of a study are its blocks, set by study.seeds",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_does_not_fit_is_said_in_one_line(case: str) -> None:
    given, line = BAD[case]
    with pytest.raises(StudyError) as caught:
        resolved(f=given)
    assert str(caught.value) == line


def refused(design: Design, **factors: object) -> str:
    with pytest.raises(StudyError) as caught:
        resolved(design, **factors)
    return str(caught.value)


def test_what_a_design_misses_is_said() -> None:
    assert refused(Design.leave_one_out, lr={"key": "optimizer.lr"}) == (
        "study.factors.lr.off: not set (leave_one_out needs the level that switches the"
        " factor off, and its setting is no technique's strength)"
    )
    assert refused(Design.leave_one_out, d={"key": RATE, "baseline": 0}) == (
        "study.factors.d: it is off in the base experiment (0) already"
    )
    assert refused(Design.fractional, d={"key": RATE, "levels": [0, 0.25, 0.5]}) == (
        "study.factors.d: study.design=fractional takes two levels of a factor, this one has 3"
        " (0, 0.25, 0.5); list two, or name the one to compare with 0.5 as target"
    )


def test_two_factors_cannot_set_one_key() -> None:
    a, b = {"key": RATE, "levels": [0, 0.5]}, {"key": RATE, "levels": [0.1, 0.5]}
    line = f"study.factors.b: {RATE} belongs to the factor a already"
    assert refused(Design.one_at_a_time, a=a, b=b) == line


def test_columns_of_the_tables_are_no_names_for_factors() -> None:
    line = "study.factors.seed: a factor cannot be called so, a column of the tables is"
    assert refused(Design.one_at_a_time, seed={"key": RATE, "levels": [0, 0.5]}) == line


@pytest.mark.parametrize(
    ("compare", "line"),
    [
        ({"a": {}}, "study.compare: two or more configurations are wanted"),
        ({"a": [], "b": {}}, "study.compare.a must be {key: value, ...}, got []"),
    ],
)
def test_configurations_that_are_not(compare: dict[str, object], line: str) -> None:
    with pytest.raises(StudyError) as caught:
        planned(compare=compare)
    assert str(caught.value) == line


def test_a_technique_that_cannot_act_in_a_variant_is_refused_with_the_variant() -> None:
    cell = {"key": "model", "levels": ["gru", "rnn"]}
    technique = {"key": "regularizers", "levels": [[], ["recurrent_dropout"]], "baseline": []}
    line = (
        "variant {}: regularizers.recurrent_dropout: drops a candidate update, which only gates"
        " have (model=rnn)"
    )
    for design, name in (
        (Design.factorial, "cell=rnn technique=recurrent_dropout"),
        (Design.path, "cell=rnn technique=recurrent_dropout"),
    ):
        with pytest.raises(StudyError) as caught:
            planned(factors={"cell": cell, "technique": technique}, design=design)
        assert str(caught.value) == line.format(name)
    assert len(planned(factors={"cell": cell, "technique": technique}).variants) == 3

"""Designs: the baseline first, every variant once, and what each design promises."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnn_regexp.ablation.description import StudyError
from rnn_regexp.ablation.design import Axis, Variant, variants
from rnn_regexp.ablation.study import Design, Study


def axis(name: str, levels: str, baseline: str = "", target: str = "", **when: str) -> Axis:
    """An axis with one-letter levels; the first is the baseline unless another one is named."""
    settings = {level: {name: level} for level in levels}
    conditions = {factor: tuple(allowed) for factor, allowed in when.items()}
    return Axis(name, (name,), settings, baseline or levels[0], target or levels[-1], conditions)


AXES = [axis("p", "xy", "y"), axis("q", "abc", "b")]


def made(design: Design, axes: list[Axis], **settings: object) -> list[Variant]:
    return variants(Study(design=design, **settings), axes)


def names(design: Design, axes: list[Axis], **settings: object) -> list[str]:
    return [own.name for own in made(design, axes, **settings)]


def test_one_at_a_time_changes_one_factor() -> None:
    assert names(Design.one_at_a_time, AXES) == ["baseline", "p=x", "q=a", "q=c"]
    assert made(Design.one_at_a_time, AXES)[1].labels == {"p": "x", "q": "b"}


def test_more_combinations_than_anybody_can_train_are_refused() -> None:
    axes = [axis(f"f{number}", "ab") for number in range(20)]
    with pytest.raises(StudyError, match=f"^study.design=factorial: {2**20} combinations"):
        made(Design.factorial, axes)


def test_factorial_has_every_combination_once() -> None:
    found = made(Design.factorial, AXES)
    assert found[0].name == "baseline"
    assert len(found) == len({tuple(own.labels.values()) for own in found}) == 6


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4))
def test_the_number_of_variants(sizes: list[int]) -> None:
    axes = [axis(f"f{i}", "abcd"[:size]) for i, size in enumerate(sizes)]
    assert len(made(Design.one_at_a_time, axes)) == 1 + sum(size - 1 for size in sizes)
    assert len(made(Design.factorial, axes)) == math.prod(sizes)


def test_cells_are_those_listed_and_the_baseline() -> None:
    cells = [{"p": "x"}, {"p": "x", "q": "c"}, {"q": "a"}, {}]
    assert names(Design.cells, AXES, cells=cells) == ["baseline", "p=x", "p=x q=c", "q=a"]


@pytest.mark.parametrize(
    ("cells", "line"),
    [
        ([], "study.cells: a list is wanted (e.g. [{dropout: 0}, {dropout: 0.5}])"),
        ([{"pp": "x"}], "unknown key study.cells: pp (did you mean p?)"),
        ([{"p": "z"}], "study.cells: p=z is not a level of it (x, y)"),
        (["x"], "study.cells: a cell must be {factor: level, ...}, got 'x'"),
        ([{"p": "x"}, {"q": "a"}], "study.factors.q: no variant has the level c"),
    ],
)
def test_cells_that_are_not(cells: list[object], line: str) -> None:
    with pytest.raises(StudyError) as caught:
        made(Design.cells, AXES, cells=cells)
    assert str(caught.value) == line


def test_random_draws_distinct_combinations_and_the_same_ones_again() -> None:
    axes = [axis(f"f{i}", "abc") for i in range(6)]
    found = names(Design.random, axes, samples=40)
    assert len(set(found)) == len(found) == 41  # and the baseline
    assert found == names(Design.random, axes, samples=40)
    assert len(names(Design.random, AXES, samples=100)) == 6


def test_a_latin_hypercube_has_each_level_equally_often() -> None:
    axes = [axis(f"f{i}", "abc") for i in range(5)]
    found = made(Design.latin_hypercube, axes, samples=30)[1:]  # without the baseline
    for own in axes:
        counts = [sum(v.labels[own.name] == level for v in found) for level in "abc"]
        assert sum(counts) == 30
        assert counts == [10, 10, 10]


def test_a_level_that_was_not_drawn_is_said() -> None:
    with pytest.raises(StudyError, match=r"no variant has the level . \(ask for more with"):
        made(Design.random, [axis("p", "abcdefghij"), axis("q", "ab")], samples=2)


@pytest.mark.parametrize("design", [Design.fractional, Design.plackett_burman])
@pytest.mark.parametrize("factors", [3, 5, 7, 11])
def test_two_level_designs_hold_the_baseline_and_balance_every_pair(
    design: Design, factors: int
) -> None:
    axes = [axis(f"f{i}", "ab") for i in range(factors)]
    found = made(design, axes)
    assert found[0].name == "baseline"
    assert len(found) < 2**factors or factors == 3
    for one, other in itertools.combinations([own.name for own in axes], 2):
        pairs = [(own.labels[one], own.labels[other]) for own in found]
        assert {pairs.count(pair) for pair in itertools.product("ab", "ab")} == {len(found) // 4}


OPTIMIZER = [axis("optimizer", "as"), axis("momentum", "09", optimizer="s")]


def test_a_factor_that_does_not_apply_has_its_baselines_label() -> None:
    found = made(Design.factorial, OPTIMIZER)
    assert [own.name for own in found] == [
        "baseline",
        "optimizer=s",
        "optimizer=s momentum=9",
    ]
    assert found[0].labels == {"optimizer": "a", "momentum": "0"}


def test_conditions_reach_through_several_factors() -> None:
    axes = [*OPTIMIZER, axis("nesterov", "nj", momentum="9")]
    assert [own.name for own in made(Design.factorial, axes)] == [
        "baseline",
        "optimizer=s",
        "optimizer=s momentum=9",
        "optimizer=s momentum=9 nesterov=j",
    ]


def test_a_condition_does_not_hold_where_its_factor_does_not_apply() -> None:
    """Momentum has the label 0 under ``a`` too, where there is none."""
    axes = [*OPTIMIZER, axis("dampening", "xy", momentum="0")]
    found = [own.name for own in made(Design.factorial, axes)]
    assert found == [
        "baseline",
        "optimizer=s",
        "optimizer=s dampening=y",
        "optimizer=s momentum=9",
    ]


def test_a_factor_that_never_applies_is_said() -> None:
    with pytest.raises(StudyError) as caught:
        made(Design.one_at_a_time, OPTIMIZER)
    assert str(caught.value) == (
        "study.factors.momentum: no variant has the level 9: it applies when optimizer=s,"
        " and one_at_a_time has none with it"
    )

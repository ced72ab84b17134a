"""Designs: the baseline first, every variant once."""

import math

from hypothesis import given
from hypothesis import strategies as st

from rnn_regexp.ablation.design import variants
from rnn_regexp.ablation.study import Design

LEVELS = {"dropout": ["0", "0.5"], "init": ["default", "orthogonal", "xavier"]}
BASELINE = {"dropout": "0.5", "init": "orthogonal"}


def test_one_at_a_time_changes_one_factor() -> None:
    found = variants(Design.one_at_a_time, LEVELS, BASELINE)
    assert [variant.name for variant in found] == [
        "baseline",
        "dropout=0",
        "init=default",
        "init=xavier",
    ]
    assert found[1].labels == {"dropout": "0", "init": "orthogonal"}


def test_factorial_has_every_combination_once() -> None:
    found = variants(Design.factorial, LEVELS, BASELINE)
    assert len(found) == 6
    assert found[0].name == "baseline"
    assert len({tuple(variant.labels.values()) for variant in found}) == 6


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4))
def test_the_number_of_variants(sizes: list[int]) -> None:
    levels = {f"f{i}": [str(level) for level in range(size)] for i, size in enumerate(sizes)}
    baseline = dict.fromkeys(levels, "0")
    single = variants(Design.one_at_a_time, levels, baseline)
    assert len(single) == 1 + sum(size - 1 for size in sizes)
    assert len(variants(Design.factorial, levels, baseline)) == math.prod(sizes)

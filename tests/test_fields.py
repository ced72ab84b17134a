"""Settings: what may be set, what is refused, and how values are spelled."""

import dataclasses
import math
from enum import Enum
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnn_regexp.fields import (
    PER_RUN,
    STRENGTH,
    VOLATILE,
    Settings,
    inside,
    label,
    names,
    per_run,
    plain,
    problems,
    snake_case,
    structural,
    volatile,
)

reproducible = settings(derandomize=True, deadline=None, database=None)


class Mode(Enum):
    one = "1"
    two = "2"


@dataclasses.dataclass
class Sample(Settings):
    rate: float = per_run(0.0, "[0, 1)", strength=True)
    limit: int | None = structural(None, "[2, inf)")
    mode: Mode = per_run(Mode.one)
    on: list[Mode] = structural(lambda: [Mode.one, Mode.two])
    folder: str = volatile("here")


@pytest.mark.parametrize(
    ("interval", "within", "without"),
    [
        ("[0, 1)", [0, 0.0, 0.999], [-1e-300, 1, 1.0, math.inf]),
        ("(0, inf]", [1e-300, 5, math.inf], [0, -0.0, -math.inf]),
        ("(0, inf)", [1e308], [0, math.inf]),
        ("[1, inf)", [1, 10**30], [0, 0.999]),
        ("[-1.5, -1]", [-1.5, -1], [-1.51, -0.99]),
    ],
)
def test_interval(interval: str, within: list[float], without: list[float]):
    assert all(inside(value, interval) for value in within)
    assert not any(inside(value, interval) for value in without)
    assert not inside(math.nan, interval)


@reproducible
@given(
    st.floats(allow_nan=False),
    st.floats(allow_nan=False),
    st.floats(),
    st.booleans(),
    st.booleans(),
)
def test_interval_is_two_comparisons(
    low: float, high: float, value: float, closed_below: bool, closed_above: bool
):
    text = f"{'[' if closed_below else '('}{low}, {high}{']' if closed_above else ')'}"
    above = low <= value if closed_below else low < value
    below = value <= high if closed_above else value < high
    assert inside(value, text) is (above and below)


def test_each_bad_value_is_one_line_with_the_key_as_typed():
    bad = {"rate": 1.5, "limit": 1, "mode": Mode.two}
    assert problems(Sample, bad, "regularizers.sample") == [
        "regularizers.sample.rate must be in [0, 1), got 1.5",
        "regularizers.sample.limit must be in [2, inf), got 1",
    ]
    assert problems(Sample, {"rate": math.nan}) == ["rate must be in [0, 1), got nan"]
    assert problems(Sample, {"rate": 0.5, "limit": None, "unknown": -1}, "x") == []


def test_settings_refuse_all_bad_values_at_once():
    with pytest.raises(ValueError, match=r"^Sample\.rate .* got -1\nSample\.limit .* got 0$"):
        Sample(rate=-1, limit=0)
    assert Sample(rate=0.5, limit=2).limit == 2
    with pytest.raises(ValueError, match="got 2"):
        dataclasses.replace(Sample(), rate=2)


def test_fields_by_their_marks():
    assert list(names(Sample)) == ["rate", "limit", "mode", "on", "folder"]
    assert list(names(Sample, PER_RUN)) == ["rate", "mode"]
    assert list(names(Sample, STRENGTH)) == ["rate"]
    assert list(names(Sample, VOLATILE)) == ["folder"]


def test_a_default_that_can_change_belongs_to_one_object():
    Sample().on.append(Mode.one)
    assert Sample().on == [Mode.one, Mode.two]


def test_plain_values():
    tree = {"sample": Sample(rate=0.25), 3: (1, math.inf, -math.inf), "none": None, "yes": True}
    assert plain(tree) == {
        "sample": {
            "name": "sample",
            "rate": 0.25,
            "limit": None,
            "mode": "one",
            "on": ["one", "two"],
            "folder": "here",
        },
        "3": [1, "inf", "-inf"],
        "none": None,
        "yes": True,
    }
    assert plain(math.nan) == "nan"


@pytest.mark.parametrize(
    ("name", "yaml"),
    [
        ("WeightDecay", "weight_decay"),
        ("AdamW", "adamw"),
        ("RMSprop", "rmsprop"),
        ("LSTM", "lstm"),
        ("RNN", "rnn"),
        ("L2", "l2"),
        ("TextCsv", "text_csv"),
        ("Dropout", "dropout"),
    ],
)
def test_a_class_as_yaml_calls_it(name: str, yaml: str):
    assert snake_case(name) == yaml


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.5, "0.5"),
        (0.0, "0"),
        (5.0, "5"),
        (1e-5, "1e-5"),
        (1.25e-4, "1.25e-4"),
        (1e-3, "0.001"),
        (-1e-4, "-1e-4"),
        (1e-10, "1e-10"),
        (7, "7"),
        (True, "True"),
        (math.inf, "none"),
        (None, "none"),
        (Mode.two, "two"),
        ("text", "text"),
        ([Mode.one, Mode.two], "one+two"),
        ([], "none"),
        (0.1234567, "0.1234567"),
        (0.00012345678, "0.00012345678"),
        (math.nan, "nan"),
    ],
)
def test_label(value: Any, text: str):
    assert label(value) == text


@reproducible
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_numbers_label_is_that_number(value: float):
    assert float(label(value)) == value

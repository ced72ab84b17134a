"""Where levels stand on an axis."""

import math

import pytest

from rnn_regexp.report.doses import asks_for_logarithm, doses


def test_numbers_stand_at_their_place():
    found = doses(["0", "0.25", "0.5", "0.75"])
    assert (found.places, found.scale) == ((0, 0.25, 0.5, 0.75), "linear")
    assert found.joined == (0, 1, 2, 3)
    assert found.breaks == []


def test_powers_of_ten_stand_evenly_and_zero_apart_below_them():
    found = doses(["0", "1e-5", "1e-4", "0.001"])
    assert found.scale == "log"
    assert found.places == pytest.approx((-6, -5, -4, -3))
    assert found.joined == (1, 2, 3)
    assert found.breaks == pytest.approx([-5.5])


def test_no_limit_is_above_every_number_and_off_below():
    found = doses(["none", "10", "5", "1", "off"])
    assert found.scale == "linear"
    places = dict(zip(["none", "10", "5", "1", "off"], found.places))
    assert places["off"] < 1 == places["1"]
    assert places["none"] > 10 == places["10"]
    assert found.joined == (3, 2, 1)  # by rising number
    assert len(found.breaks) == 2


def test_a_logarithms_zero_and_off_have_places_of_their_own():
    found = doses(["off", "0", "0.01", "0.1", "1"])
    assert found.scale == "log"
    assert list(found.places) == sorted(set(found.places))


@pytest.mark.parametrize(
    "levels", [["adam", "sgd"], ["0.1", "adam"], ["5", "none"], ["3"], ["nan", "1", "2"]]
)
def test_names_stand_side_by_side(levels: list[str]):
    found = doses(levels)
    assert found.places == tuple(range(len(levels)))
    assert (found.scale, found.joined, found.breaks) == ("names", (), [])


@pytest.mark.parametrize(
    ("values", "log"),
    [
        ([0.001, 0.01, 0.1], True),
        ([16, 32, 64, 128], True),
        ([1e-4, 1e-3], True),
        ([1, 5, 10], False),
        ([0.25, 0.5, 0.75], False),
        ([1, 2], False),
        ([-1, 0.001, 1000], False),
        ([0, 1], False),
    ],
)
def test_ratios_ask_for_a_logarithm(values: list[float], log: bool):
    assert asks_for_logarithm(values) is log


def test_every_level_has_a_finite_place():
    for levels in (["none", "off", "1", "2"], ["none", "0", "1e-3", "1e-2", "1e-1"]):
        assert all(map(math.isfinite, doses(levels).places))

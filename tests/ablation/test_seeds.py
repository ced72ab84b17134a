"""How many seeds: a number, a list, or looks."""

import itertools

import numpy as np
import pytest

from rnn_regexp.ablation.description import StudyError
from rnn_regexp.ablation.seeds import SeedRule, fewest_seeds, seed_rule


def test_the_three_forms() -> None:
    assert seed_rule(3, 10) == SeedRule((10, 11, 12), (3,))
    assert seed_rule([7, 2], 10) == SeedRule((7, 2), (2,))
    rule = seed_rule({"start": 3, "max": 8, "step": 2}, 0)
    assert rule == SeedRule(tuple(range(8)), (3, 5, 7, 8))
    assert rule.sequential
    assert seed_rule({"start": 5, "max": 15}, 0).looks == (5, 10, 15)
    assert seed_rule({"start": 5, "max": 15, "stop": "verdict"}, 0).stop == {}
    assert seed_rule({"start": 5, "max": 9, "stop": {"half_width": 1}}, 0).stop == {
        "half_width": 1.0
    }


FORMS = "a number, a list of seeds, or {start: 5, max: 30, step: 5}"


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ("many", f"study.seeds must be {FORMS}, got 'many'"),
        (0, f"study.seeds must be {FORMS}, got 0"),
        (True, f"study.seeds must be {FORMS}, got True"),
        ([], "study.seeds: a list of whole numbers from 0 is wanted, got []"),
        ([1, 1.5], "study.seeds: a list of whole numbers from 0 is wanted, got [1, 1.5]"),
        ([1, 2, 1], "study.seeds: 1 stands there twice"),
        ({"max": 9}, "study.seeds.start must be a whole number from 2 to 1000000, got None"),
        ({"start": 5, "max": 4}, "study.seeds.max must be a whole number from 5 to 1000000, got 4"),
        (
            {"start": 2, "max": 4, "step": 0},
            "study.seeds.step must be a whole number from 1 to 1000000, got 0",
        ),
        ({"start": 2, "mx": 4}, "unknown key study.seeds.mx (did you mean max?)"),
        (
            {"start": 2, "max": 4, "stop": "soon"},
            "study.seeds.stop must be verdict or {half_width: a number above 0}, got soon",
        ),
    ],
)
def test_what_is_none_of_them(given: object, line: str) -> None:
    with pytest.raises(StudyError) as caught:
        seed_rule(given, 0)
    assert str(caught.value) == line


@pytest.mark.parametrize(("contrasts", "alpha"), [(1, 0.05), (3, 0.05), (13, 0.05), (2, 0.125)])
def test_the_fewest_seeds_by_counting_signs(contrasts: int, alpha: float) -> None:
    """The most extreme outcome of a sign-flip test: all differences of one sign."""

    def smallest_p(seeds: int) -> float:
        signs = np.array(list(itertools.product((1, -1), repeat=seeds)))
        sums = np.abs(signs.sum(axis=1))
        return float((sums >= seeds).mean())

    wanted = fewest_seeds(contrasts, alpha)
    assert smallest_p(wanted) <= alpha / contrasts
    assert wanted == 2 or smallest_p(wanted - 1) > alpha / contrasts

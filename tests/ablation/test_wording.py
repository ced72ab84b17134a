"""Numbers, names and sentences."""

import pandas as pd
import pytest

from rnn_regexp.ablation.description import Description, Factor
from rnn_regexp.ablation.metrics import goal_of, phrase, sibling
from rnn_regexp.ablation.wording import (
    change,
    decimals,
    enumeration,
    headline,
    number,
    probability,
    sentence,
    short_names,
    signed,
)

RATE = Factor("regularizers.dropout.rate", "0.5", ("0", "0.25", "0.5", "0.75", "0.9"))


def study(**changes) -> Description:
    given = {"name": "s", "metric": "valid/loss", "goal": "min", "seeds": (0,)} | changes
    return Description(factors=(RATE,), **given)


def effects(*rows: tuple[str, float, float, float, str]) -> pd.DataFrame:
    names = ["level", "estimate", "ci_low", "ci_high", "verdict"]
    return pd.DataFrame(rows, columns=names).assign(factor=RATE.key, baseline_level="0.5")


def test_a_sentence_says_what_helps_by_how_much_against_what():
    rows = effects(("0.75", 0.17, 0.10, 0.24, "helps"))
    assert sentence(rows, study(), 2) == (
        "0.75 helps: validation loss falls by 0.17 [0.10, 0.24] against 0.5."
    )


def test_what_hurts_is_told_as_a_rise_with_its_interval_turned_round():
    rows = effects(("0", -0.2, -0.3, -0.1, "hurts"), ("0.25", -0.1, -0.15, -0.05, "hurts"))
    assert sentence(rows, study(), 2) == (
        "0 and 0.25 hurt: validation loss rises by 0.20 [0.10, 0.30] and 0.10 [0.05, 0.15]"
        " against 0.5."
    )


def test_of_an_accuracy_more_is_better():
    rows = effects(("0.75", 0.17, 0.10, 0.24, "helps"))
    told = sentence(rows, study(metric="valid/accuracy", goal="max", evaluate="best"), 2)
    assert "validation accuracy at the best epoch rises by 0.17" in told


def test_findings_come_before_what_is_open():
    rows = effects(
        ("0", 0.01, -0.2, 0.2, "undecided (about 9 more seeds)"),
        ("0.25", 0.0, -0.01, 0.01, "no difference larger than 0.05"),
        ("0.75", 0.17, 0.10, 0.24, "helps"),
        ("0.9", float("nan"), float("nan"), float("nan"), "diverged"),
    )
    assert sentence(rows, study(), 2).split("; ")[1:] == [
        "0.25 makes no difference larger than 0.05 against 0.5",
        "undecided against 0.5: 0 (about 9 more seeds)",
        "0.9 diverged in every run.",
    ]


def test_the_headline_names_what_helps_and_what_hurts():
    rows = effects(
        ("0", -0.2, -0.3, -0.1, "hurts"),
        ("0.25", 0, -1, 1, "undecided (about 9 more seeds)"),
        ("0.75", 0.2, 0.1, 0.3, "helps"),
    )
    assert headline(rows, study()) == (
        "Better than the baseline: dropout rate 0.75. Worse than the baseline: dropout rate 0."
        " 1 of 3 comparisons is undecided."
    )


def test_short_names_stay_unique():
    keys = ["model.hidden.size", "regularizers.dropout.rate", "other.dropout.rate", "model"]
    assert list(short_names(keys).values()) == ["hidden.size", *keys[1:]]


@pytest.mark.parametrize(
    ("half", "digits"), [(0.07, 3), (0.2, 2), (5.0, 1), (250.0, 0), (1e-12, 6), (0.0, 3)]
)
def test_intervals_have_two_significant_digits(half, digits):
    assert decimals(pd.DataFrame({"ci_low": [-half], "ci_high": [half]})) == digits


@pytest.mark.parametrize(
    ("row", "shown"),
    [
        (("0", 0.17, 0.10, 0.24, ""), ("0.170", "[0.100, 0.240]")),
        (("0", -2e-5, -5e-5, 1e-5, ""), ("-0.000020", "[-0.000050, 0.000010]")),
        (("0", 2e-9, 1e-9, 3e-9, ""), ("2.0e-09", "[1.0e-09, 3.0e-09]")),
        (("0", 0.0, 0.0, 0.0, ""), ("0.000", "[0.000, 0.000]")),
        (("0", 0.17, float("nan"), float("nan"), ""), ("0.170", "")),
    ],
)
def test_small_changes_are_shown_with_more_decimals(row, shown):
    assert change(next(effects(row).itertuples()), 3) == shown


def test_numbers():
    assert number(-0.0001, 2) == "0.00"
    assert number(1.24e-9, 10) == "1.2e-09"
    assert [signed(text) for text in ("0.00", "0.13", "-0.13", "-")] == [
        "0.00",
        "+0.13",
        "-0.13",
        "-",
    ]
    assert number(float("nan"), 2) == probability(float("nan")) == "-"
    assert [probability(p) for p in (0.0004, 0.0006, 0.25, 1.0)] == [
        "<0.001",
        "0.001",
        "0.250",
        "1.000",
    ]
    assert [enumeration(items) for items in ([], "a", "ab", "abc")] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]


@pytest.mark.parametrize(
    ("metric", "goal", "words"),
    [
        ("valid/loss", "min", "validation loss"),
        ("best/test/word_error_rate", "min", "test word error rate at the best epoch"),
        ("train_eval/accuracy", "max", "training accuracy"),
        ("test/bleu", "max", "test bleu"),
        ("valid/size", None, "validation size"),
    ],
)
def test_a_metrics_name_tells_its_goal_and_its_phrase(metric, goal, words):
    assert goal_of(metric) == goal
    assert phrase(metric) == words


def test_siblings_keep_the_epoch():
    assert sibling("best/valid/loss", "test") == "best/test/loss"

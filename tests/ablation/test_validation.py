"""A short run of scripts/validate_statistics.py; docs/statistics has the long one."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rnn_regexp.ablation import spread, stars
from rnn_regexp.ablation.many_to_one import bound
from scripts.simulated_studies import NOISE, differences
from scripts.validate_statistics import (
    OTHER,
    SIZE,
    contrasts,
    factorial,
    other_table,
    simultaneous,
    summary,
)

DOCS = Path(__file__).parents[2] / "docs"
STUDIES = 400


def allowed(rate: float, studies: int) -> float:
    """The rate and four standard errors."""
    return rate + 4 * math.sqrt(rate * (1 - rate) / studies)


@pytest.mark.parametrize("seeds", [3, 10])
@pytest.mark.parametrize("noise", NOISE)
def test_families_err_as_seldom_and_intervals_hold_as_often_as_they_say(noise, seeds):
    found = contrasts((noise, 0.0, seeds, 6, STUDIES))
    assert found["error"] < allowed(0.05, STUDIES)
    assert 0.92 < found["coverage"] < 0.99


@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_power_is_higher_than_that_of_paired_t_tests_with_holms_correction(seeds):
    found = contrasts(("equal variances", SIZE, seeds, 14, STUDIES))
    assert found["power"] > found["power_holm"] + 0.05


@pytest.mark.parametrize("other", OTHER)
def test_all_else_that_is_promised(other):
    found = other(STUDIES)
    if other is simultaneous:
        assert found["found"] > 1 - allowed(0.05, STUDIES)
    else:
        assert found["found"] < allowed(0.05, STUDIES)


def test_the_rule_that_chooses_the_analysis_earns_its_place(monkeypatch):
    """Pooled whatever the variances are, families err far too often."""
    monkeypatch.setattr(spread, "SUSPECT", 0.0)
    monkeypatch.setattr(spread, "unequal", lambda table: np.zeros(len(table), dtype=bool))
    found = contrasts(("one wild level", 0.0, 5, 14, STUDIES))
    assert found["error"] > allowed(0.05, STUDIES)


def test_the_baseline_is_kept_apart_for_a_reason():
    """With one variance for all variants, as textbooks have it, a noisy baseline misleads."""
    runs, _ = NOISE["noisy baseline"](np.random.default_rng(2), STUDIES, 5, 14)
    rest = runs - runs.mean(axis=1, keepdims=True) - runs.mean(axis=2, keepdims=True)
    rest += runs.mean(axis=(1, 2), keepdims=True)
    error = np.sqrt(2 / 5 * (rest**2).sum(axis=(1, 2)) / (4 * 13))
    t = np.abs((runs[..., 1:] - runs[..., :1]).mean(axis=1)).max(axis=1) / error
    at = bound(np.array([13]), np.array(52.0), np.array(0.5), 0.05)
    assert (t > at).mean() > allowed(0.05, STUDIES)
    assert contrasts(("noisy baseline", 0.0, 5, 14, STUDIES))["error"] < allowed(0.05, STUDIES)


def test_a_factor_that_varies_with_the_seed_needs_the_rule_as_well(monkeypatch):
    monkeypatch.setattr(stars, "SUSPECT", 0.0)
    assert factorial(STUDIES, 4.0)["found"] > allowed(0.05, STUDIES)


@pytest.mark.parametrize("noise", NOISE)
def test_the_noise_is_what_the_effects_are_measured_by(noise):
    rng = np.random.default_rng(1)
    table, truth = differences(NOISE[noise], rng, 4000, 5, 5, SIZE)
    assert (truth > 0).tolist() == [True, True, False, False]
    errors = np.nanstd(table, axis=(0, 1))[:2] / np.sqrt(5)
    np.testing.assert_allclose(truth[:2] / errors, SIZE, rtol=0.06)
    np.testing.assert_allclose(np.nanmean(table, axis=(0, 1)), truth, atol=0.15)


def test_the_page_shows_what_the_script_found():
    page = (DOCS / "statistics.md").read_text(encoding="utf-8")
    assert summary(pd.read_csv(DOCS / "statistics" / "contrasts.csv")) in page
    assert other_table(pd.read_csv(DOCS / "statistics" / "other.csv")) in page


def test_the_long_run_kept_its_promises():
    rows = pd.read_csv(DOCS / "statistics" / "contrasts.csv")
    assert rows["studies"].sum() >= 10_000
    errors = rows.dropna(subset="error")
    assert (errors["error"] < 0.05 + 4 * errors["error_se"]).all()
    assert rows["coverage"].between(0.93, 0.985).all()
    equal = rows[
        (rows["noise"] == "equal variances") & (rows["seeds"] <= 10) & (rows["levels"] > 2)
    ]
    assert (equal["power"].dropna() > equal["power_holm"].dropna()).all()


def test_the_study_in_which_nothing_differs_found_nothing():
    rows = pd.read_csv(DOCS / "statistics" / "null_factor.csv")
    assert len(rows) == 3 * 12  # levels, metrics
    assert (rows["n_pairs"] == 30).all()
    assert rows["verdict"].str.match("undecided|no difference").all()
    page = (DOCS / "statistics.md").read_text(encoding="utf-8")
    assert f"the smallest of all adjusted p-values is {rows['p_adjusted'].min():.3f}" in page
    for own in rows[rows["metric"] == "valid/loss"].itertuples():
        interval = f"[{own.ci_low:.3f}, {own.ci_high:.3f}]"
        assert f"{interval} | {own.p_adjusted:.3f} | {own.verdict} |" in page

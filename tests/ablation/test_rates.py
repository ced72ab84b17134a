"""Rates of divergence: SciPy's interval, statsmodels' McNemar test, and who counts."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from rnn_regexp.ablation.description import Description, Factor
from rnn_regexp.ablation.rates import COLUMNS, divergence, sign_test, wilson

RATE = Factor("rate", "0.5", ("0", "0.5", "0.9"))
INIT = Factor("init", "a", ("a", "b"))
LETTERS = {"f": "finished", "d": "diverged", "x": "failed"}


def study(*factors: Factor) -> Description:
    return Description("s", "valid/loss", "min", factors, (0,))


def ended(**levels: str) -> pd.DataFrame:
    """One letter a seed: f finished, d diverged, x failed."""
    rows = [
        {"rate": level.removeprefix("r").replace("_", "."), "seed": seed, "status": LETTERS[letter]}
        for level, letters in levels.items()
        for seed, letter in enumerate(letters)
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize("count", [0, 1, 7, 20])
def test_wilsons_interval_is_scipys(count):
    oracle = stats.binomtest(count, 20).proportion_ci(0.95, method="wilson")
    found = wilson(np.array(count / 20), np.array(20), 0.05)
    np.testing.assert_allclose(found, [oracle.low, oracle.high], atol=1e-12)


def test_without_runs_there_is_no_interval():
    assert np.isnan(wilson(np.array([np.nan]), np.array([0]), 0.05)).all()


@pytest.mark.parametrize(("more", "fewer"), [(0, 0), (1, 0), (5, 0), (6, 2), (4, 4), (1, 12)])
def test_the_paired_comparison_is_the_exact_mcnemar_test(more, fewer):
    oracle = mcnemar([[9, more], [fewer, 3]], exact=True).pvalue if more + fewer else 1.0
    assert sign_test(np.array(more), np.array(fewer)) == pytest.approx(oracle)


def test_every_run_is_counted_where_it_belongs():
    table = ended(r0_5="fffdff", r0="ddddff", r0_9="fxffff")
    found = divergence(table, study(RATE)).set_index("level")
    assert found["n_runs"].tolist() == [6, 6, 6]
    assert found["n_diverged"].tolist() == [4, 1, 0]
    assert found["n_failed"].tolist() == [0, 0, 1]
    assert found["rate"].tolist() == pytest.approx([4 / 6, 1 / 6, 0])
    oracle = stats.binomtest(4, 6).proportion_ci(0.95, method="wilson")
    assert found.loc["0", ["rate_low", "rate_high"]].tolist() == pytest.approx(list(oracle))
    assert found["is_baseline"].tolist() == [False, True, False]


def test_rates_are_compared_seed_by_seed():
    table = ended(r0_5="fffdff", r0="ddddff", r0_9="ffffdf")
    found = divergence(table, study(RATE)).set_index("level")
    assert found.loc["0", ["n_pairs", "level_only", "baseline_only"]].tolist() == [6, 3, 0]
    assert found.loc["0.9", ["level_only", "baseline_only"]].tolist() == [1, 1]
    raw = [stats.binomtest(3, 3).pvalue, 1.0]
    assert found.loc[["0", "0.9"], "p_value"].tolist() == pytest.approx(raw)
    corrected = multipletests(raw, method="holm")[1]
    assert found.loc[["0", "0.9"], "p_adjusted"].tolist() == pytest.approx(corrected)
    assert np.isnan(found.loc["0.5", "p_value"])


def test_a_failed_run_is_no_pair():
    found = divergence(ended(r0_5="ffff", r0="xddd", r0_9="ffff"), study(RATE)).set_index("level")
    assert found.loc["0", ["n_pairs", "level_only"]].tolist() == [3, 3]


def test_in_a_grid_each_seed_counts_once():
    rows = [
        {
            "rate": rate,
            "init": init,
            "seed": seed,
            "status": "diverged" if rate == "0" else "finished",
        }
        for rate in ("0", "0.5")
        for init in ("a", "b")
        for seed in range(5)
    ]
    found = divergence(pd.DataFrame(rows), study(RATE, INIT)).set_index(["factor", "level"])
    assert found.loc[("rate", "0"), ["n_pairs", "level_only"]].tolist() == [10, 5]
    assert found.loc[("rate", "0"), "p_value"] == pytest.approx(stats.binomtest(5, 5).pvalue)


def test_a_level_without_runs_and_a_study_without_factors_are_defined():
    found = divergence(ended(r0_5="ff", r0="ff"), study(RATE)).set_index("level")
    assert found.loc["0.9", "n_runs"] == 0
    assert np.isnan(found.loc["0.9", "rate"])
    nothing = divergence(ended(r0_5="ff"), study())
    assert nothing.empty
    assert list(nothing.columns) == COLUMNS

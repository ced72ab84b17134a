"""Shares of variance: by hand from statsmodels' sums of squares, and the bootstrap by drawing."""

import itertools

import numpy as np
import pandas as pd
import pytest
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from rnn_regexp.ablation.description import Description, Factor
from rnn_regexp.ablation.shares import COLUMNS, REST, SEED, variance_shares

A, B = Factor("a", "0", ("0", "1", "2")), Factor("b", "0", ("0", "1"))
STUDY = Description("s", "valid/loss", "min", (A, B), (0, 1, 2))


def grid(seeds: int, seed: int = 0, effect: float = 1.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    rows = [(a, b, s) for s in range(seeds) for a, b in itertools.product("012", "01")]
    table = pd.DataFrame(rows, columns=["a", "b", "seed"])
    y = rng.normal(size=len(table)) + rng.normal(size=seeds)[table["seed"]]
    y += effect * table["a"].astype(int) + effect * (table["b"] == "1") * (table["a"] == "2")
    return table.assign(status="finished", **{"valid/loss": y})


def squares(table: pd.DataFrame) -> pd.DataFrame:
    model = ols("y ~ C(seed) + C(a) * C(b)", table.rename(columns={"valid/loss": "y"}))
    return anova_lm(model.fit(), typ=2)


@pytest.mark.parametrize("lost", [0, 4])
def test_shares_are_those_of_the_sums_of_squares(lost):
    table = grid(5).drop(index=range(0, 3 * lost, 3))
    oracle = squares(table)
    total = ((table["valid/loss"] - table["valid/loss"].mean()) ** 2).sum()
    noise = oracle.loc["Residual", "sum_sq"] / oracle.loc["Residual", "df"]
    found = variance_shares(table, STUDY, 50).set_index(["factor", "other"])
    names = {("a", ""): "C(a)", ("b", ""): "C(b)", ("a", "b"): "C(a):C(b)"}
    for place, name in names.items():
        own, df = oracle.loc[name, ["sum_sq", "df"]]
        assert found.loc[place, "share"] == pytest.approx(own / total)
        omega = (own - df * noise) / (total + noise)
        assert found.loc[place, "omega2"] == pytest.approx(max(omega, 0))
    rest = found.loc[(REST, "")]
    assert rest["share"] == pytest.approx(oracle.loc["Residual", "sum_sq"] / total)
    assert rest["df"] == oracle.loc["Residual", "df"]
    if not lost:
        assert found["share"].sum() == pytest.approx(1)
        assert found.loc[(SEED, ""), "share"] == pytest.approx(
            oracle.loc["C(seed)", "sum_sq"] / total
        )


def test_the_largest_share_comes_first_and_the_rest_last():
    found = variance_shares(grid(5), STUDY, 50)
    assert found["factor"].tolist()[-2:] == [SEED, REST]
    assert found["share"][:-2].is_monotonic_decreasing


@pytest.mark.parametrize("lost", [0, 2])
def test_intervals_are_quantiles_over_samples_of_whole_seeds(lost):
    table = grid(4, 1).drop(index=range(lost))
    drawn = np.random.default_rng(0).multinomial(4, [0.25] * 4, 60)
    shares = []
    for counts in drawn:
        copies = [
            table[table["seed"] == s].assign(seed=10 * s + i)
            for s, count in enumerate(counts)
            for i in range(count)
        ]
        sample = pd.concat(copies, ignore_index=True)
        shares.append(variance_shares(sample, STUDY, 1).set_index(["factor", "other"])["share"])
    oracle = pd.concat(shares, axis=1).quantile([0.025, 0.975], axis=1)
    found = variance_shares(table, STUDY, 60).set_index(["factor", "other"])
    for place in found.index:
        edges = found.loc[place, ["share_low", "share_high"]].tolist()
        assert edges == pytest.approx(oracle[place].tolist(), abs=1e-6), place


def test_omega_squared_is_about_nothing_where_there_is_nothing():
    shares = [variance_shares(grid(5, i, 0.0), STUDY, 1) for i in range(60)]
    omega = pd.concat(shares).groupby(["factor", "other"])["omega2"].mean()
    eta = pd.concat(shares).groupby(["factor", "other"])["share"].mean()
    assert omega[("a", "")] < 0.5 * eta[("a", "")]  # it is cut off at 0, so not quite nothing


def test_one_seed_has_shares_without_intervals():
    found = variance_shares(grid(1), STUDY)
    assert found["share"].notna().all()
    assert found[["share_low", "share_high", "omega2_low"]].isna().all(axis=None)


def test_constant_and_empty_tables_are_defined():
    constant = variance_shares(grid(3).assign(**{"valid/loss": 1.0}), STUDY)
    assert constant["share"].isna().all()
    empty = variance_shares(grid(3).assign(status="failed"), STUDY)
    assert empty.empty
    assert list(empty.columns) == COLUMNS

"""Main effects and interactions: R's published table, statsmodels with gaps and by seed."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.formula.api import ols
from statsmodels.stats.anova import AnovaRM, anova_lm
from statsmodels.stats.multitest import multipletests

from rnn_regexp.ablation.description import Description, Factor
from rnn_regexp.ablation.effects import effects_table
from rnn_regexp.ablation.factor_tests import (
    INTERACTIONS,
    MAIN,
    SIMPLE,
    interactions,
    main_effects,
    simple_effects,
)

# The npk experiment that R ships: block N P K yield (Venables and Ripley 2002)
PLOTS = """
1 0 1 1 49.5  1 1 1 0 62.8  1 0 0 0 46.8  1 1 0 1 57.0  2 1 0 0 59.8  2 1 1 1 58.5
2 0 0 1 55.5  2 0 1 0 56.0  3 0 1 0 62.8  3 1 1 1 55.8  3 1 0 0 69.5  3 0 0 1 55.0
4 1 0 0 62.0  4 1 1 1 48.8  4 0 0 1 45.5  4 0 1 0 44.2  5 1 1 0 52.0  5 0 0 0 51.5
5 1 0 1 49.8  5 0 1 1 48.8  6 1 0 1 57.2  6 1 1 0 59.0  6 0 1 1 53.2  6 0 0 0 56.0
"""
A, B, D = (
    Factor(name, "0", levels)
    for name, levels in (("a", ("0", "1", "2")), ("b", ("0", "1")), ("d", ("0", "1")))
)


def study(*factors: Factor, **changes) -> Description:
    given = {"name": "s", "metric": "valid/loss", "goal": "min", "seeds": (0, 1, 2)} | changes
    return Description(factors=factors, **given)


def grid(seeds: int, seed: int = 0, *factors: Factor, wobble: float = 0.0) -> pd.DataFrame:
    """Every cell at every seed; the first factor's effect varies with the seed by ``wobble``."""
    rng, factors = np.random.default_rng(seed), factors or (A, B)
    rows = [
        (*levels, s)
        for s in range(seeds)
        for levels in itertools.product(*(factor.levels for factor in factors))
    ]
    table = pd.DataFrame(rows, columns=[*(factor.key for factor in factors), "seed"])
    own = rng.normal(0, wobble, (seeds, len(factors[0].levels)))
    y = rng.normal(size=len(table)) + rng.normal(size=seeds)[table["seed"]]
    y += own[table["seed"], table[factors[0].key].astype(int)]
    y += (table["a"] == "1") * 1.0 + (table["a"] == "2") * (table["b"] == "1") * 2.0
    return table.assign(status="finished", **{"valid/loss": y})


def test_sums_of_squares_and_tests_are_those_that_r_publishes():
    # summary(aov(yield ~ block + N*P*K, npk)), the example of R's help page
    rows = np.array(PLOTS.split()).reshape(-1, 5)
    table = pd.DataFrame(rows, columns=["seed", "N", "P", "K", "yield"]).assign(status="finished")
    table = table.astype({"seed": int, "yield": float})
    npk = study(*(Factor(name, "0", ("0", "1")) for name in "NPK"), metric="yield")
    mains = main_effects(table, npk).set_index("factor")
    pairs = interactions(table, npk).set_index(["factor", "other"])
    assert mains["sum_squares"].round(1).tolist() == [189.3, 8.4, 95.2]
    assert mains["f"].round(3).tolist() == [12.259, 0.544, 6.166]
    assert mains["p_value"].round(5).tolist() == [0.00437, 0.47490, 0.02880]
    assert pairs["f"].round(3).tolist() == [1.378, 2.146, 0.031]
    assert pairs["p_value"].round(5).tolist() == [0.26317, 0.16865, 0.86275]
    assert set(mains["error_df"]) == {12}
    assert mains["error_squares"].round(1).tolist() == [185.3] * 3


def anova(table: pd.DataFrame, formula: str) -> pd.DataFrame:
    return anova_lm(ols(formula, table.rename(columns={"valid/loss": "y"})).fit(), typ=2)


@pytest.mark.parametrize("lost", [0, 5])
def test_type_two_sums_of_squares_are_those_of_statsmodels(lost):
    table = grid(5, 1, A, B, D).drop(index=range(0, 3 * lost, 3))
    described = study(A, B, D)
    oracle = anova(table, "y ~ C(seed) + (C(a) + C(b) + C(d))**2")
    found = main_effects(table, described).set_index("factor")
    both = interactions(table, described).set_index(["factor", "other"])
    for key in "abd":
        assert found.loc[key, "sum_squares"] == pytest.approx(oracle.loc[f"C({key})", "sum_sq"])
        assert found.loc[key, "df"] == oracle.loc[f"C({key})", "df"]
    for a, b in itertools.combinations("abd", 2):
        assert both.loc[(a, b), "sum_squares"] == pytest.approx(
            oracle.loc[f"C({a}):C({b})", "sum_sq"]
        )
    residual = anova(table, "y ~ C(seed) + C(a) * C(b) * C(d)").loc["Residual"]
    assert found["error_squares"].iloc[0] == pytest.approx(residual["sum_sq"])
    assert found["error_df"].iloc[0] == residual["df"]
    assert found["p_pooled"].iloc[0] == pytest.approx(
        stats.f.sf(
            found["sum_squares"].iloc[0] / 2 / (residual["sum_sq"] / residual["df"]),
            2,
            residual["df"],
        )
    )


def test_by_seed_it_is_a_repeated_measures_analysis():
    table = grid(6, 2)
    oracle = AnovaRM(table, "valid/loss", "seed", within=["a", "b"]).fit().anova_table["Pr > F"]
    assert main_effects(table, study(A, B))["p_by_seed"].tolist() == pytest.approx(
        oracle[["a", "b"]].tolist()
    )
    assert interactions(table, study(A, B))["p_by_seed"].item() == pytest.approx(oracle["a:b"])


def test_a_factor_that_varies_with_the_seed_is_judged_by_that():
    table = grid(6, 3, wobble=6.0)
    found = main_effects(table, study(A, B)).set_index("factor")
    assert found["method"].tolist() == ["by seed", "pooled"]
    assert found.loc["a", "p_value"] == found.loc["a", "p_by_seed"]
    assert found.loc["b", "p_value"] == found.loc["b", "p_pooled"]


def test_each_table_is_a_family():
    found = main_effects(grid(5, 4, A, B, D), study(A, B, D))
    assert found["p_adjusted"].tolist() == pytest.approx(
        multipletests(found["p_value"], method="holm")[1]
    )


def test_one_at_a_time_has_main_effects_and_no_interactions():
    table = grid(5, 5)
    table = table[(table["a"] == "0") | (table["b"] == "0")]
    described = study(A, B)
    assert interactions(table, described).empty
    found = main_effects(table, described).set_index("factor")
    oracle = anova(table, "y ~ C(seed) + C(a) + C(b)")
    assert found.loc["a", "p_pooled"] == pytest.approx(oracle.loc["C(a)", "PR(>F)"])


def test_a_cell_that_never_ran_takes_its_degree_of_freedom():
    table = grid(5, 6)
    table = table[(table["a"] != "2") | (table["b"] != "1")]
    found = interactions(table, study(A, B)).iloc[0]
    assert found["df"] == 1
    oracle = anova(table, "y ~ C(seed) + C(a) + C(b)").loc["Residual"]
    cells = anova(table.assign(v=table["a"] + table["b"]), "y ~ C(seed) + C(v)").loc["Residual"]
    assert found["sum_squares"] == pytest.approx(oracle["sum_sq"] - cells["sum_sq"])


def test_interactions_that_are_aliases_of_each_other_are_not_told_apart():
    names = "abcd"
    factors = tuple(Factor(name, "0", ("0", "1")) for name in names)
    rows = [(*own, str(sum(map(int, own)) % 2)) for own in itertools.product("01", repeat=3)]
    table = pd.DataFrame([(*row, s) for row in rows for s in range(8)], columns=[*names, "seed"])
    y = np.random.default_rng(7).normal(size=len(table)) + (table["a"] == "1") * 3
    table = table.assign(status="finished", **{"valid/loss": y})
    assert interactions(table, study(*factors)).empty
    found = main_effects(table, study(*factors)).set_index("factor")
    assert found["df"].tolist() == [1, 1, 1, 1]
    assert found.loc["a", "p_adjusted"] < 1e-4


def test_one_seed_has_sums_of_squares_and_no_test():
    found = main_effects(grid(1, 8), study(A, B))
    assert (found["sum_squares"] > 0).all()
    assert found[["p_value", "p_adjusted", "p_by_seed"]].isna().all(axis=None)


def test_a_constant_metric_has_no_test():
    table = grid(3, 9).assign(**{"valid/loss": 1.5})
    assert main_effects(table, study(A, B))["p_value"].isna().all()


def test_no_finished_run_leaves_empty_sums():
    table = grid(3, 10).assign(status="diverged")
    assert main_effects(table, study(A, B))["p_value"].isna().all()
    assert list(main_effects(table, study()).columns) == MAIN
    assert list(interactions(table, study(A)).columns) == INTERACTIONS


def test_simple_effects_are_the_effects_within_a_level():
    table, described = grid(8, 11), study(A, B)
    tests = interactions(table, described)
    assert tests["p_adjusted"].item() < 0.05
    found = simple_effects(table, described, tests).set_index(["factor", "level", "given_level"])
    assert len(found) == 2 * 2 + 1 * 3
    inside = table[table["b"] == "1"]
    oracle = effects_table(inside, study(A), ["valid/loss"]).set_index("level")
    own = found.loc[("a", "2", "1")]
    for column in ("estimate", "ci_low", "ci_high", "p_value", "method"):
        assert own[column] == oracle.loc["2", column]
    assert found["p_adjusted"].tolist() == pytest.approx(
        multipletests(found["p_value"], method="holm")[1]
    )


def test_without_an_interaction_there_are_no_simple_effects():
    table, described = grid(5, 12), study(A, B)
    tests = interactions(table, described).assign(p_adjusted=0.5)
    found = simple_effects(table, described, tests)
    assert found.empty
    assert list(found.columns) == SIMPLE


def test_p_values_are_even_where_nothing_matters():
    rng = np.random.default_rng(13)
    table = grid(4)
    described, wrong = study(A, B), []
    for _ in range(150):
        noise = table.assign(**{"valid/loss": rng.normal(size=len(table))})
        wrong.append(interactions(noise, described)["p_value"].item())
    assert stats.kstest(wrong, "uniform").pvalue > 0.001

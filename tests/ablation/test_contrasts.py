"""From runs to effects: who is paired with whom, what counts, which way is better."""

import math
from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower
from statsmodels.stats.proportion import proportion_confint

from rnn_regexp.ablation.contrasts import COLUMNS, judged_metrics
from rnn_regexp.ablation.description import Description, Factor, StudyError
from rnn_regexp.ablation.effects import effects_table
from rnn_regexp.ablation.inference import infer
from rnn_regexp.ablation.stars import Star

RATE = Factor("rate", "0.5", ("0", "0.5", "0.9"))
INIT = Factor("init", "a", ("a", "b"))


def study(*factors: Factor, **changes) -> Description:
    given = {"name": "s", "metric": "valid/loss", "goal": "min", "seeds": (0, 1, 2)} | changes
    return Description(factors=factors, **given)


def runs(cells, status="finished", **metrics) -> pd.DataFrame:
    """One row for each (levels..., seed, valid/loss)."""
    rows = [
        {"seed": seed, "status": status, "valid/loss": loss} | levels
        for levels, seed, loss in cells
    ]
    return pd.DataFrame(rows).assign(run_id=[f"{i:03d}" for i in range(len(rows))], **metrics)


def one_factor(losses: dict[str, list[float]]) -> pd.DataFrame:
    return runs([({"rate": k}, seed, x) for k, own in losses.items() for seed, x in enumerate(own)])


LOSSES = {"0.5": [1.0, 1.2, 1.1], "0": [1.3, 1.4, 1.6], "0.9": [0.9, 1.2, 1.0]}


def effects(table, described, metrics=("valid/loss",)) -> pd.DataFrame:
    return effects_table(table, described, list(metrics))


def test_a_lower_loss_is_a_positive_estimate():
    found = effects(one_factor(LOSSES), study(RATE)).set_index("level")
    assert found.loc["0", "estimate"] == pytest.approx(-(0.3 + 0.2 + 0.5) / 3)
    assert found.loc["0.9", "estimate"] == pytest.approx((0.1 + 0 + 0.1) / 3)
    assert found.loc["0.9", "prob_improvement"] == pytest.approx(2.5 / 3)  # a tie is half a win


def test_numbers_of_one_comparison_are_those_of_a_paired_t_test():
    two = {level: LOSSES[level] for level in ("0.5", "0")}
    found = effects(one_factor(two), study(RATE)).set_index("level")
    oracle = stats.ttest_rel(LOSSES["0.5"], LOSSES["0"])
    assert found.loc["0", "p_value"] == pytest.approx(oracle.pvalue)
    assert found.loc["0", "p_adjusted"] == pytest.approx(oracle.pvalue, rel=1e-4)
    edges = oracle.confidence_interval()
    assert found.loc["0", ["ci_low", "ci_high"]].tolist() == pytest.approx([edges.low, edges.high])


def test_a_higher_accuracy_is_a_positive_estimate():
    table = one_factor(LOSSES).rename(columns={"valid/loss": "valid/accuracy"})
    described = study(RATE, metric="valid/accuracy", goal="max")
    found = effects(table, described, ["valid/accuracy"]).set_index("level")
    assert found.loc["0", "estimate"] == pytest.approx(1 / 3)


def test_columns_and_order():
    table = one_factor(LOSSES).assign(**{"test/accuracy": 0.5, "train/loss": 1.0, "test/size": 3.0})
    found = effects(table, study(RATE), ["train/loss", "valid/loss", "test/accuracy", "test/size"])
    assert list(found.columns) == COLUMNS
    assert found["metric"].tolist() == ["valid/loss"] * 2 + ["test/accuracy"] * 2
    assert found["level"].tolist() == ["0", "0.9"] * 2


def test_the_primary_metric_at_the_best_epoch_comes_first():
    names = ["valid/loss", "test/loss", "best/valid/loss", "best/test/loss", "best/epoch"]
    order = judged_metrics(study(RATE, evaluate="best"), names)
    assert order == ["best/valid/loss", "best/test/loss", "valid/loss", "test/loss"]


def test_runs_are_paired_within_a_seed_and_not_by_position():
    table = one_factor(LOSSES)
    shuffled = table.sample(frac=1, random_state=3)
    pd.testing.assert_frame_equal(
        effects(shuffled, study(RATE)), effects(table, study(RATE)), check_exact=False
    )


def test_one_at_a_time_pairs_with_the_baseline_of_the_other_factors():
    cells = [({"rate": "0.5", "init": "a"}, s, 1.0 + s) for s in range(3)]
    cells += [({"rate": "0", "init": "a"}, s, 1.5 + s + s / 10) for s in range(3)]
    cells += [({"rate": "0.5", "init": "b"}, s, 9.0 + s) for s in range(3)]
    found = effects(runs(cells), study(RATE, INIT)).set_index(["factor", "level"])
    assert found.loc[("rate", "0"), "n_pairs"] == 3
    assert found.loc[("rate", "0"), "estimate"] == pytest.approx(-0.6)
    assert found.loc[("init", "b"), "estimate"] == pytest.approx(-8)


def grid(seeds: int, effect: float, noise: float, rng, studies: int = 1) -> pd.DataFrame:
    """A 2 x 2 grid; each further metric is another study on the same grid.

    ``noise`` is what a level does with one seed beyond its effect.
    """
    table = pd.DataFrame(
        product(range(seeds), ("0.5", "0"), ("a", "b")), columns=["seed", "rate", "init"]
    )
    own = rng.normal(0, noise, (seeds, studies))[table["seed"]]
    losses = (table[["rate"]] == "0").to_numpy() * (effect + own)
    losses = losses + rng.normal(0, 0.01, losses.shape)
    names = ["valid/loss", *(f"valid/{i}_loss" for i in range(1, studies))]
    table = pd.concat([table, pd.DataFrame(losses, columns=names)], axis=1)
    return table.assign(run_id=table.index.astype(str), status="finished")


def by_pair(table: pd.DataFrame, metric: str) -> pd.Series:
    """0.5 minus 0 of each cell, from the wide table."""
    wide = table.pivot_table(metric, ["seed", "init"], "rate")
    return wide["0.5"] - wide["0"]


def test_a_grid_pairs_every_cell_and_counts_each_seed_once():
    table = grid(4, 0.5, 0.1, np.random.default_rng(1))
    found = effects(table, study(RATE, INIT)).set_index(["factor", "level"])
    assert found.loc[("rate", "0"), "n_pairs"] == 8
    oracle = stats.ttest_1samp(by_pair(table, "valid/loss").groupby("seed").mean(), 0)
    assert found.loc[("rate", "0"), "p_value"] == pytest.approx(oracle.pvalue)


def test_intervals_of_a_grid_cover_the_truth_where_seeds_differ_in_the_effect():
    table = grid(4, 0.0, 0.1, np.random.default_rng(7), studies=120)
    metrics = [name for name in table.columns if name.startswith("valid/")]
    found = effects(table, study(RATE, INIT), metrics).query("factor == 'rate' and level == '0'")
    covered = (found["ci_low"] < 0) & (found["ci_high"] > 0)
    naive = [stats.ttest_1samp(by_pair(table, m), 0).pvalue > 0.05 for m in metrics]
    assert covered.mean() == pytest.approx(0.95, abs=0.06)  # 3 standard errors
    assert np.mean(naive) < 0.87  # cells of one seed are no independent evidence


def test_runs_that_diverged_are_no_pairs_and_are_counted():
    table = one_factor(LOSSES)
    table.loc[4, "status"] = "diverged"  # level 0, seed 1
    table.loc[6, "status"] = "failed"  # level 0.9, seed 0
    found = effects(table, study(RATE)).set_index("level")
    assert found["n_pairs"].tolist() == [2, 2]
    assert found["n_diverged"].tolist() == [1, 0]
    assert found.loc["0", "estimate"] == pytest.approx(-0.4)


def test_a_seed_whose_baseline_diverged_is_no_pair_and_not_the_levels_fault():
    table = one_factor(LOSSES)
    table.loc[0, "status"] = "diverged"
    found = effects(table, study(RATE))
    assert found["n_pairs"].tolist() == [2, 2]
    assert found["n_diverged"].tolist() == [0, 0]


def test_all_comparisons_of_a_metric_are_one_family():
    rng = np.random.default_rng(4)
    levels = {"0.5": rng.normal(size=5), "0": rng.normal(size=5), "0.9": rng.normal(size=5)}
    cells = [
        ({"rate": k, "init": "a"}, s, x) for k, own in levels.items() for s, x in enumerate(own)
    ]
    cells += [({"rate": "0.5", "init": "b"}, s, x) for s, x in enumerate(rng.normal(size=5))]
    table = runs(cells)
    found = effects(table, study(RATE, INIT))
    p = found["p_paired"].sort_values()
    expected = (p * [3, 2, 1]).cummax().clip(upper=1).sort_index()
    np.testing.assert_allclose(found["p_holm"], expected)
    wide = table.assign(v=table["rate"] + table["init"]).pivot(index="seed", columns="v")
    columns = wide["valid/loss"][["0a", "0.9a", "0.5b"]].sub(wide["valid/loss"]["0.5a"], axis=0)
    oracle = infer(-columns.to_numpy(), [Star(np.arange(3))])  # one baseline: one star
    np.testing.assert_allclose(found["p_adjusted"], oracle.p_adjusted)
    assert found["method"].tolist() == oracle.method.tolist()


def test_a_factorial_has_a_star_for_each_factor():
    table = grid(6, 0.0, 0.0, np.random.default_rng(5))
    found = effects(table, study(RATE, INIT)).set_index("factor")
    wide = table.pivot(index="seed", columns=["rate", "init"], values="valid/loss")
    rate = (wide["0.5"] - wide["0"]).mean(axis=1)
    init = (wide.xs("a", axis=1, level=1) - wide.xs("b", axis=1, level=1)).mean(axis=1)
    both = np.stack([rate, init], axis=1)
    oracle = infer(both, [Star(np.array([0]), 2), Star(np.array([1]), 2)])
    np.testing.assert_allclose(found.loc[["rate", "init"], "p_pooled"].dropna(), oracle.p_pooled)


def words(losses: dict[str, list[float]], **changes) -> dict[str, str]:
    found = effects(one_factor(losses), study(RATE, **changes))
    return dict(zip(found["level"], found["verdict"], strict=True))


BASE = [1.0, 1.2, 1.1, 1.3, 0.9]


def shifted(amount: float, spread: float = 0.01) -> list[float]:
    return [
        x + amount + spread * wobble for x, wobble in zip(BASE, (1, -1, 0.5, -0.5, 0), strict=True)
    ]


def test_clear_differences_help_or_hurt():
    found = words({"0.5": BASE, "0": shifted(0.3), "0.9": shifted(-0.3)})
    assert found == {"0": "hurts", "0.9": "helps"}


def test_what_is_open_says_how_many_seeds_are_missing():
    losses = {"0.5": BASE, "0": shifted(0.03, 0.04), "0.9": shifted(0.0001, 4)}
    found = effects(one_factor(losses), study(RATE)).set_index("level")
    assert found["method"].tolist() == ["paired t"] * 2
    change = np.subtract(losses["0"], BASE)
    bias = 1 - 3 / (4 * 4 - 1)  # the usual approximation of Hedges' factor, 4 degrees of freedom
    effect = bias * change.mean() / change.std(ddof=1)
    wanted = TTestPower().solve_power(effect, alpha=0.05 / 2, power=0.8)  # two comparisons are open
    missing = math.ceil(wanted) - 5
    assert found.loc["0", "verdict"] == f"undecided (about {missing} more seeds)"
    assert found.loc["0", "more_seeds"] == missing
    assert found.loc["0.9", "verdict"] == "undecided (over 100 more seeds)"


def test_pooled_comparisons_plan_with_the_pooled_variance():
    rng = np.random.default_rng(6)
    losses = {"0.5": rng.normal(size=5), "0": rng.normal(size=5) + 0.6, "0.9": rng.normal(size=5)}
    found = effects(one_factor(losses), study(RATE)).set_index("level").loc["0"]
    assert found["method"] == "pooled"
    level = 2 * stats.t.sf((found["sim_high"] - found["estimate"]) / _error(found), found["df"])
    more = found["more_seeds"]
    rate = found["df"] / 4
    effect = abs(found["estimate"]) / (_error(found) * np.sqrt(5))
    effect *= 1 - 3 / (4 * found["df"] - 1)
    reach = [_power(effect, 5 + n, rate, level) for n in (more - 1, more)]
    assert reach[0] < 0.8 + 0.02
    assert reach[1] > 0.8 - 0.02


def _error(row) -> float:
    return (row["ci_high"] - row["estimate"]) / stats.t.ppf(0.975, row["df"])


def _power(effect: float, seeds: int, rate: float, level: float) -> float:
    df = (seeds - 1) * rate
    return float(stats.nct.sf(stats.t.isf(level / 2, df), df, effect * np.sqrt(seeds)))


def test_a_margin_makes_no_difference_a_finding():
    losses = {"0.5": BASE, "0": shifted(0.3), "0.9": shifted(0.001)}
    assert words(losses, margin=0.05)["0.9"] == "no difference larger than 0.05"
    assert words(losses)["0.9"].startswith("undecided")
    # A difference that is surely smaller than what matters is none, significant or not.
    losses["0.9"] = shifted(0.02, 0.001)
    assert words(losses, margin=0.05)["0.9"] == "no difference larger than 0.05"
    assert words(losses)["0.9"] == "hurts"


def test_a_margin_is_in_units_of_the_primary_metric_alone():
    table = one_factor({"0.5": BASE, "0": shifted(0.001)})
    table["test/loss"] = table["valid/loss"]
    found = effects(table, study(RATE, margin=0.05), ["valid/loss", "test/loss"])
    assert found.groupby("metric")["verdict"].first()["test/loss"].startswith("undecided")


def test_identical_runs_are_called_identical():
    found = words({"0.5": BASE, "0": BASE, "0.9": shifted(0.3)})
    assert found["0"] == "no difference (identical pairs)"


def test_an_equal_shift_in_every_pair_is_decided():
    assert words({"0.5": BASE, "0": [x + 0.25 for x in BASE]})["0"] == "hurts"


def test_a_row_says_what_it_rests_on():
    table = one_factor(LOSSES)
    table.loc[4, "status"] = "failed"  # level 0, seed 1
    found = effects(table, study(RATE)).set_index("level")
    assert found.loc["0", "note"] == "among the 2 of 3 pairs that both finished"
    assert found.loc["0", "n_failed"] == 1
    assert found.loc["0.9", "note"] == "3 pairs"
    assert found.loc["0.9", "n_seeds"] == 3


def test_intervals_at_once_are_wider_than_one_and_the_detectable_effect_wider_still():
    rng = np.random.default_rng(7)
    found = effects(one_factor({k: rng.normal(size=5) for k in LOSSES}), study(RATE))
    single = found["ci_high"] - found["estimate"]
    together = found["sim_high"] - found["estimate"]
    assert (single < together).all()
    assert (together < found["detectable"]).all()


def test_the_chance_of_improvement_has_an_interval_over_seeds():
    found = effects(one_factor(LOSSES), study(RATE)).set_index("level").loc["0"]
    low, high = proportion_confint(0, 3, method="wilson")
    assert [found["prob_low"], found["prob_high"]] == pytest.approx([low, high])


def test_equivalence_is_corrected_for_the_number_of_claims():
    losses = {"0.5": BASE, "0": shifted(0.001, 0.02), "0.9": shifted(-0.003, 0.03)}
    found = effects(one_factor(losses), study(RATE, margin=0.05))
    error = (found["ci_high"] - found["estimate"]) / stats.t.ppf(0.975, found["df"])
    raw = stats.t.sf((0.05 - found["estimate"].abs()) / error, found["df"])
    expected = multipletests(raw, method="holm")[1]
    assert (expected > raw * 1.5).any()
    np.testing.assert_allclose(found["p_equivalence"], expected)
    assert (found["p_equivalence"] < 0.05).all()
    assert effects(one_factor(losses), study(RATE))["p_equivalence"].isna().all()


def test_a_variant_and_seed_may_stand_there_once():
    table = pd.concat([one_factor(LOSSES), one_factor(LOSSES)[4:5]])
    with pytest.raises(StudyError, match="rate=0 with seed 1: each may stand"):
        effects(table, study(RATE))


def test_a_constant_metric_is_identical_everywhere():
    found = effects(one_factor({level: [1.0, 1.0, 1.0] for level in LOSSES}), study(RATE))
    assert set(found["verdict"]) == {"no difference (identical pairs)"}
    assert (found["p_adjusted"] == 1).all()


def test_missing_cells_of_a_factorial_leave_the_pairs_there_are():
    table = grid(4, 0.5, 0.05, np.random.default_rng(8))
    whole = effects(table, study(RATE, INIT)).set_index(["factor", "level"])
    part = table[~((table["rate"] == "0") & (table["init"] == "b"))]
    found = effects(part, study(RATE, INIT)).set_index(["factor", "level"])
    assert found.loc[("rate", "0"), "n_pairs"] == 4
    assert whole.loc[("rate", "0"), "n_pairs"] == 8
    only_a = table[table["init"] == "a"].pivot(index="seed", columns="rate", values="valid/loss")
    assert found.loc[("rate", "0"), "estimate"] == pytest.approx(
        (only_a["0.5"] - only_a["0"]).mean()
    )


def test_unequal_seeds_compare_the_seeds_that_both_have():
    table = one_factor({"0.5": BASE, "0": shifted(0.3)[:3], "0.9": shifted(-0.3)})
    found = effects(table, study(RATE)).set_index("level")
    assert found["n_seeds"].tolist() == [3, 5]
    assert found.loc["0", "estimate"] == pytest.approx(
        -np.subtract(shifted(0.3)[:3], BASE[:3]).mean()
    )
    assert found["verdict"].tolist() == ["hurts", "helps"]


def test_an_a_a_study_finds_nothing_more_often_than_it_may():
    """Levels that differ in name alone, in 300 studies."""
    rng = np.random.default_rng(9)
    names = [f"valid/{i}_loss" for i in range(300)]
    cells = pd.DataFrame(product(range(5), ("0.5", "0", "0.9", "x", "y")), columns=["seed", "rate"])
    block = rng.normal(size=(5, 300))[cells["seed"]]
    losses = pd.DataFrame(block + rng.normal(size=block.shape), columns=names)
    table = pd.concat([cells, losses], axis=1).assign(run_id=cells.index, status="finished")
    null = study(Factor("rate", "0.5", ("0.5", "0", "0.9", "x", "y")), metric=names[0])
    found = effects(table, null, names)
    wrong = found["verdict"].isin(["helps", "hurts"]).groupby(found["metric"]).any()
    assert wrong.mean() < 0.05 + 3 * math.sqrt(0.05 * 0.95 / 300)


def test_one_pair_says_so_and_has_no_interval():
    found = effects(one_factor({"0.5": [1.0], "0": [1.5]}), study(RATE)).set_index("level")
    assert found.loc["0", "verdict"] == "undecided (only 1 pair)"
    assert found.loc["0", "estimate"] == -0.5
    numbers = ["ci_low", "ci_high", "p_value", "p_adjusted", "effect_size"]
    assert found.loc["0", numbers].isna().all()
    assert found.loc["0.9", "verdict"] == "undecided (no runs yet)"


def test_a_grid_on_one_seed_has_no_interval():
    found = effects(grid(1, 0.5, 0, np.random.default_rng(0)), study(RATE, INIT))
    assert found.loc[0, "verdict"] == "undecided (only 1 seed)"
    assert found.loc[0, "n_pairs"] == 2


def test_a_level_that_always_diverged_is_called_so_and_one_without_a_baseline_is_open():
    table = one_factor(LOSSES)
    table.loc[table["rate"] == "0", "status"] = "diverged"
    found = effects(table, study(RATE)).set_index("level")
    assert found.loc["0", "verdict"] == "diverged"
    assert found.loc["0", "n_diverged"] == 3
    assert math.isnan(found.loc["0", "estimate"])
    table = one_factor(LOSSES)
    table.loc[table["rate"] == "0.5", "status"] = "diverged"
    found = effects(table, study(RATE))
    assert set(found["verdict"]) == {"undecided (no baseline run finished)"}


def test_without_factors_there_are_no_effects():
    found = effects(runs([({}, 0, 1.0), ({}, 1, 1.1)]), study())
    assert list(found.columns) == COLUMNS
    assert found.empty

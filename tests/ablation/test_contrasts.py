"""From runs to effects: who is paired with whom, what counts, which way is better."""

import math
from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower

from rnn_regexp.ablation.contrasts import COLUMNS, effects_table, judged_metrics
from rnn_regexp.ablation.description import Description, Factor

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


def test_numbers_are_those_of_a_paired_t_test():
    found = effects(one_factor(LOSSES), study(RATE)).set_index("level")
    oracle = stats.ttest_rel(LOSSES["0.5"], LOSSES["0"])
    assert found.loc["0", "p_value"] == pytest.approx(oracle.pvalue)
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


def test_holm_runs_over_all_comparisons_of_a_metric():
    cells = [
        ({"rate": k, "init": "a"}, s, x) for k, own in LOSSES.items() for s, x in enumerate(own)
    ]
    cells += [({"rate": "0.5", "init": "b"}, s, x) for s, x in enumerate([1.5, 1.75, 1.61])]
    found = effects(runs(cells), study(RATE, INIT))
    p = found["p_value"].sort_values()
    expected = (p * [3, 2, 1]).cummax().clip(upper=1).sort_index()
    np.testing.assert_allclose(found["p_adjusted"], expected)


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
    level = shifted(0.03, 0.04)
    found = words({"0.5": BASE, "0": level, "0.9": shifted(0.0001, 0.2)})
    change = np.subtract(level, BASE)
    bias = 1 - 3 / (4 * 4 - 1)  # the usual approximation of Hedges' factor, 4 degrees of freedom
    effect = bias * change.mean() / change.std(ddof=1)
    wanted = TTestPower().solve_power(effect, alpha=0.05 / 2, power=0.8)  # two comparisons are open
    assert found["0"] == f"undecided (about {math.ceil(wanted) - 5} more seeds)"
    assert found["0.9"] == "undecided (over 100 more seeds)"


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

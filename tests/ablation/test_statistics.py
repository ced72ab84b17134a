"""Paired inference against other implementations, by hand, and by simulation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower
from statsmodels.stats.weightstats import DescrStatsW

from rnn_regexp.ablation.statistics import (
    MANY_SEEDS,
    detectable,
    equivalence,
    hedges_factor,
    holm,
    more_seeds,
    paired_t,
    power,
)

NAN = np.nan
TABLES = arrays(
    np.float64,
    st.tuples(st.integers(3, 8), st.integers(1, 4)),
    elements=st.integers(-1000, 1000).map(lambda n: n / 64),  # sums of these are exact
)


def column(*values: float) -> np.ndarray:
    return np.array(values, dtype=float)[:, None]


def test_agrees_with_scipy_on_pairs():
    rng = np.random.default_rng(1)
    level, baseline = rng.normal(1.4, 0.1, (2, 6, 40))
    found, oracle = paired_t(level - baseline), stats.ttest_rel(level, baseline)
    edges = oracle.confidence_interval(0.95)
    np.testing.assert_allclose(found.p_value, oracle.pvalue, rtol=1e-10)
    np.testing.assert_allclose([found.low, found.high], [edges.low, edges.high], rtol=1e-10)


def test_agrees_with_a_sum_worked_by_hand():
    # differences 1, 2, 3, 6: mean 3; deviations -2, -1, 0, 3: s^2 = 14/3, s = 2.1602, s/sqrt(4) =
    # 1.0801; t(0.975, 3) = 3.1824, so 3 -+ 3.4374; t = 2.7775, p = 0.0692 (table: 0.05 < p < 0.1);
    # J(3) = G(1.5) / (sqrt(1.5) G(1)) = 0.8862 / 1.2247 = 0.7236; d = 0.7236 * 3 / 2.1602 = 1.0049
    found = paired_t(column(1, 2, 3, 6))
    assert found.count.tolist() == [4]
    assert found.mean.item() == 3
    assert found.low.item() == pytest.approx(-0.4374, abs=1e-4)
    assert found.high.item() == pytest.approx(6.4374, abs=1e-4)
    assert found.p_value.item() == pytest.approx(0.0692, abs=1e-4)
    assert found.effect_size.item() == pytest.approx(1.0049, abs=1e-4)


def test_missing_pairs_are_left_out_column_by_column():
    together = paired_t(np.array([[1.0, 2.0], [NAN, 4.0], [3.0, 7.0], [4.0, NAN]]))
    for c, alone in enumerate([paired_t(column(1, 3, 4)), paired_t(column(2, 4, 7))]):
        for field in ("count", "mean", "low", "high", "p_value", "effect_size"):
            assert getattr(together, field)[c] == getattr(alone, field)[0], field


def test_one_pair_has_an_estimate_alone_and_none_has_nothing():
    found = paired_t(np.array([[0.3, NAN], [NAN, NAN]]))
    assert found.count.tolist() == [1, 0]
    np.testing.assert_array_equal(found.mean, [0.3, NAN])
    for field in (found.low, found.high, found.p_value, found.effect_size):
        assert np.isnan(field).all()


def test_no_spread_at_all_is_defined():
    found = paired_t(np.array([[0.0, 0.1, -2.0], [0.0, 0.1, -2.0], [0.0, 0.1, -2.0]]))
    assert found.p_value.tolist() == [1, 0, 0]
    assert found.effect_size.tolist() == [0, np.inf, -np.inf]
    np.testing.assert_array_equal(found.low, found.mean)
    np.testing.assert_array_equal(found.high, found.mean)
    assert more_seeds(found.count, found.effect_size, 0.05).tolist() == [MANY_SEEDS + 1, 0, 0]


def test_differences_equal_up_to_rounding_have_no_spread():
    baseline = np.array([1.1, 1.3, 1.7, 1.9])
    assert paired_t(((baseline + 0.1) - baseline)[:, None]).deviation.item() == 0


@settings(deadline=None)
@given(TABLES, st.integers(-100, 100))
def test_adding_a_constant_moves_the_interval_and_keeps_its_width(table, constant):
    plain, moved = paired_t(table), paired_t(table + constant)
    np.testing.assert_allclose(moved.mean, plain.mean + constant, atol=1e-9)
    np.testing.assert_allclose(moved.high - moved.low, plain.high - plain.low, atol=1e-9)


@settings(deadline=None)
@given(TABLES)
def test_exchanging_level_and_baseline_changes_signs_alone(table):
    plain, flipped = paired_t(table), paired_t(-table)
    np.testing.assert_array_equal(flipped.mean, -plain.mean)
    np.testing.assert_array_equal(flipped.low, -plain.high)
    np.testing.assert_array_equal(flipped.p_value, plain.p_value)
    np.testing.assert_array_equal(flipped.effect_size, -plain.effect_size)


@settings(deadline=None)
@given(TABLES, st.randoms())
def test_the_order_of_the_seeds_does_not_matter(table, random):
    order = list(range(len(table)))
    random.shuffle(order)
    plain, shuffled = paired_t(table), paired_t(table[order])
    np.testing.assert_allclose(shuffled.p_value, plain.p_value, rtol=1e-9)
    np.testing.assert_allclose(shuffled.low, plain.low, rtol=1e-9, atol=1e-9)


@settings(deadline=None)
@given(TABLES)
def test_nothing_is_undefined_from_three_pairs_on(table):
    found = paired_t(table)
    assert not np.isnan([found.mean, found.low, found.high, found.p_value]).any()
    assert not np.isnan(found.effect_size).any()
    assert ((found.p_value >= 0) & (found.p_value <= 1)).all()


def test_holm_by_hand():
    # sorted 0.01, 0.03, 0.04, 0.9 times 4, 3, 2, 1 gives 0.04, 0.09, 0.08, 0.9, never falling
    found = holm(np.array([0.01, NAN, 0.04, 0.03, 0.9]))
    np.testing.assert_allclose(found, [0.04, NAN, 0.09, 0.09, 0.9])


@pytest.mark.parametrize("seed", range(5))
def test_holm_agrees_with_statsmodels(seed):
    p_values = np.random.default_rng(seed).beta(0.4, 2, 13).round(2)  # with ties
    expected = multipletests(p_values, method="holm")[1]
    np.testing.assert_allclose(holm(p_values), expected)


def test_holm_of_an_empty_family():
    assert np.isnan(holm(np.array([NAN, NAN]))).all()


def test_tables_that_stand_together_are_separate():
    rng = np.random.default_rng(8)
    tables = rng.normal(size=(3, 5, 4))
    tables[1, 2, 3] = NAN
    together = paired_t(tables)
    for i, table in enumerate(tables):
        np.testing.assert_array_equal(together.p_value[i], paired_t(table).p_value)
        np.testing.assert_array_equal(holm(together.p_value)[i], holm(together.p_value[i]))


def test_equivalence_agrees_with_two_one_sided_tests_of_statsmodels():
    table = np.random.default_rng(2).normal(0.02, 0.1, (7, 60))
    table[:, 0] += 1  # far outside the margin
    found = paired_t(table)
    p_values = equivalence(found.mean, found.deviation / np.sqrt(7), found.count - 1, 0.1)
    oracle = [DescrStatsW(one).ttost_mean(-0.1, 0.1)[0] for one in table.T]
    np.testing.assert_allclose(p_values, oracle, rtol=1e-9)
    assert p_values[0] > 0.99


def test_what_does_not_vary_is_surely_inside_the_margin_or_outside():
    still = np.zeros(2)
    p_values = equivalence(np.array([0.05, 0.2]), still, np.array([3, 3]), 0.1)
    assert p_values.tolist() == [0, 1]


@pytest.mark.parametrize("seeds", [3, 5, 20])
def test_the_detectable_difference_is_found_as_often_as_it_says(seeds):
    bound = stats.t.ppf(0.975, seeds - 1)
    least = detectable(np.array(1 / np.sqrt(seeds)), np.array(seeds - 1.0), np.array(bound))
    assert TTestPower().power(float(least), seeds, 0.05) == pytest.approx(0.8, abs=1e-4)


@pytest.mark.parametrize("alpha", [0.05, 0.01])
@pytest.mark.parametrize("effect", [0.0, 0.3, 0.8, 2.0])
def test_power_agrees_with_statsmodels(effect, alpha):
    counts = np.array([3, 5, 12, 40])
    oracle = [TTestPower().power(effect, n, alpha) for n in counts]
    # statsmodels leaves out the opposite tail where the effect is large; it is below 1e-8 there
    np.testing.assert_allclose(power(counts, np.full(4, effect), alpha), oracle, atol=1e-6)


def test_power_of_a_huge_effect_is_one_and_not_undefined():
    grid = power(np.full(50, 12), np.geomspace(5, 1e6, 50), 1e-3)
    np.testing.assert_allclose(grid, 1, atol=1e-6)


@pytest.mark.parametrize("rate", [1.0, 13.0])
@pytest.mark.parametrize("alpha", [0.05, 0.05 / 13])
def test_more_seeds_is_the_least_number_with_enough_power(alpha, rate):
    found = paired_t(np.random.default_rng(3).normal(0.8, 1, (5, 30)))
    effect = np.abs(found.effect_size)
    more = more_seeds(found.count, found.effect_size, alpha, rate)
    known = (more <= MANY_SEEDS) & (more > 1)
    assert known.sum() > 5
    assert (power(found.count + more, effect, alpha, rate)[known] >= 0.8).all()
    assert (power(found.count + more - 1, effect, alpha, rate)[known] < 0.8).all()


def test_pooled_degrees_of_freedom_save_seeds():
    counts, effect = np.array([3]), np.array([1.5])
    alone, together = (more_seeds(counts, effect, 0.004, rate)[0] for rate in (1.0, 13.0))
    assert alone > together > 0


def test_a_tiny_effect_needs_more_than_the_cap():
    found = paired_t(column(1, -1, 1.01, -1))
    assert more_seeds(found.count, found.effect_size, 0.05).item() == MANY_SEEDS + 1


def test_the_correction_of_effect_sizes_removes_their_bias():
    rng = np.random.default_rng(4)
    found = paired_t(rng.normal(0.8, 1, (5, 40000)))
    assert found.effect_size.mean() == pytest.approx(0.8, abs=0.01)
    assert hedges_factor(np.array([10**6])).item() == pytest.approx(1, abs=1e-5)


def test_intervals_cover_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(5)
    found = paired_t(rng.normal(0.3, 0.2, (5, 20000)))
    covered = (found.low < 0.3) & (found.high > 0.3)
    assert covered.mean() == pytest.approx(0.95, abs=0.006)  # 4 standard errors


def test_p_values_reject_as_often_as_they_say_where_there_is_no_effect():
    rng = np.random.default_rng(6)
    families = paired_t(rng.normal(0, 1, (5, 13 * 2000))).p_value.reshape(2000, 13)
    assert (families < 0.05).mean() == pytest.approx(0.05, abs=0.006)
    false_claims = np.mean([(holm(family) < 0.05).any() for family in families])
    assert false_claims < 0.05 + 0.015

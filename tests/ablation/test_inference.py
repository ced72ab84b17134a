"""Which analysis counts, what it says, and how often that is wrong."""

import numpy as np
import pytest
from scipy import stats

from rnn_regexp.ablation.inference import PAIRED, POOLED, SIGN_FLIPS, infer
from rnn_regexp.ablation.many_to_one import bound, tail
from rnn_regexp.ablation.sign_flips import sign_flips
from rnn_regexp.ablation.spread import pooled
from rnn_regexp.ablation.stars import Star
from rnn_regexp.ablation.statistics import holm, paired_t

NAN = np.nan


def table(seeds: int, levels: int, seed: int = 0, deviation=1.0, effect=0.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    runs = rng.normal(size=(seeds, 1 + levels)) * np.broadcast_to(deviation, 1 + levels)
    return runs[:, 1:] - runs[:, :1] + effect


def of(differences: np.ndarray, **options):
    return infer(differences, [Star(np.arange(differences.shape[-1]))], **options)


def test_the_pooled_analysis_is_t_with_the_common_variance():
    own = table(5, 6, seed=1)
    found, spread = of(own), pooled(own)
    assert (found.method == POOLED).sum() >= 4
    t = own.mean(axis=0) / np.sqrt(spread.variance / 5)
    np.testing.assert_allclose(found.p_pooled, 2 * stats.t.sf(np.abs(t), spread.df))
    single = tail(t, np.array([6]), np.minimum(spread.df, spread.most_df), spread.correlation)
    np.testing.assert_allclose(found.p_single_step, np.maximum(single, found.p_pooled))
    half = stats.t.ppf(0.975, spread.df) * np.sqrt(spread.variance / 5)
    np.testing.assert_allclose((found.high - found.low)[found.pooled], 2 * half)


def test_simultaneous_intervals_and_single_step_p_values_agree():
    own = table(5, 6, seed=2, effect=np.array([0, 1, 2, 3, 4, 5]))
    found = of(own)
    low, high = found.simultaneous
    outside = (low > 0) | (high < 0)
    np.testing.assert_array_equal(outside[found.pooled], (found.p_adjusted < 0.05)[found.pooled])
    at = bound(np.array([6]), found.scale.tail_df[0], found.scale.correlation, 0.05)
    np.testing.assert_allclose(found.bound[found.pooled], at)


def test_unequal_variances_are_judged_by_paired_t_and_holm_where_seeds_are_few():
    own = table(5, 6, seed=3, deviation=np.array([1, 1, 1, 1, 1, 1, 30]), effect=2.0)
    found = of(own)
    assert (found.method == PAIRED).all()
    np.testing.assert_allclose(found.p_value, stats.ttest_1samp(own, 0).pvalue)
    np.testing.assert_allclose(found.p_adjusted, holm(found.p_value))
    np.testing.assert_allclose(found.low, paired_t(own).low)
    np.testing.assert_allclose(found.bound, stats.t.ppf(1 - 0.025 / 6, 4))


def test_and_by_sign_flips_where_they_are_many():
    own = table(10, 6, seed=4, deviation=np.array([1, 1, 1, 1, 1, 1, 30]), effect=2.0)
    found = of(own)
    assert (found.method == SIGN_FLIPS).all()
    np.testing.assert_array_equal(found.p_adjusted, sign_flips(own))


def test_one_contrast_is_a_paired_t_test():
    own = table(6, 1, seed=5, effect=0.8)
    found = of(own)
    oracle = stats.ttest_1samp(own[:, 0], 0)
    assert found.p_adjusted.item() == pytest.approx(oracle.pvalue, rel=1e-4)
    edges = oracle.confidence_interval()
    assert [found.low.item(), found.high.item()] == pytest.approx([edges.low, edges.high])


def test_what_has_one_seed_or_none_is_no_member_of_the_family():
    own = table(5, 4, seed=6)
    wide = np.concatenate([own, np.full((5, 2), NAN)], axis=1)
    wide[0, 4] = 0.3
    found, alone = of(wide), of(own)
    np.testing.assert_allclose(found.p_adjusted[:4], alone.p_adjusted, rtol=1e-6)
    assert np.isnan(found.p_adjusted[4:]).all()
    assert found.paired.mean[4] == 0.3
    assert np.isnan(found.low[4:]).all()


def test_one_seed_has_estimates_alone():
    found = of(np.array([[0.1, 0.2, 0.3]]))
    assert found.paired.mean.tolist() == [0.1, 0.2, 0.3]
    for field in (found.low, found.high, found.p_value, found.p_adjusted, found.bound):
        assert np.isnan(field).all()


def test_identical_runs_and_equal_shifts_are_certain():
    own = table(5, 4, seed=7)
    own[:, 0], own[:, 1] = 0.0, 0.25
    found = of(own)
    assert found.p_adjusted[:2].tolist() == [1, 0]
    assert found.low[:2].tolist() == found.high[:2].tolist() == [0, 0.25]


def test_what_is_not_needed_is_not_worked_out():
    own = table(5, 6, seed=8, effect=np.array([0, 0, 0, 0, 4, 5]))
    full, quick = of(own), of(own, needed=0.05, bounds=False)
    np.testing.assert_array_equal(full.p_adjusted < 0.05, quick.p_adjusted < 0.05)
    assert np.isnan(quick.bound).all()


def test_an_interval_can_have_another_level_than_the_family():
    own = table(5, 6, seed=9)
    family, both = of(own, alpha=0.01), of(own, alpha=0.01, pointwise=0.05)
    np.testing.assert_allclose(both.low, of(own).low)
    np.testing.assert_allclose(both.bound, family.bound)


def test_the_sign_of_the_effects_does_not_matter():
    own = table(5, 6, seed=10, effect=1.0)
    plain, turned = of(own), of(-own)
    np.testing.assert_allclose(plain.p_adjusted, turned.p_adjusted)
    np.testing.assert_allclose(plain.low, -turned.high)

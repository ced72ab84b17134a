"""The largest of many |t|: published tables, SciPy's multivariate t and its Dunnett test."""

import numpy as np
import pytest
from scipy import stats

from rnn_regexp.ablation import many_to_one
from rnn_regexp.ablation.many_to_one import bound, tail

HALF = np.array(0.5)


def one(contrasts: int) -> np.ndarray:
    return np.array([contrasts])


@pytest.mark.parametrize(
    ("df", "values"),
    [  # two-sided 5 %, 1 to 9 treatments: Dunnett (1964), Biometrics 20, table II
        (5, [2.57, 3.03, 3.29, 3.48, 3.62, 3.73, 3.82, 3.90, 3.97]),
        (10, [2.23, 2.57, 2.76, 2.89, 2.99, 3.07, 3.14, 3.19, 3.24]),
        (20, [2.09, 2.38, 2.54, 2.65, 2.73, 2.80, 2.86, 2.90, 2.95]),
    ],
)
def test_bounds_are_those_of_dunnetts_table(df, values):
    found = [float(bound(one(k), np.array(float(df)), HALF, 0.05)) for k in range(1, 10)]
    assert np.round(found, 2).tolist() == values


def test_bounds_of_independent_contrasts_are_the_studentized_maximum_modulus():
    # 5 %, 10 degrees of freedom: Stoline and Ury (1979), Technometrics 21, table 1
    found = [
        float(bound(np.ones(k, dtype=int), np.array(10.0), np.array(0.0), 0.05)) for k in (2, 3, 4)
    ]
    assert np.round(found, 2).tolist() == [2.61, 2.83, 2.98]


@pytest.mark.parametrize("contrasts", [1, 2, 5])
@pytest.mark.parametrize("df", [3, 8, 60])
def test_agrees_with_scipys_multivariate_t(contrasts, df):
    shape = np.full((contrasts, contrasts), 0.3) + 0.7 * np.eye(contrasts)
    law = stats.multivariate_t(shape=shape, df=df, seed=1)
    for t in (1.0, 2.2, 4.0):
        inside = law.cdf(np.full(contrasts, t), lower_limit=np.full(contrasts, -t), maxpts=100_000)
        assert tail(np.array(t), one(contrasts), np.array(df), np.array(0.3)) == pytest.approx(
            1 - inside, abs=3e-4
        )


def test_stars_are_independent_given_their_variance():
    shape = np.eye(3)
    shape[0, 1] = shape[1, 0] = 0.5
    law = stats.multivariate_t(shape=shape, df=7, seed=2)
    inside = law.cdf(np.full(3, 2.5), lower_limit=np.full(3, -2.5), maxpts=400_000)
    found = tail(np.array(2.5), np.array([2, 1]), np.array(7.0), HALF)
    assert found == pytest.approx(1 - inside, abs=3e-4)


def test_agrees_with_scipys_dunnett_test():
    rng = np.random.default_rng(3)
    control, *levels = rng.normal(size=(5, 6)) + np.array([[0], [0], [0.5], [1], [2]])
    oracle = stats.dunnett(*levels, control=control, random_state=4)
    df = 5 * 6 - 5
    found = tail(oracle.statistic, one(4), np.array(df), HALF)
    np.testing.assert_allclose(found, oracle.pvalue, atol=1e-3)


def test_one_contrast_is_students_t():
    t, df = np.array([0.3, 2.0, 5.0]), np.array([2.0, 9.0, 400.0])
    np.testing.assert_allclose(tail(t, one(1), df, HALF), 2 * stats.t.sf(t, df), atol=1e-6)


@pytest.mark.parametrize(("contrasts", "error"), [(3, 1e-6), (40, 5e-5), (300, 2e-3)])
def test_the_quadratures_have_nodes_enough(contrasts, error, monkeypatch):
    t, df = np.array([[2.0, 3.0, 6.0, 12.0]]), np.array([[2.5], [4.0], [8.0], [100.0]])
    coarse = tail(t, one(contrasts), df, HALF)
    many_to_one._normal_nodes.cache_clear()
    monkeypatch.setattr(many_to_one, "NORMAL_NODES", 200)
    monkeypatch.setattr(many_to_one, "SCALE_NODES", 160)
    fine = tail(t, one(contrasts), df, HALF)
    many_to_one._normal_nodes.cache_clear()
    np.testing.assert_allclose(coarse, fine, atol=error)


def test_more_contrasts_and_less_correlation_ask_for_more():
    df = np.array(6.0)
    by_size = [float(tail(np.array(2.5), one(k), df, HALF)) for k in (1, 2, 5, 20)]
    by_correlation = [float(tail(np.array(2.5), one(5), df, np.array(r))) for r in (0.5, 0.3, 0.0)]
    assert by_size == sorted(by_size)
    assert by_correlation == sorted(by_correlation)


def test_the_bound_is_where_the_tail_is_alpha():
    df = np.array([2.5, 8.0, 100.0])
    at = bound(one(13), df, HALF, 0.01)
    np.testing.assert_allclose(tail(at, one(13), df, HALF), 0.01, rtol=1e-4)


def test_without_a_t_or_degrees_of_freedom_there_is_no_p_value():
    found = tail(np.array([np.nan, 2.0]), one(3), np.array([5.0, np.nan]), HALF)
    assert np.isnan(found).all()
    assert np.isnan(bound(one(3), np.array(np.nan), HALF, 0.05))

"""Expected validation performance against every subset of the trials, and by simulation."""

import itertools

import numpy as np
import pandas as pd
import pytest

from rnn_regexp.ablation.budget import COLUMNS, best_of, expected_validation_performance


@pytest.mark.parametrize(("goal", "best"), [("min", min), ("max", max)])
def test_the_best_of_n_is_its_mean_over_all_subsets(goal, best):
    values = np.array([0.9, 0.3, 0.3, 1.7, 0.5, 2.2])
    mean, deviation = best_of(values, goal)
    for n in range(1, 7):
        bests = [best(own) for own in itertools.combinations(values, n)]
        assert mean[n - 1] == pytest.approx(np.mean(bests))
        assert deviation[n - 1] == pytest.approx(np.std(bests), abs=1e-9)


def test_it_is_unbiased():
    rng = np.random.default_rng(1)
    found = np.mean([best_of(rng.normal(size=8), "max")[0] for _ in range(4000)], axis=0)
    truth = [0.0, 0.5642, 0.8463, 1.0294, 1.1630]  # means of the largest of n normal values
    np.testing.assert_allclose(found[:5], truth, atol=0.03)


def test_many_trials_do_not_overflow():
    mean, _ = best_of(np.arange(1500.0), "max")
    assert mean[0] == pytest.approx(749.5)
    assert mean[-1] == 1499
    assert (np.diff(mean) >= 0).all()


def trials() -> pd.DataFrame:
    rows = [
        ("baseline", 0, 0, "finished", 1.0), ("baseline", 0, 1, "finished", 2.0),
        ("baseline", 1, 0, "finished", 0.5), ("baseline", 1, 1, "finished", 0.7),
        ("rate=0", 0, 0, "finished", 3.0), ("rate=0", 0, 1, "finished", 5.0),
        ("rate=0", 1, 0, "diverged", 9e9), ("rate=0", 1, 1, "finished", 0.1),
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["variant", "trial", "seed", "status", "valid/loss"])


def test_a_trial_is_the_mean_of_its_seeds():
    found = expected_validation_performance(trials(), "valid/loss").set_index(["variant", "budget"])
    assert found.loc[("baseline", 1), "expected"] == pytest.approx((1.5 + 0.6) / 2)
    assert found.loc[("baseline", 2), "expected"] == pytest.approx(0.6)
    assert found.loc[("baseline", 2), "n_trials"] == 2


def test_a_trial_that_lost_a_run_counts_as_the_worst():
    found = expected_validation_performance(trials(), "valid/loss").set_index(["variant", "budget"])
    own = found.loc["rate=0"]
    assert own["expected"].tolist() == [4.0, 4.0]  # the lost one counts as 4, the worst of all
    assert own["n_lost"].tolist() == [1, 1]


def test_variants_without_a_finished_trial_have_no_curve():
    table = trials()
    table.loc[table["variant"] == "rate=0", "status"] = "failed"
    found = expected_validation_performance(table, "valid/loss")
    assert set(found["variant"]) == {"baseline"}
    nothing = expected_validation_performance(table.assign(status="failed"), "valid/loss")
    assert nothing.empty
    assert list(nothing.columns) == COLUMNS

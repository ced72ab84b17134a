"""What can be found is found as often as it says."""

import numpy as np
import pytest
from statsmodels.stats.power import TTestPower

from rnn_regexp.ablation.inference import infer
from rnn_regexp.ablation.prospect import LARGE, prospect
from rnn_regexp.ablation.stars import Star


def test_one_comparison_is_planned_as_a_paired_t_test():
    found = prospect(6, 1)
    assert TTestPower().power(found.pooled, 6, 0.05) == pytest.approx(0.8, abs=2e-3)
    assert found.robust == pytest.approx(found.pooled, rel=1e-3)


def test_the_robust_analysis_is_planned_with_bonferronis_level():
    assert TTestPower().power(prospect(5, 13).robust, 5, 0.05 / 13) == pytest.approx(0.8, abs=2e-3)


@pytest.mark.parametrize(("seeds", "power"), [(3, 0.7), (5, 0.77), (10, 0.8)])
def test_the_pooled_analysis_finds_it_about_as_often_as_it_says(seeds, power):
    """A little less with 3 seeds, where the degrees of freedom are estimated, and cautiously."""
    rng, effect = np.random.default_rng(1), prospect(seeds, 13).pooled
    runs = rng.normal(size=(1500, seeds, 14))
    table = runs[..., 1:] - runs[..., :1] + effect * np.sqrt(2)
    found = infer(table, [Star(np.arange(13))], bounds=False)
    single = found.p_single_step < 0.05
    assert single.mean() == pytest.approx(power, abs=0.04)


def test_few_seeds_get_a_warning_and_many_get_none():
    assert "one seed" in prospect(1, 5).warning
    assert prospect(2, 13).pooled > LARGE
    assert f"{prospect(2, 13).pooled:.1f} standard deviations" in prospect(2, 13).warning
    assert prospect(5, 13).warning == ""

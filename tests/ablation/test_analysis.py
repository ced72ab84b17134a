"""Any tidy table: the same numbers as a study, and a clear line for what cannot be asked."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from rnn_regexp.ablation.analysis import analyse, analyse_study
from rnn_regexp.ablation.description import StudyError
from rnn_regexp.ablation.effects import effects_table

BASELINE = {"dropout": 0.5, "init": "orthogonal"}
ASKED = {"factors": ["dropout", "init"], "baseline": BASELINE, "metric": "test/accuracy"}


def table(seeds: int = 6) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    rows = list(itertools.product((0.0, 0.5), ("orthogonal", "xavier"), range(seeds)))
    found = pd.DataFrame(rows, columns=["dropout", "init", "fold"])
    better = np.where(found["dropout"] == 0, -1.0, 0.0) * np.where(found["init"] == "xavier", 3, 1)
    return found.assign(
        **{
            "test/accuracy": better
            + 0.2 * rng.normal(size=len(rows))
            + rng.normal(size=seeds)[found["fold"]]
        }
    )


def test_a_table_is_analysed_without_a_ledger():
    found = analyse(table(), **ASKED, seed_column="fold")
    effects = found.effects.set_index(["factor", "level"])
    wide = table().pivot_table("test/accuracy", "fold", "dropout")
    assert effects.loc[("dropout", "0"), "estimate"] == pytest.approx(
        (wide[0.0] - wide[0.5]).mean()
    )
    assert effects.loc[("dropout", "0"), "verdict"] == "hurts"
    assert found.interactions["p_adjusted"].item() < 0.05
    assert len(found.simple_effects) == 4
    assert found.variance_shares["share"].sum() == pytest.approx(1)
    assert found.main_effects["factor"].tolist() == ["dropout", "init"]
    assert found.aliases.empty
    assert found.looks.empty


def test_the_same_numbers_as_the_study_that_it_is():
    found = analyse(table(), **ASKED, seed_column="fold", margin=0.3)
    runs = table().rename(columns={"fold": "seed"}).assign(status="finished")
    runs = runs.astype({"dropout": str}).replace({"dropout": {"0.0": "0"}})
    again = effects_table(runs, found.study, ["test/accuracy"])
    pd.testing.assert_frame_equal(found.effects, again)
    study = analyse_study(runs, found.study, ["test/accuracy"])
    pd.testing.assert_frame_equal(found.variance_shares, study.variance_shares)


def test_a_run_without_a_number_diverged_and_is_counted():
    spoilt = table()
    spoilt.loc[0, "test/accuracy"] = np.nan
    spoilt.loc[1, "test/accuracy"] = np.inf
    found = analyse(spoilt, **ASKED, seed_column="fold")
    rates = found.divergence.set_index(["factor", "level"])
    assert rates.loc[("dropout", "0"), "n_diverged"] == 2
    row = found.effects.set_index(["factor", "level"]).loc[("dropout", "0")]
    assert row["note"] == "among the 10 of 12 pairs that both finished"


def test_one_seed_gives_estimates_without_intervals_and_says_so():
    found = analyse(table(1), **ASKED, seed_column="fold").effects
    assert found["estimate"].notna().all()
    assert found[["ci_low", "sim_low", "p_value", "p_adjusted", "detectable"]].isna().all(axis=None)
    assert found["note"].str.endswith("one seed: no interval").all()
    assert (found["method"] == "none").all()


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"metric": "test/acuracy"}, "no column test/acuracy (did you mean test/accuracy?)"),
        (
            {"factors": ["dropout", "momentum"]},
            "no column momentum (there are dropout, init, fold,",
        ),
        ({"seed_column": "seeed"}, "no column seeed ("),
        ({"baseline": {"dropout": 0.5}}, "none for init (its levels: orthogonal, xavier)"),
        (
            {"baseline": BASELINE | {"init": "xavir"}},
            "init has no level xavir (did you mean xavier?)",
        ),
        ({"goal": "up"}, "does test/accuracy get better as it grows? (max or min)"),
    ],
)
def test_what_cannot_be_asked_gets_one_line(changes, line):
    with pytest.raises(StudyError) as caught:
        analyse(table(), **(ASKED | {"seed_column": "fold"} | changes))
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_goal_that_no_name_tells_must_be_given():
    odd = table().rename(columns={"test/accuracy": "quantity"})
    with pytest.raises(StudyError, match="get better"):
        analyse(odd, **(ASKED | {"metric": "quantity", "seed_column": "fold"}))
    found = analyse(odd, **(ASKED | {"metric": "quantity", "seed_column": "fold", "goal": "min"}))
    assert found.effects["estimate"].iloc[0] > 0


def test_doubles_are_refused():
    with pytest.raises(StudyError, match="repeat a variant with the same seed"):
        analyse(pd.concat([table(), table()[:3]]), **ASKED, seed_column="fold")


def test_seeds_can_be_called_anything():
    named = table().assign(fold=table()["fold"].map("fold {}".format))
    found = analyse(named, **ASKED, seed_column="fold")
    plain = analyse(table(), **ASKED, seed_column="fold")
    pd.testing.assert_frame_equal(found.effects, plain.effects)


def test_a_two_level_factorial_agrees_with_a_paired_t_test_where_the_factor_does_not_fit():
    found = analyse(table(), **ASKED, seed_column="fold").effects.set_index("factor")
    wide = table().pivot_table("test/accuracy", "fold", "init")
    oracle = stats.ttest_rel(wide["xavier"], wide["orthogonal"])
    assert found.loc["init", "p_paired"] == pytest.approx(oracle.pvalue)

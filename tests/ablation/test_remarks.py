"""What is odd about the runs is said; what is not odd is not."""

import itertools

import pandas as pd
import pytest

from rnn_regexp.ablation.description import Description, Factor
from rnn_regexp.ablation.effects import effects_table
from rnn_regexp.ablation.remarks import remarks

FACTORS = (Factor("a", "0", ("0", "1", "2")), Factor("b", "x", ("x", "y")))


def study(**changes: object) -> Description:
    usual = {"name": "s", "metric": "loss", "goal": "min", "factors": FACTORS, "seeds": (0, 1, 2)}
    return Description(**(usual | {"design": "factorial"} | changes))


def table(seeds: int = 3) -> pd.DataFrame:
    cells = itertools.product("012", "xy", range(seeds))
    frame = pd.DataFrame(cells, columns=["a", "b", "seed"])
    frame["variant"] = frame["a"] + frame["b"]
    return frame.assign(status="finished", loss=frame["seed"] + frame["a"].astype(float) / 7)


def test_a_whole_study_has_no_remarks():
    assert remarks(table(), study()) == []


def test_one_seed():
    own = study(seeds=(0,))
    assert remarks(table(1), own) == ["one seed: estimates have neither interval nor p-value"]
    effects = effects_table(table(1), own, ["loss"])
    assert effects["estimate"].notna().all()
    assert effects[["ci_low", "ci_high", "p_value", "p_adjusted"]].isna().all(axis=None)


def test_unequal_seeds():
    own = table().drop(index=[1, 7, 8])
    assert remarks(own, study()) == [
        "unequal seeds: of 3 seeds 0x has 2, 1x has 1;"
        " only seeds that both sides of a comparison have are compared"
    ]
    assert effects_table(own, study(), ["loss"])["n_pairs"].tolist() == [4, 5, 6]


def test_seeds_that_are_added_where_verdicts_are_open_are_no_oddity():
    own = table().drop(index=[1, 7, 8])
    assert remarks(own, study(sequential={"looks": [2, 3]})) == []


def test_missing_cells_of_a_factorial():
    own = table().query("variant != '2y'")
    (line,) = remarks(own, study())
    assert line.startswith("missing cells: 1 of 6 combinations of levels have no run")
    assert effects_table(own, study(), ["loss"])["n_pairs"].tolist() == [6, 3, 6]


def test_one_factor_at_a_time_misses_nothing():
    own = table().query("a == '0' or b == 'x'")
    assert remarks(own, study(design="one_at_a_time")) == []
    assert remarks(own, study(design="")) == []  # a table that does not cross its factors
    assert len(remarks(own, study())) == 1


def test_a_constant_metric():
    own = table().assign(loss=0.5)
    assert remarks(own, study()) == ["constant metric: loss is 0.5 in every run that finished"]
    verdicts = effects_table(own, study(), ["loss"])["verdict"]
    assert verdicts.str.startswith("no difference").all()


@pytest.mark.parametrize(
    ("status", "how"), [("diverged", "diverged"), ("failed", "diverged or failed")]
)
def test_a_level_that_lost_every_run(status, how):
    own = table()
    own.loc[own["a"] == "2", "status"] = status
    lines = remarks(own, study())
    assert lines[0] == f"every run {how} at a=2: there is no effect to measure"
    effects = effects_table(own, study(), ["loss"]).set_index("level")
    assert effects.loc["2", ["n_pairs", "estimate"]].isna().tolist() == [False, True]
    assert effects.loc["2", "n_pairs"] == 0


def test_failed_runs_are_counted():
    own = table()
    own.loc[[0, 4], "status"] = "failed"
    assert remarks(own, study()) == ["2 runs failed and are not compared"]
    own.loc[4, "status"] = "diverged"
    assert remarks(own, study()) == ["1 run failed and is not compared"]

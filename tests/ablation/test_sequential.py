"""Added seeds: the alpha that is spent, verdicts that stay, variants that want more."""

import math

import numpy as np
import pandas as pd
import pytest
import yaml

from rnn_regexp.ablation.contrasts import COLUMNS, judged
from rnn_regexp.ablation.description import Description, Factor
from rnn_regexp.ablation.effects import effects_table
from rnn_regexp.ablation.sequential import (
    looks_table,
    open_variants,
    sequential_effects,
    spending,
    still_open,
)

RATE = Factor("rate", "0.5", ("0.5", "0", "0.9"))
LOOKS = (4, 8, 12)


def study(**changes) -> Description:
    given = {
        "name": "s",
        "metric": "valid/loss",
        "goal": "min",
        "seeds": tuple(range(12)),
    } | changes
    return Description(
        factors=(RATE,), sequential={"looks": list(LOOKS)} | changes.pop("stop", {}), **given
    )


def runs(seeds: int, *, clear: float = 3.0, shift: float = 0.0, seed: int = 1) -> pd.DataFrame:
    """Level 0 is worse by ``clear``, level 0.9 by ``shift``."""
    rng = np.random.default_rng(seed)
    block = rng.normal(size=12)
    rows = [
        {"rate": level, "seed": s, "valid/loss": block[s] + 0.3 * rng.normal() + more}
        for s in range(seeds)
        for level, more in (("0.5", 0.0), ("0", clear), ("0.9", shift))
    ]
    return pd.DataFrame(rows).assign(status="finished", variant=lambda t: "rate=" + t["rate"])


def test_the_shares_add_up_to_alpha():
    levels = spending(0.05, (5, 10, 15, 30))
    assert sum(levels) == pytest.approx(0.05)
    assert all(level > 0 for level in levels)
    assert levels[0] == pytest.approx(0.05 * math.log(1 + (math.e - 1) / 6))
    assert spending(0.05, (7,)) == pytest.approx([0.05])


def test_the_table_of_looks_says_what_is_spent():
    found = looks_table(study())
    assert found["n_seeds"].tolist() == list(LOOKS)
    assert found["spent"].iloc[-1] == pytest.approx(0.05)
    assert looks_table(Description("s", "m", "min", (), ())).empty


def test_a_look_judges_at_its_own_level():
    table, described = runs(4), study()
    found = sequential_effects(table, described, ["valid/loss"], look=1)
    oracle = judged(table, described, ["valid/loss"], spending(0.05, LOOKS)[0])
    assert found["verdict"].tolist() == oracle["verdict"].tolist()
    np.testing.assert_array_equal(found["ci_low"], oracle["ci_low"])
    plain = Description("s", "valid/loss", "min", (RATE,), tuple(range(12)))
    fixed = effects_table(table, plain, ["valid/loss"])
    np.testing.assert_allclose(
        found["ci_low"], fixed["ci_low"]
    )  # the single interval is that of alpha
    assert (found["sim_low"] < fixed["sim_low"]).all()  # the one for all looks is wider


def test_what_is_decided_at_a_look_stays_decided():
    table = runs(8)
    later = (table["seed"] >= 4) & (table["rate"] == "0")
    table.loc[later, "valid/loss"] += np.tile([8.0, -20.0], 2)  # as if nothing had been found
    found = sequential_effects(table, study(), ["valid/loss"]).set_index("level")
    assert found.loc["0", "verdict"] == "hurts"
    assert found.loc["0", "note"] == "8 pairs; decided at look 1 of 3, 4 seeds"
    assert found.loc["0", "p_adjusted"] > 0.05
    assert found.loc["0.9", "verdict"].startswith("undecided")
    assert list(found.reset_index()[COLUMNS].columns) == COLUMNS


def test_the_looks_reached_are_those_that_have_runs():
    found = sequential_effects(runs(8, clear=0.0), study(), ["valid/loss"])
    oracle = judged(runs(8, clear=0.0), study(), ["valid/loss"], spending(0.05, LOOKS)[1])
    np.testing.assert_array_equal(found["sim_low"], oracle["sim_low"])


def test_effects_of_a_sequential_study_are_judged_by_its_looks():
    table = runs(8)
    pd.testing.assert_frame_equal(
        effects_table(table, study(), ["valid/loss"]),
        sequential_effects(table, study(), ["valid/loss"]),
    )


def test_a_study_that_stops_by_half_width_is_open_until_its_intervals_are_narrow():
    table = runs(8)
    half = 0.5 * judged(table, study(), ["valid/loss"], 0.05).eval("ci_high - ci_low")
    described = study()
    described.sequential["stop"] = {"half_width": float(half.mean())}
    found = sequential_effects(table, described, ["valid/loss"])
    assert still_open(found, described).tolist() == (half > half.mean()).tolist()
    described.sequential["stop"] = {"half_width": 9.0}
    assert not still_open(found, described).any()


def folder_of(path, table: pd.DataFrame, **stop: float):
    """A study's folder with these runs."""
    from rnn_regexp.ledger import Ledger, RunResult

    ledger = Ledger(path)
    text = {
        "name": "s", "metric": "valid/loss", "goal": "min", "seeds": list(range(12)),
        "factors": {"rate": {"baseline": "0.5", "levels": list(RATE.levels)}},
        "sequential": {"looks": list(LOOKS), "stop": stop, "done": 1},
    }  # fmt: skip
    ledger.write("study.yaml", yaml.safe_dump(text))
    named = table.assign(run_id=[f"{i:04d}" for i in range(len(table))], cohort=0)
    ledger.write(
        "plan.csv", named[["run_id", "variant", "seed", "cohort", "rate"]].to_csv(index=False)
    )
    for row in named.to_dict("records"):
        metrics = {"valid/loss": row["valid/loss"]}
        ledger.record(RunResult(row["run_id"], row["seed"], row["status"], {}, metrics))
    return path


def test_variants_that_are_decided_get_no_more_seeds(tmp_path):
    folder = folder_of(tmp_path, runs(4, shift=0.05))
    assert open_variants(folder, 1, list(LOOKS)) == ["rate=0.9"]


def test_all_variants_are_open_where_nothing_is_clear(tmp_path):
    folder = folder_of(tmp_path, runs(4, clear=0.05))
    assert open_variants(folder, 1, list(LOOKS)) == ["rate=0", "rate=0.9"]


def test_a_wanted_half_width_counts_and_not_the_verdict(tmp_path):
    folder = folder_of(tmp_path, runs(4), half_width=0.001)
    assert open_variants(folder, 1, list(LOOKS)) == ["rate=0", "rate=0.9"]


def test_a_level_that_always_diverged_is_closed(tmp_path):
    table = runs(4, shift=0.05)
    table.loc[table["rate"] == "0", "status"] = "diverged"
    assert open_variants(folder_of(tmp_path, table), 1, list(LOOKS)) == ["rate=0.9"]

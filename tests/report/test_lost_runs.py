"""Runs that diverged or failed stay in sight."""

import pytest
from statsmodels.stats.proportion import proportion_confint

from rnn_regexp.ablation.rates import divergence
from rnn_regexp.ablation.runs_table import read_study
from rnn_regexp.ledger import DIVERGED, FAILED, Ledger
from rnn_regexp.report.lost_runs import divergence_rates, lost_runs


def rates_of(runs):
    return divergence_rates(divergence(runs.table, runs.description), runs.description)


def test_rates_of_divergence_have_wilsons_interval(make_study, made_up):
    folder = make_study()
    ledger, table = Ledger(folder), read_study(folder).table
    for run_id in table.query("dropout == '0.75' and seed < 2")["run_id"]:
        made_up.spoil(ledger, run_id, DIVERGED)
    for run_id in table.query("dropout == '0.75' and seed == 2")["run_id"]:
        made_up.spoil(ledger, run_id, FAILED)
    rates = rates_of(read_study(folder))
    assert [group.head for group in rates.groups] == ["dropout", "init"]
    rows = {row.cells[0]: row.cells[1:] for row in rates.groups[0].rows}
    low, high = proportion_confint(2, 4, method="wilson")
    assert rows["0.75"][:2] == ("2 of 4", f"50 % [{100 * low:.0f}, {100 * high:.0f}]")
    assert rows["0.75"][2:] == ("2 : 0", "1.000")
    assert rows["0.5"] == ("0 of 5", "0 % [0, 43]", "", "")


def test_each_lost_run_is_listed_with_its_reason(make_study, made_up):
    folder = make_study()
    made_up.spoil(Ledger(folder), read_study(folder).table["run_id"].iloc[0], FAILED)
    rows = [row.cells for row in lost_runs(read_study(folder)).groups[0].rows]
    assert [row[2:4] for row in rows] == [
        ("failed", "CUDA out of memory"),
        ("diverged", "not finite at step 190"),
    ]


def test_many_are_folded_away(factorial_runs):
    table = lost_runs(factorial_runs)
    assert len(table.groups[0].rows) == 18
    assert table.folded


def test_none_is_no_table(make_study):
    runs = read_study(make_study(seeds=1, diverge=False))
    assert lost_runs(runs) is None
    assert rates_of(runs) is None


@pytest.mark.parametrize("column", ["variant", "seed"])
def test_lost_runs_name_variant_and_seed(factorial_runs, column):
    lost = factorial_runs.table.query("status != 'finished'")[column].astype(str).tolist()
    place = ["variant", "seed"].index(column)
    rows = lost_runs(factorial_runs).groups[0].rows
    assert [row.cells[place] for row in rows] == lost

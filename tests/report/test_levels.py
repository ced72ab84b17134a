"""Dose and response."""

import dataclasses

import numpy as np
import pytest

from rnn_regexp.ablation.runs_table import StudyRuns, read_study
from rnn_regexp.report.levels import level_limits, levels_figure


@pytest.fixture(scope="module")
def runs(written_study) -> StudyRuns:
    return read_study(written_study)


def test_the_numbers_beside_the_figure_are_those_of_the_runs(runs):
    dropout = runs.description.factors[0]
    figure = levels_figure(runs.table, dropout, runs.description, None, "dropout")
    own = runs.table.query("dropout == '0.75'")["valid/loss"]
    row = next(row for row in figure.numbers.groups[0].rows if row.cells[0] == "0.75")
    mean, deviation, least, most = map(float, row.cells[1:5])
    assert [mean, deviation] == pytest.approx([own.mean(), own.std()], rel=1e-3)
    assert [least, most] == pytest.approx([own.min(), own.max()], rel=1e-3)
    assert row.cells[5:] == ("5", "0")
    assert f"0.75 {own.mean():.4g}" in figure.alt
    assert [row.is_baseline for row in figure.numbers.groups[0].rows] == [False, False, True, False]


def test_lost_runs_are_written_above_their_level(runs, made_up):
    init = runs.description.factors[3]
    figure = levels_figure(runs.table, init, runs.description, None, "init")
    assert "× 1 lost" in figure.svg
    assert figure.numbers.groups[0].rows[4].cells[-2:] == ("4", "1")


def test_all_panels_share_a_range_that_holds_every_run(runs):
    low, high = level_limits(runs.table, runs.description)
    values = runs.table.query("status == 'finished'")["valid/loss"]
    assert low < values.min() < values.max() < high
    assert high - low == pytest.approx(1.1 * (values.max() - values.min()))


def test_a_few_huge_values_do_not_flatten_the_rest(runs):
    table = runs.table.copy()
    table.loc[table.index[0], "valid/loss"] = 1e6
    low, high = level_limits(table, runs.description)
    assert high < 10
    dropout = runs.description.factors[0]
    assert "svg" in levels_figure(table, dropout, runs.description, (low, high), "x").svg


def test_one_value_has_no_range(runs):
    constant = runs.table.assign(**{"valid/loss": 2.0})
    assert level_limits(constant, runs.description) is None
    nothing = runs.table.assign(**{"valid/loss": np.nan})
    assert level_limits(nothing, runs.description) is None


def test_thousands_of_points_are_a_picture_and_not_thousands_of_shapes(runs):
    dropout, rows = (
        runs.description.factors[0],
        runs.table.query("variant.str.startswith('drop') or variant == 'baseline'"),
    )
    many = [
        rows.assign(seed=rows["seed"] + 5 * i, **{"valid/loss": rows["valid/loss"] + i / 999})
        for i in range(200)
    ]
    study = dataclasses.replace(runs.description, factors=(dropout,))
    table = type(rows)(np.concatenate([own.to_numpy() for own in many]), columns=rows.columns)
    figure = levels_figure(table, dropout, study, None, "dropout")
    assert figure.svg.count("<use") < 100
    assert "data:image/png" in figure.svg

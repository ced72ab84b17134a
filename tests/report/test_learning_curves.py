"""Curves over epochs with their bands."""

import dataclasses

import numpy as np
import pytest
from scipy import stats

from rnn_regexp.ablation.effects import effects_table
from rnn_regexp.ablation.runs_table import read_study
from rnn_regexp.ledger import FINISHED, RunResult
from rnn_regexp.report.learning_curves import curve, curves_figure, extremes, members


def run(seed: int, *losses: float) -> RunResult:
    history = [{"epoch": 2 * (i + 1), "valid/loss": loss} for i, loss in enumerate(losses)]
    return RunResult(f"{seed}-{losses}", seed, FINISHED, {}, history=history)


def test_bands_are_t_intervals_over_seeds():
    found = curve([run(0, 3.0, 2.0), run(1, 4.0, 2.5), run(2, 3.2, 2.2)], "valid/loss", 0.05)
    assert found.epochs.tolist() == [2, 4]
    oracle = stats.ttest_1samp([2.0, 2.5, 2.2], 0).confidence_interval(0.95)
    assert [found.low[1], found.high[1]] == pytest.approx([oracle.low, oracle.high])


def test_runs_of_one_seed_count_once():
    found = curve([run(0, 1.0), run(0, 3.0), run(1, 6.0)], "valid/loss", 0.05)
    assert found.mean.tolist() == [4.0]


def test_a_run_that_stopped_early_is_absent_behind_its_end():
    found = curve([run(0, 3.0, 2.0), run(1, 5.0)], "valid/loss", 0.05)
    assert found.mean.tolist() == [4.0, 2.0]
    assert np.isnan(found.low[1])


def test_nothing_to_draw():
    assert curve([], "valid/loss", 0.05) is None
    assert curve([run(0, 1.0)], "test/loss", 0.05) is None


def test_extremes_are_the_best_and_the_worst_level(written_study):
    runs = read_study(written_study)
    effects = effects_table(runs.table, runs.description, runs.metrics)
    dropout = runs.description.factors[0]
    assert extremes(effects, dropout, runs.description) == ["0.75", "0"]


def test_members_are_the_finished_runs_that_are_compared(written_study, made_up):
    runs = read_study(written_study)
    dropout, _, _, init = runs.description.factors
    assert len(members(runs, dropout, "0.5")) == 5  # and not the 50 of the other factors
    assert len(members(runs, init, made_up.NASTY)) == 4  # one diverged


def test_words_say_where_validation_was_best(written_study):
    runs = read_study(written_study)
    dropout = runs.description.factors[0]
    own = [run.history for run in members(runs, dropout, "0")]
    mean = np.mean([[row["valid/loss"] for row in rows] for rows in own], axis=0)
    told = f"0: best {mean.min():.3g} at epoch {mean.argmin() + 1}, {mean[-1]:.3g} at the end"
    assert told in curves_figure(runs, dropout, ["0"], "dropout").alt


@pytest.mark.parametrize(("goal", "sign"), [("min", 1), ("max", -1)])
def test_the_gap_is_positive_where_the_model_overfits(written_study, goal, sign):
    runs = read_study(written_study)
    study = dataclasses.replace(runs.description, goal=goal)
    dropout = study.factors[0]
    figure = curves_figure(dataclasses.replace(runs, description=study), dropout, ["0"], "x")
    own = [run.history[-1] for run in members(runs, dropout, "0")]
    gap = np.mean([row["valid/loss"] - row["train_eval/loss"] for row in own])
    row = next(row for row in figure.numbers.groups[0].rows if row.cells[0] == "0")
    assert float(row.cells[-1]) == pytest.approx(sign * gap, rel=1e-3)

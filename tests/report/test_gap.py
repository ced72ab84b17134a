"""The generalization gap and what choosing the epoch does."""

import pytest

from rnn_regexp.ablation.effects import effects_table
from rnn_regexp.ablation.runs_table import read_study
from rnn_regexp.report.gap import gap_sentence, gap_table, last_and_best


@pytest.fixture(scope="module")
def runs(written_study):
    return read_study(written_study)


def row_of(table, subject: str, level: str):
    group = next(group for group in table.groups if group.head == subject)
    return next(row for row in group.rows if row.cells[0] == level)


def test_the_gap_is_validation_minus_training(runs):
    _, train, held_out, gap, epoch, _ = row_of(gap_table(runs), "dropout", "0").cells
    own = runs.table.query("dropout == '0'")
    assert float(train) == pytest.approx(own["train_eval/loss"].mean(), abs=1e-3)
    assert float(held_out) == pytest.approx(own["valid/loss"].mean(), abs=1e-3)
    gaps = (own["valid/loss"] - own["train_eval/loss"]).mean()
    assert float(gap) == pytest.approx(gaps, abs=1e-3)
    assert float(epoch) == pytest.approx(own["best/epoch"].mean(), abs=0.05)


def test_the_sentence_names_the_widest_and_the_narrowest(runs):
    table = gap_table(runs)
    rows = [
        (float(row.cells[3]), group.head, row.cells[0])
        for group in table.groups
        for row in group.rows
    ]
    wide, narrow = max(rows), min(rows)
    told = gap_sentence(table)
    assert told.startswith(f"The gap is widest at {wide[1]} {wide[2]} ({wide[0]:.3f})")
    assert told.endswith(f"narrowest at {narrow[1]} {narrow[2]} ({narrow[0]:.3f}).")


def test_equal_gaps_have_no_sentence_and_no_best_epoch_no_column(factorial_runs):
    table = gap_table(factorial_runs)
    assert [column.head for column in table.columns][-1] == "gap"
    assert gap_sentence(table) == ""


def test_last_and_best_epoch_side_by_side(runs):
    effects = effects_table(runs.table, runs.description, runs.metrics)
    row = row_of(last_and_best(effects, runs.description), "dropout", "0.75")
    for place, metric in ((1, "valid/loss"), (3, "best/valid/loss")):
        own = effects[(effects["level"] == "0.75") & (effects["metric"] == metric)].iloc[0]
        assert float(row.cells[place].split()[0]) == pytest.approx(own["estimate"], abs=5e-4)
        assert row.cells[place + 1] == own["verdict"].partition(" (")[0]

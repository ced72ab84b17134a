"""Small multiples of whatever was diagnosed."""

import numpy as np
import pytest

from rnn_regexp.ablation.runs_table import read_study
from rnn_regexp.ledger import FINISHED, RunResult
from rnn_regexp.report.diagnostics import diagnostics, kinds_of, variants_shown


@pytest.fixture(scope="module")
def chapter(factorial_runs):
    return diagnostics(factorial_runs)


def test_each_kind_has_panels_with_the_baseline_first(chapter):
    kinds = [part.figures[0].title for part in chapter.parts]
    assert kinds == ["gate saturation, baseline", "gradient flow, baseline", "sparsity, baseline"]
    assert {len(part.figures) for part in chapter.parts} == {4}


def test_the_numbers_are_means_over_seeds(chapter, factorial_runs):
    flow = chapter.parts[1].figures[0].numbers
    assert [column.head for column in flow.columns][:2] == ["series", "epoch 1"]
    row = next(row for row in flow.groups[0].rows if row.cells[0] == "32")
    assert float(row.cells[1]) == pytest.approx(np.exp(-32 / 11), rel=1e-2)
    assert float(row.cells[-1]) == pytest.approx(np.exp(-32 / 16), rel=1e-2)


def test_series_of_numbers_are_in_the_order_of_numbers(chapter):
    names = [row.cells[0] for row in chapter.parts[1].figures[0].numbers.groups[0].rows]
    assert names == ["0", "1", "2", "4", "8", "16", "32", "64", "128"]
    assert ">0.001<" in chapter.parts[1].figures[0].svg  # a logarithmic axis, its labels as text


def test_a_kind_without_series_is_one_line(chapter):
    assert [row.cells[0] for row in chapter.parts[2].figures[0].numbers.groups[0].rows] == [
        "sparsity"
    ]


def test_best_worst_and_most_lost_variants_are_shown(factorial_runs):
    shown = variants_shown(factorial_runs.table, factorial_runs.description)
    means = (
        factorial_runs.table.query("status == 'finished'").groupby("variant")["valid/loss"].mean()
    )
    assert shown[:3] == ["baseline", means.idxmin(), means.idxmax()]
    lost = factorial_runs.table.query("status != 'finished'").groupby("variant").size()
    assert lost[shown[3]] == lost.max()


def test_without_diagnostics_there_is_no_chapter(written_study):
    assert diagnostics(read_study(written_study)) is None


def test_kinds_are_found_in_any_run():
    rows = [{"epoch": 1, "diagnostics/a/x/10": 1.0, "diagnostics/a/x/9": 1.0, "diagnostics/b": 2.0}]
    runs = [RunResult("0", 0, FINISHED, {}), RunResult("1", 0, FINISHED, {}, history=rows)]
    found = {"a": ["diagnostics/a/x/9", "diagnostics/a/x/10"], "b": ["diagnostics/b"]}
    assert kinds_of(runs) == found

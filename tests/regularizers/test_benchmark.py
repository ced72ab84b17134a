"""The benchmark of the techniques' costs finds a problem for each, and a plain run beside it."""

import sys

import pytest

from rnn_regexp.regularizers.clip import Clip
from scripts import benchmark_regularizers as benchmark
from tests.regularizers.catalogue import Technique, each, usual


@each
def test_each_technique_acts_on_a_problem(technique: Technique):
    assert any(problem.fits(usual(technique)) for problem in benchmark.problems())


def test_it_measures_what_the_files_set():
    found = dict(benchmark.usual())
    assert found["clip"] == usual(Clip)
    assert all(not own.neutral for own in found.values())


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
def test_a_row_compares_two_trainers_of_one_shape(monkeypatch: pytest.MonkeyPatch):
    seen: list[benchmark.Trainer] = []

    class Watched(benchmark.Trainer):
        def __init__(self, *words: object) -> None:
            super().__init__(*words)
            seen.append(self)

    monkeypatch.setattr(benchmark, "Trainer", Watched)
    row = dict(zip(benchmark.COLUMNS.split(), benchmark.row("clip", Clip(5.0), 0), strict=True))
    assert (row["technique"], row["model"], row["task"]) == ("clip", "gru", "classify")
    assert [list(own.cohort.regularizers.active) for own in seen] == [["init"], ["init", "clip"]]
    plain, own = seen
    assert plain.cohort.weights.specs == own.cohort.weights.specs
    assert plain.record.tally.steps.tolist() == own.record.tally.steps.tolist()
    figures = {name: float(row[name]) for name in benchmark.COLUMNS.split()[3:]}
    assert figures["step_low"] <= figures["step"] <= figures["step_high"]
    assert figures["plain_ms"] > 0

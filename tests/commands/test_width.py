"""How many runs train together: asked for, kept or measured, and never a reason to end."""

import math
from collections.abc import Sequence
from pathlib import Path

import pytest

from rnn_regexp.commands.width import ANY, WIDTH, width_of
from rnn_regexp.executors import Local, width
from rnn_regexp.executors.settings import Cohorts
from rnn_regexp.executors.width import Choice
from rnn_regexp.experiment import Experiment
from rnn_regexp.ledger import Ledger
from tests.ablation.planning import planned

RATES = {"rate": {"key": "regularizers.dropout.rate", "levels": [0, 0.5]}}


@pytest.mark.parametrize(
    ("kept", "chosen"), [("", 4), ("0", 4), ("many", 4), ("9" * 5000, 4), ("16\n", 16)]
)
def test_what_was_kept_is_a_number_or_is_measured(
    kept: str, chosen: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / WIDTH).write_text(kept)
    monkeypatch.setattr(width, "choose_width", lambda *words: Choice(4, {4: 1.0}))
    plan = planned(factors=RATES, seeds=2, width=ANY)
    ledger = Ledger(tmp_path)
    assert width_of(plan, Local(), ledger).width == chosen
    (asked := width_of(plan, Local(width=3), ledger)).keep(ledger)
    assert asked.width == width_of(plan, Local(), ledger).width == 3


def test_the_executor_is_told_how_long_a_run_trains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def clock(runs: Sequence[Experiment]) -> float:
        return 0.3 if len(runs) == 1 else 0.1 * len(runs)

    def note(self: Local, cohorts: Cohorts, seconds: float = math.inf) -> None:
        told.append(seconds)

    told: list[float] = []
    monkeypatch.setattr(width, "seconds_a_step", clock)
    monkeypatch.setattr(Local, "prepare", note)
    words = ("training.epochs=5", "training.limit=70", "training.batch_size=32")
    plan = planned("dataset=digits", *words, factors=RATES, seeds=2, width=ANY)
    width_of(plan, Local(), Ledger(tmp_path))
    assert told == pytest.approx([math.inf, 0.1 * 5 * 3])  # epochs, batches


def test_a_model_too_large_to_measure_is_left_to_its_runs(tmp_path: Path) -> None:
    plan = planned("model.hidden=1000000000", factors=RATES, seeds=2, width=ANY)
    found = width_of(plan, Local(), ledger := Ledger(tmp_path))
    assert found.width == 1
    assert found.why.startswith("cohorts of 1 run (the widths could not be measured: ")
    assert "\n" not in found.why
    found.keep(ledger)
    assert ledger.read(WIDTH) is None  # more memory may be free the next time

"""How many runs train together: asked for, kept or measured, and never a reason to end."""

from pathlib import Path

import pytest

from rnn_regexp.commands.width import ANY, WIDTH, width_of
from rnn_regexp.executors import Local, width
from rnn_regexp.executors.width import Choice
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
    monkeypatch.setattr(width, "choose_width", lambda *words: Choice(4, {}))
    plan = planned(factors=RATES, seeds=2, width=ANY)
    ledger = Ledger(tmp_path)
    assert width_of(plan, Local(), ledger).width == chosen
    (asked := width_of(plan, Local(width=3), ledger)).keep(ledger)
    assert asked.width == width_of(plan, Local(), ledger).width == 3


def test_a_model_too_large_to_measure_is_left_to_its_runs(tmp_path: Path) -> None:
    plan = planned("model.hidden=1000000000", factors=RATES, seeds=2, width=ANY)
    found = width_of(plan, Local(), ledger := Ledger(tmp_path))
    assert found.width == 1
    assert found.why.startswith("cohorts of 1 run (the widths could not be measured: ")
    assert "\n" not in found.why
    found.keep(ledger)
    assert ledger.read(WIDTH) is None  # more memory may be free the next time

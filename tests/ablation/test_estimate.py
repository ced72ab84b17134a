"""What a plan will cost: the arithmetic by a clock of our own, the disk by a real record."""

import pytest

from rnn_regexp.ablation import estimate as estimating
from rnn_regexp.ablation.estimate import estimate
from rnn_regexp.experiment import run_cohort
from rnn_regexp.ledger import Ledger
from tests.ablation.planning import planned

STEP, SEQUENCE_STEP = 0.5, 0.01  # seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time passes by STEP for an optimizer step and by SEQUENCE_STEP where one is evaluated."""
    now = [0.0]

    def steps(made, record, split, checkpoint) -> None:
        record.batches = -(-len(split) // made.cohort.training.batch_size)
        now[0] += STEP * record.batches

    def evaluation(cohort, split) -> None:
        now[0] += SEQUENCE_STEP * int(split.lengths.sum())

    monkeypatch.setattr(estimating, "epoch_of_steps", steps)
    monkeypatch.setattr(estimating, "evaluate", evaluation)
    monkeypatch.setattr(estimating.time, "perf_counter", lambda: now[0])


@pytest.mark.usefixtures("clock")
def test_the_time_of_a_run() -> None:
    """Digits: 1000, 397 and 400 images of 8 steps; 32 batches of 32."""
    factor = {"key": "regularizers.dropout.rate", "levels": [0, 0.5]}
    found = estimate(planned("training.epochs=3", factors={"r": factor}, seeds=4))
    epoch = 32 * STEP + 2 * 397 * 8 * SEQUENCE_STEP
    assert found.run_seconds * 8 == pytest.approx(3 * epoch + 2 * 400 * 8 * SEQUENCE_STEP)
    assert (found.step, found.steps, found.probes) == (STEP, 4, 1)


@pytest.mark.usefixtures("clock")
def test_shapes_are_timed_by_themselves_and_count_by_their_runs() -> None:
    factor = {"key": "training.epochs", "levels": [1, 4], "baseline": 1}
    found = estimate(planned(factors={"e": factor}, seeds=2))
    epoch, test = 32 * STEP + 2 * 397 * 8 * SEQUENCE_STEP, 2 * 400 * 8 * SEQUENCE_STEP
    assert found.probes == 2
    assert found.run_seconds == pytest.approx(((epoch + test) / 2 + (4 * epoch + test) / 2) / 2)


def test_the_size_of_a_record(tmp_path) -> None:
    factor = {"key": "regularizers.dropout.rate", "levels": [0, 0.5]}
    plan = planned("training.epochs=9", "training.limit=40", factors={"r": factor}, seeds=1)
    (result,) = run_cohort([plan.base], Ledger(tmp_path))
    size = (tmp_path / f"runs/{result.run_id}.json").stat().st_size
    assert estimate(plan).record_bytes == pytest.approx(size, rel=0.1)

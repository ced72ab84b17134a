"""A run ends after its own patience, and its neighbours go on as if it had never been there."""

import math

import pytest
import torch

from rnn_regexp.regularizers.dropout import Dropout
from rnn_regexp.regularizers.early_stopping import EarlyStopping
from rnn_regexp.regularizers.ema import Ema
from rnn_regexp.regularizers.stack import stack
from rnn_regexp.training.evaluate import evaluate
from rnn_regexp.training.optimizers import Adam
from tests.regularizers.catalogue import CPU
from tests.training.tiny import cohort, run, watch, without_time


def history(*losses: float) -> list[dict[str, float]]:
    return [{"valid/loss": loss} for loss in losses]


@pytest.mark.parametrize(
    ("losses", "patience", "min_delta", "ends"),
    [
        ((3, 2, 1), 1, 0, False),
        ((3, 2, 2), 1, 0, True),  # as good is not better
        ((3, 2, 2.5), 2, 0, False),
        ((3, 2, 2.5, 2.2), 2, 0, True),
        ((3, 2, 2.5, 1.9), 2, 0, False),
        ((3, 2, 1.95), 1, 0.1, True),
        ((3, 2, 1.95, 1.85), 2, 0.1, False),  # better than 2 by more than 0.1
        ((3, 4, 5, 6), math.inf, 0, False),
    ],
)
def test_ends_once_patience_has_passed(
    losses: tuple[float, ...], patience: float, min_delta: float, ends: bool
):
    own = stack([EarlyStopping(patience, min_delta)], CPU)
    assert own.stops([history(*losses)]) == [ends]


STOPS = run(EarlyStopping(1), Ema(0.5), seed=1, optimizer=Adam(0.3))
GOES_ON = [run(Dropout(0.5), seed=2), run(Ema(0.9), seed=3)]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_it_ends_where_it_ends_alone_and_its_neighbours_do_not_notice(place: int):
    runs = list(GOES_ON)
    runs.insert(place, STOPS)
    together, journal = watch(cohort(*runs, epochs=12))
    for k, own in enumerate(runs):
        (alone,), single = watch(cohort(own, epochs=12))
        steps = len(single.weights)
        found, expected = torch.stack(journal.weights)[:steps, k], torch.stack(single.weights)[:, 0]
        torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)
        assert together[k].metrics == pytest.approx(alone.metrics, rel=1e-9)
        assert together[k].stopped_at == alone.stopped_at
        assert len(without_time(together[k])) == len(without_time(alone))
    stopped = together[place].stopped_at
    assert stopped is not None
    assert stopped < 12
    assert together[place].metrics["train/epochs"] == stopped
    assert together[place].diverged_at is None
    assert [own.metrics["train/epochs"] for own in together].count(12) == 2
    assert journal.cohort.runs == 2
    assert journal.rows.tolist() == [k for k in range(3) if k != place]


def test_what_is_judged_last_are_the_weights_with_which_it_ended():
    stops = run(EarlyStopping(1), seed=1, optimizer=Adam(0.3))
    own = cohort(stops, run(seed=2), epochs=12)
    outcomes, journal = watch(own)
    at = 3 * outcomes[0].stopped_at
    assert at < 36
    flat = torch.stack((journal.weights[at][0], journal.weights[36][1]))
    expected = evaluate(own, own.split("test"), flat)["loss"].tolist()
    assert [one.metrics["test/loss"] for one in outcomes] == pytest.approx(expected, rel=1e-12)


def test_training_ends_when_every_run_has_ended():
    (outcome,), journal = watch(cohort(STOPS, epochs=12))
    assert len(journal.losses) == 3 * outcome.stopped_at < 36
    assert outcome.metrics["test/loss"] > 0

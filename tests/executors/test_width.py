"""The width that ends a study soonest, from the times of steps."""

import dataclasses
import itertools
from collections.abc import Callable, Sequence

import pytest

from rnn_regexp.data import Digits
from rnn_regexp.data.batches import Batch
from rnn_regexp.executors import width
from rnn_regexp.executors.width import choose_width, memory_a_run, seconds_a_step
from rnn_regexp.experiment import Experiment
from rnn_regexp.models import GRU
from rnn_regexp.tasks import Classify
from rnn_regexp.training.optimizers import Adam
from rnn_regexp.training.settings import Device, Training

MUCH = 1 << 40


def experiments(count: int, hidden: int = 4) -> list[Experiment]:
    training = Training(epochs=1, limit=40, device=Device.cpu)
    model = GRU(embedding=4, hidden=hidden)
    return [Experiment(model, Digits(), Adam(), training=training, seed=k) for k in range(count)]


def clock(fixed: float, each: float) -> Callable[[Sequence[object]], float]:
    """A step takes ``fixed`` seconds and ``each`` for every run."""
    return lambda runs: fixed + each * len(runs)


@pytest.mark.parametrize(
    ("runs", "workers", "fixed", "each", "chosen"),
    [
        (64, 1, 1.0, 0.1, 64),  # what is fixed is shared by as many as there are
        (64, 2, 1.0, 0.1, 32),  # both workers have one cohort
        (64, 4, 1.0, 0.1, 16),
        (64, 1, 0.0, 0.1, 1),  # nothing to share
        (3, 1, 1.0, 0.1, 2),  # widths are powers of two, and 3 runs are two cohorts
        (1, 4, 1.0, 0.1, 1),
        (10, 8, 1.0, 0.1, 2),  # two rounds of one are slower than one of two
    ],
)
def test_the_last_worker_ends_soonest(
    runs: int, workers: int, fixed: float, each: float, chosen: int
):
    choice = choose_width(experiments(runs), workers, 1, MUCH, clock(fixed, each))
    assert choice.width == chosen


def test_wider_ones_are_not_tried_once_it_gets_slower():
    times = {1: 1.0, 2: 1.2, 4: 8.0, 8: 20.0}
    choice = choose_width(experiments(64), 1, 1, MUCH, lambda runs: times[len(runs)])
    assert choice.width == 2
    assert list(choice.milliseconds) == [1, 2, 4, 8]
    assert choice.why == (
        "2 runs (ms for a step of one run, by width: 1: 1e+03, 2: 6e+02, 4: 2e+03, 8: 2.5e+03)"
    )


@pytest.mark.parametrize(
    ("runs", "workers", "widths"), [(64, 1, 7), (64, 4, 5), (40, 2, 6), (9, 4, 3), (9, 9, 1)]
)
def test_nor_once_each_worker_has_one_cohort(runs: int, workers: int, widths: int):
    choice = choose_width(experiments(runs), workers, 1, MUCH, clock(1.0, 0.01))
    assert list(choice.milliseconds) == [2**n for n in range(widths)]


@pytest.mark.parametrize(
    ("factors", "widths"),
    [
        ((1.0, 0.99, 0.98, 0.9), 3),  # two in a row gained little
        ((1.0, 1.1, 0.96, 0.95, 0.94), 5),  # one was slow
        ((1.0, 0.5, 0.6, 0.4, 0.39, 0.39), 6),
    ],
)
def test_nor_for_a_gain_of_nothing(factors: tuple[float, ...], widths: int):
    times = {2**n: factor * 2**n for n, factor in enumerate((*factors, 0.1))}
    choice = choose_width(experiments(64), 1, 1, MUCH, lambda runs: times[len(runs)])
    assert len(choice.milliseconds) == widths


def test_nor_where_the_last_cohorts_would_not_be_filled():
    """Of 40 runs on 2 workers, 5 cohorts of 4 each are 20 runs' time, 2 of 16 are 32."""
    times = {1: 1.3, 2: 1.2, 4: 1.1, 8: 1.05}
    choice = choose_width(experiments(40), 2, 1, MUCH, lambda runs: times[len(runs)] * len(runs))
    assert choice.width == 4
    assert list(choice.milliseconds) == [1, 2, 4]


def test_the_memory_of_a_run_is_measured_once(monkeypatch: pytest.MonkeyPatch):
    measured: list[Experiment] = []
    monkeypatch.setattr(width, "memory_a_run", lambda own: measured.append(own) or 1.0)
    choose_width(experiments(64), 1, 1, MUCH, clock(1.0, 0.1))
    assert len(measured) == 1


def test_batches_of_all_lengths_count_and_only_those_taken_are_made(
    monkeypatch: pytest.MonkeyPatch,
):
    """Behind the first, which takes long, the shortest is not what a step takes."""
    now = itertools.accumulate(itertools.cycle((0.0, 9.0, 0.0, 0.01, 0.0, 0.05, 0.0, 0.04)))
    monkeypatch.setattr(width, "_now", lambda cohort: next(now))
    made: list[Batch] = []
    batches = Classify.batches
    monkeypatch.setattr(
        Classify,
        "batches",
        lambda *words: (made.append(own) or own for own in batches(*words)),
    )
    monkeypatch.setattr(width, "SECONDS", 9.1)
    (own,) = experiments(1)
    long = dataclasses.replace(own.training, batch_size=2)
    assert seconds_a_step([dataclasses.replace(own, training=long)]) == pytest.approx(0.04)
    assert len(made) == 4


def test_memory_bounds_the_width():
    own = experiments(64)
    room = memory_a_run(own[0]) * 5 / 0.6
    choice = choose_width(own, 1, 1, int(room), clock(1.0, 0.1))
    assert choice.width == 4
    assert choice.why.endswith("; wider ones would not fit into memory")


def test_what_fails_when_it_is_timed_bounds_the_width_too():
    """Their number, not what was timed before, is what is wrong."""

    def full(runs: Sequence[object]) -> float:
        if len(runs) == most:
            raise RuntimeError("CUDA out of memory.\nTried to allocate 2 GiB")
        return 1.0

    most = 8
    choice = choose_width(experiments(64), 1, 1, MUCH, full)
    assert choice.width == 4
    assert choice.why.endswith("; 8 fail (Tried to allocate 2 GiB)")
    most = 1
    with pytest.raises(RuntimeError, match="out of memory"):
        choose_width(experiments(64), 1, 1, MUCH, full)


def test_it_is_measured_on_the_runs_themselves():
    small, large = experiments(4), experiments(4, hidden=64)
    assert seconds_a_step(small) > 0
    assert memory_a_run(large[0]) > 10 * memory_a_run(small[0]) > 0
    choice = choose_width(small, 1)
    assert choice.width in (1, 2, 4)
    assert all(own > 0 for own in choice.milliseconds.values())

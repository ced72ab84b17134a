"""Schedules against torch's own schedulers, and against formulas by hand."""

import dataclasses
import itertools

import pytest
import torch
from torch.optim import lr_scheduler

from rnn_regexp.training.loop import train
from rnn_regexp.training.schedules import ALL, Constant, Cosine, Exponential, Moment, Plateau, Step
from tests.training.tiny import cohort, run, without_time

EPOCHS, STEPS = 12, 5


def moments(losses: list[float] | None = None) -> list[Moment]:
    """Every step of twelve epochs of five steps."""
    losses = losses or [1.0] * EPOCHS
    return [
        Moment(1 + step // STEPS, step, STEPS, EPOCHS, losses[: step // STEPS])
        for step in range(EPOCHS * STEPS)
    ]


def by_epoch(schedule: object, losses: list[float] | None = None) -> list[float]:
    return [schedule.factor(at) for at in moments(losses)[::STEPS]]


def torchs(make: object, losses: list[float] | None = None) -> list[float]:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler, rates = make(optimizer), []
    for epoch in range(EPOCHS):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step(*([losses[epoch]] if losses else []))
    return rates


def test_constant() -> None:
    assert {Constant().factor(at) for at in moments()} == {1.0}


def test_step_is_torchs() -> None:
    theirs = torchs(lambda own: lr_scheduler.StepLR(own, step_size=3, gamma=0.5))
    assert by_epoch(Step(3, 0.5)) == pytest.approx(theirs)


def test_exponential_after_an_epoch_is_zarembas() -> None:
    assert by_epoch(Exponential(4, 0.5)) == [1, 1, 1, 1, *(0.5**n for n in range(1, 9))]


def test_cosine_is_torchs() -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS * STEPS, eta_min=0.1)
    for at in moments():
        assert Cosine(floor=0.1).factor(at) == pytest.approx(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()


def test_warm_up_rises_to_one_and_then_falls() -> None:
    factors = [Cosine(warmup=0.1).factor(at) for at in moments()]
    assert factors[:6] == pytest.approx([1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6, 1])
    assert factors[6] == 1
    assert all(a > b for a, b in itertools.pairwise(factors[6:]))


@pytest.mark.parametrize("patience", [0, 1, 3])
def test_plateau_is_torchs(patience: int) -> None:
    losses = [3, 2, 2, 2.1, 1.5, 1.6, 1.7, 1.4999, 1.49, 1.5, 1.6, 1.7]
    theirs = torchs(
        lambda own: lr_scheduler.ReduceLROnPlateau(
            own, factor=0.5, patience=patience, threshold=1e-3
        ),
        losses,
    )
    assert by_epoch(Plateau(patience, 0.5, 1e-3), losses) == pytest.approx(theirs)


@pytest.mark.parametrize("schedule", ALL, ids=lambda own: own.__name__)
def test_a_factor_is_in_the_unit_interval(schedule: type) -> None:
    assert all(0 <= schedule().factor(at) <= 1 for at in moments())


def test_each_run_of_a_cohort_follows_its_own_schedule() -> None:
    runs = [dataclasses.replace(run(), schedule=own) for own in (Constant(), Exponential(1, 0.1))]
    both = train(cohort(*runs, epochs=3))
    alone = [train(cohort(own, epochs=3))[0] for own in runs]
    for own, single in zip(both, alone, strict=True):
        assert own.metrics == pytest.approx(single.metrics, rel=1e-10)
    assert without_time(both[0])[0] == without_time(both[1])[0]
    assert both[0].metrics["train/loss"] != pytest.approx(both[1].metrics["train/loss"], rel=1e-6)

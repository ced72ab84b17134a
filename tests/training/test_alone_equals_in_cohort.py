"""The central property: whatever its neighbours are, a run gets the numbers it gets alone."""

import dataclasses
import math
from collections.abc import Iterable
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from rnn_regexp.models import GRU, LSTM, RNN, Nonlinearity
from rnn_regexp.recurrence.backends import Backend
from rnn_regexp.regularizers.clip import By, Clip
from rnn_regexp.regularizers.dropout import Dropout, Where
from rnn_regexp.regularizers.early_stopping import EarlyStopping
from rnn_regexp.regularizers.ema import Ema
from rnn_regexp.regularizers.init import Init, Others, Scheme
from rnn_regexp.regularizers.l1 import L1
from rnn_regexp.regularizers.l2 import L2
from rnn_regexp.regularizers.masks import Scaling
from rnn_regexp.regularizers.variational_dropout import VariationalDropout
from rnn_regexp.regularizers.weight_decay import Coupling, WeightDecay
from rnn_regexp.regularizers.weight_drop import WeightDrop
from rnn_regexp.regularizers.zoneout import Zoneout
from rnn_regexp.training.cohort import Cohort, RunSettings
from rnn_regexp.training.optimizers import ASGD, SGD, Adam, AdamW, Averaging, Optimizer, RMSprop
from rnn_regexp.training.record import Outcome
from rnn_regexp.training.schedules import Constant, Cosine, Exponential, Plateau, Schedule, Step
from rnn_regexp.training.settings import Precision
from rnn_regexp.weights import Kind
from tests.recurrence.examples import BY_NUMBA
from tests.training.tiny import Journal, cohort, pixels, run, sentences, watch, without_time


def strengths(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(math.log(low), math.log(high)).map(math.exp)


def subsets(choices: Iterable[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.sampled_from(list(choices)), min_size=1, unique=True)


def techniques(
    places: list[Where], flag: bool, kinds: list[Kind], inside: bool
) -> list[st.SearchStrategy[Any]]:
    """Techniques with any strength; what is given here all runs of a cohort share.

    ``inside``: whether they may act inside the recurrence.
    """
    others, on = st.sampled_from(Others), st.just(kinds)
    rate, within, locked = st.floats(0, 0.8), st.floats(0, 0.8 if inside else 0), st.just(flag)
    return [
        st.builds(Init, scheme=st.sampled_from(Scheme), gain=st.floats(0.5, 1.2), others=others),
        st.builds(WeightDrop, rate, variational=locked),
        st.builds(VariationalDropout, rate, within, rate, per_gate=locked),
        st.builds(Zoneout, within, within, shared=locked),
        st.builds(Dropout, rate, st.just(places), locked, st.sampled_from(Scaling)),
        st.builds(L1, coefficient=strengths(1e-5, 1e-2), on=on),
        st.builds(L2, coefficient=strengths(1e-4, 1e-1), on=on),
        st.builds(Clip, threshold=strengths(1e-2, 10), by=st.sampled_from(By)),
        st.builds(WeightDecay, strengths(1e-5, 1e-1), coupling=st.sampled_from(Coupling)),
        st.builds(Ema, st.floats(0, 0.99), warmup=st.booleans()),
        st.builds(EarlyStopping, st.integers(1, 5).map(float)),
    ]


def optimizers(nesterov: bool) -> list[st.SearchStrategy[Optimizer]]:
    lr, momentum = strengths(1e-3, 3e-2), st.sampled_from([0.0, 0.5, 0.9])
    averaging = st.sampled_from(Averaging)
    return [
        st.builds(SGD, lr=lr, momentum=momentum, nesterov=st.just(nesterov)),
        st.builds(Adam, lr=lr, beta1=st.floats(0, 0.95)),
        st.builds(AdamW, lr=lr),
        st.builds(RMSprop, lr=lr, momentum=momentum),
        st.builds(ASGD, lr=lr, t0=st.sampled_from([0.0, 3.0, 1e6]), averaging=averaging),
    ]


def schedules() -> st.SearchStrategy[Schedule]:
    gamma = st.floats(0.3, 1)
    return st.one_of(
        st.just(Constant()),
        st.builds(Step, every=st.integers(1, 3), gamma=gamma),
        st.builds(Exponential, after=st.integers(0, 3), gamma=gamma),
        st.builds(Cosine, warmup=st.floats(0, 0.5)),
        st.builds(Plateau, patience=st.integers(0, 2), gamma=gamma),
    )


@st.composite
def cohorts(draw: st.DrawFn) -> tuple[list[RunSettings], int, dict[str, Any]]:
    """Runs of one cohort, the place of the run to look at, and what all runs share."""
    shared = draw(shared_settings())
    inside = shared["backend"] is not Backend.native
    places = draw(subsets(own for own in Where if inside or own is not Where.hidden))
    single = techniques(places, draw(st.booleans()), draw(subsets(Kind)), inside)
    optimizer = draw(st.sampled_from(optimizers(draw(st.booleans()))))
    runs = []
    for _ in range(draw(st.integers(1, 5))):
        chosen = [own for own in draw(st.tuples(*(st.none() | one for one in single))) if own]
        own = run(*chosen, seed=draw(st.integers(0, 99)), optimizer=draw(optimizer))
        runs.append(dataclasses.replace(own, schedule=draw(schedules())))
    place = draw(st.integers(0, len(runs) - 1))
    if len(runs) > 1 and draw(st.booleans()):
        runs[place - 1] = diverging(runs[place - 1], draw(st.sampled_from([1.0, 1e200])))
    return runs, place, shared


def diverging(neighbour: RunSettings, gain: float) -> RunSettings:
    optimizer = dataclasses.replace(neighbour.optimizer, lr=1e6)
    return RunSettings(neighbour.seed, {"init": Init(Scheme.orthogonal, gain)}, optimizer)


CELLS = [(RNN, {}), (RNN, {"nonlinearity": Nonlinearity.relu}), (GRU, {}), (LSTM, {})]


@st.composite
def shared_settings(draw: st.DrawFn) -> dict[str, Any]:
    kind, other = draw(st.sampled_from(CELLS))
    model = kind(3, 4, draw(st.integers(1, 2)), draw(st.booleans()), **other)
    data = draw(st.sampled_from([sentences, pixels]))(longest=draw(st.sampled_from([1, 4, 6])))
    backend = draw(st.sampled_from([Backend.auto, Backend.cells, Backend.native, *BY_NUMBA]))
    return {"model": model, "data": data, "backend": backend}


@settings(
    max_examples=40,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],  # shrinking would take minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example],
)
@given(cohorts())
def test_alone_equals_in_cohort(drawn: tuple[list[RunSettings], int, dict[str, Any]]):
    runs, place, shared = drawn
    alone, together = cohort(runs[place], **shared), cohort(*runs, **shared)
    same(alone, together, place)


def same(alone: Cohort, together: Cohort, place: int) -> None:
    """Train both; losses, norms and weights of all steps, history and metrics agree."""
    (outcome,), own = watch(alone)
    others, all_runs = watch(together)
    assert len(own.losses) == 3 * (outcome.stopped_at or 7)
    for name in ("losses", "norms", "weights"):
        close(getattr(own, name), getattr(all_runs, name), place)
    close_outcomes(outcome, others[place])


def close(alone: list[torch.Tensor], together: list[torch.Tensor], place: int) -> None:
    found = torch.stack(together[: len(alone)])[:, place]
    torch.testing.assert_close(found, torch.stack(alone)[:, 0], rtol=1e-10, atol=1e-12)


def close_outcomes(alone: Outcome, together: Outcome) -> None:
    assert together.diverged_at == alone.diverged_at
    assert together.stopped_at == alone.stopped_at
    assert len(together.history) == len(alone.history)
    assert together.metrics == pytest.approx(alone.metrics, rel=1e-10)
    for found, expected in zip(without_time(together), without_time(alone)):
        assert found == pytest.approx(expected, rel=1e-10)


NEIGHBOURS = {
    "learns too fast": run(optimizer=SGD(1e6), seed=1),
    "starts too large": run(Init(Scheme.orthogonal, gain=1e200), optimizer=SGD(0.1), seed=1),
    "is like it": run(Dropout(0.5), optimizer=SGD(0.1), seed=0),
}


@pytest.mark.parametrize("neighbour", NEIGHBOURS)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_no_neighbour_matters(neighbour: str, place: int):
    model = RNN(3, 4, nonlinearity=Nonlinearity.relu)
    own = run(Dropout(0.5), Clip(1.0), WeightDecay(1e-3), optimizer=SGD(0.1))
    runs = [NEIGHBOURS[neighbour]] * 3
    runs[place] = own
    together = cohort(*runs, model=model)
    same(cohort(own, model=model), together, place)


def test_the_neighbours_above_diverge_but_for_the_last():
    own = cohort(*NEIGHBOURS.values(), model=RNN(3, 4, nonlinearity=Nonlinearity.relu))
    outcomes, _ = watch(own)
    assert [outcome.diverged_at is None for outcome in outcomes] == [False, False, True]


@pytest.mark.parametrize("inside", [(), (Zoneout(0.1, 0.3),)], ids=["plain", "zoneout"])
def test_single_precision_differs_by_rounding_only(inside: tuple[Zoneout, ...]):
    techniques = Dropout(0.5), Clip(1.0), *inside
    runs = [run(*techniques, seed=seed, optimizer=Adam(0.01)) for seed in range(5)]
    for model in (RNN(3, 4), GRU(3, 4), LSTM(3, 4)):
        shared = {"model": model, "precision": Precision.float32}
        _, own = watch(cohort(runs[3], **shared))
        _, together = watch(cohort(*runs, **shared))
        found, expected = together.weights[-1][3], own.weights[-1][0]
        assert found.dtype is torch.float32
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_nothing_is_drawn_from_the_global_generator():
    journals: list[Journal] = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        before = torch.get_rng_state()
        journals.append(watch(cohort(run(Dropout(0.5), Init(Scheme.orthogonal))))[1])
        assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(journals[0].weights[-1], journals[1].weights[-1])

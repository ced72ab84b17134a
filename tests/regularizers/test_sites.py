"""What every technique promises at every site of the forward pass on which it acts."""

import dataclasses

import pytest
import torch
from torch import Tensor

from rnn_regexp.noise import Noise
from rnn_regexp.regularizers import ALL
from rnn_regexp.regularizers.base import Regularizer
from rnn_regexp.regularizers.stack import stack
from rnn_regexp.training.cohort import Cohort
from rnn_regexp.training.settings import Precision
from tests.regularizers.catalogue import CPU, RUNS, Technique, name_of, problem_of, strong
from tests.regularizers.sites import SITES, untouched
from tests.training.tiny import run

ACTING = [
    pytest.param(own, site, id=f"{name_of(own)}-{site}")
    for own in ALL
    for site in SITES
    if getattr(own, site) is not getattr(Regularizer, site)
]
each_site = pytest.mark.parametrize(("technique", "site"), ACTING)
DTYPES = {torch.float32: Precision.float32, torch.float64: Precision.float64}


def cohort_of(*runs: Regularizer, precision: Precision = Precision.float64) -> Cohort:
    """Runs with the seeds 0, 1, 2."""
    settings = [run(own, seed=seed) for seed, own in enumerate(runs)]
    return problem_of(runs[0]).cohort(*settings, precision=precision)


def called(own: Cohort, technique: Technique, site: str, noise: Noise | None) -> dict[str, Tensor]:
    return SITES[site](own, own.regularizers.active[name_of(technique)], noise)


def training(own: Cohort, step: int = 3) -> Noise:
    return Noise(own.seeds, step)


@each_site
def test_neutral_is_bitwise_nothing(technique: Technique, site: str):
    if technique.separate:
        pytest.skip("never in a cohort with runs that use it")
    own = cohort_of(*[strong(technique)] * RUNS)
    neutral = stack([dataclasses.replace(technique())] * RUNS, CPU)
    for noise in (training(own), None):
        assert untouched(own, site, SITES[site](own, neutral, noise))


@each_site
def test_evaluation_is_untouched_unless_it_takes_part_in_it(technique: Technique, site: str):
    own = cohort_of(*[strong(technique)] * RUNS)
    found = called(own, technique, site, None)
    assert technique.evaluates or untouched(own, site, found)
    again = called(own, technique, site, None)
    assert all(torch.equal(found[name], again[name]) for name in found)


@each_site
def test_the_same_key_gives_the_same_numbers(technique: Technique, site: str):
    own = cohort_of(*[strong(technique)] * RUNS)
    first, again = (called(own, technique, site, training(own)) for _ in range(2))
    assert first.keys() == again.keys()
    assert all(torch.equal(first[name], again[name]) for name in first)


@each_site
def test_a_runs_numbers_are_its_own(technique: Technique, site: str):
    """Its row is that of the run alone, whatever the other runs' settings are."""
    user = strong(technique)
    runs = [user, user if technique.separate else technique(), user]
    own = cohort_of(*runs)
    found = called(own, technique, site, training(own))
    for k in (0, 2):
        single = problem_of(user).cohort(run(user, seed=k))
        alone = called(single, technique, site, Noise(single.seeds, 3))
        for name, values in alone.items():
            torch.testing.assert_close(found[name][k], values[0], rtol=1e-12, atol=1e-14)


@each_site
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_shapes_and_types_are_kept(technique: Technique, site: str, dtype: torch.dtype):
    own = cohort_of(*[strong(technique)] * RUNS, precision=DTYPES[dtype])
    given = SITES[site](own, Regularizer(), None)
    for noise in (training(own), None):
        for name, values in called(own, technique, site, noise).items():
            assert values.dtype is (torch.int64 if name == "tokens" else dtype), name
            assert len(values) == RUNS, name
            if name in given:
                assert values.shape == given[name].shape, name
            assert values.isfinite().all(), name

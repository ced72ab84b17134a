"""Masks have torch's values, the right statistics, and lie where they should."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from rnn_regexp.noise import Noise
from rnn_regexp.recurrence.cells import LSTM
from rnn_regexp.regularizers.base import Place, Site
from rnn_regexp.regularizers.dropout import Dropout, Where
from rnn_regexp.regularizers.stack import stack
from tests.regularizers.catalogue import CPU

RATES = (0.1, 0.5, 0.9)
T, B, D = 6, 40, 50


def masks(
    rates: tuple[float, ...] = RATES,
    site: Site = Site.between,
    layer: int = 1,
    seeds: tuple[int, ...] = (0, 1, 2),
    step: int = 0,
    steps: int = T,
    dtype: torch.dtype = torch.double,
    **settings: object,
) -> Tensor:
    """What becomes of ones: (K, T, B, D), or (K, B, D) at the output."""
    own = stack([Dropout(rate, on=list(Where), **settings) for rate in rates], CPU)
    shape = (len(rates), B, D) if site is Site.output else (len(rates), steps, B, D)
    noise = Noise(torch.tensor(seeds[: len(rates)]), step)
    return own.transform_activations(site, layer, torch.ones(shape, dtype=dtype), noise)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("locked", [False, True])
def test_the_values_are_those_of_torchs_dropout(dtype: torch.dtype, locked: bool):
    for rate, own in zip(RATES, masks(dtype=dtype, locked=locked)):
        legal = F.dropout(torch.ones(1000, dtype=dtype), rate).unique()
        torch.testing.assert_close(own.unique(), legal, rtol=1e-7, atol=0)
        assert own.unique()[0] == 0


@pytest.mark.parametrize("site", Site)
@pytest.mark.parametrize("locked", [False, True])
def test_mean_is_one_and_variance_p_over_q(site: Site, locked: bool):
    for rate, mask in zip(RATES, masks(site=site, locked=locked)):
        own = mask[0] if locked and site is not Site.output else mask  # independent values
        variance, count = rate / (1 - rate), own.numel()
        # m is 0 or 1/q: the fourth central moment of a Bernoulli number, scaled
        fourth = (rate * (1 - rate) ** 4 + (1 - rate) * rate**4) / (1 - rate) ** 4
        assert abs(own.mean() - 1) < 4 * (variance / count) ** 0.5
        error = ((fourth - variance**2) / count + variance**2 / count**2) ** 0.5
        assert abs((own - 1).square().mean() - variance) < 4.5 * error + 1e-12


def test_a_locked_mask_is_shared_over_time_and_over_nothing_else():
    mask = masks(locked=True)
    assert torch.equal(mask, mask[:, :1].expand_as(mask))
    for dim in (2, 3):  # sequences, units
        assert (mask != mask.roll(1, dim)).any(dim=dim).double().mean() > 0.9


def test_an_unlocked_mask_is_new_at_every_step():
    mask = masks(rates=(0.5,))
    agree = (mask[:, 1:] == mask[:, :-1]).double().mean()
    assert abs(agree - 0.5) < 4 * (0.25 / mask[:, 1:].numel()) ** 0.5


def test_locked_makes_no_difference_behind_the_last_state():
    assert torch.equal(masks(site=Site.output, locked=True), masks(site=Site.output, locked=False))


@pytest.mark.parametrize(
    "other",
    [{"site": Site.input}, {"layer": 2}, {"seeds": (1,)}, {"step": 1}],
    ids=["site", "layer", "seed", "step"],
)
def test_another_place_seed_or_step_has_a_mask_of_its_own(other: dict[str, object]):
    here, there = masks(rates=(0.5,)), masks(rates=(0.5,), **other)
    agree = (here == there).double().mean()
    assert abs(agree - 0.5) < 4 * (0.25 / here.numel()) ** 0.5


def test_each_run_has_its_own_rate_and_mask():
    zeros = (masks() == 0).double().mean(dim=(1, 2, 3))
    assert (zeros - torch.tensor(RATES)).abs().max() < 4 * (0.25 / (T * B * D)) ** 0.5
    same_rate = masks(rates=(0.5, 0.5))
    assert not torch.equal(same_rate[0], same_rate[1])


def test_runs_of_one_seed_are_paired():
    mask = masks(seeds=(4, 4, 4))
    kept = mask > 0
    assert (kept[0] >= kept[1]).all()
    assert (kept[1] >= kept[2]).all()


@pytest.mark.parametrize("locked", [False, True])
def test_padding_to_more_steps_changes_no_mask(locked: bool):
    assert torch.equal(masks(steps=9, locked=locked)[:, :T], masks(locked=locked))


@pytest.mark.parametrize(
    "on", [[], [Where.input], [Where.hidden], [Where.between, Where.output], list(Where)], ids=str
)
def test_it_acts_where_it_is_told_to(on: list[Where]):
    own = stack([Dropout(0.5, on=on)], CPU)
    noise = Noise(torch.zeros(1, dtype=torch.int64))
    x = torch.ones(1, 3, 4, 5)
    place = Place(0, 0, LSTM, 3, 4, 5, x)
    touched = {site.name for site in Site if own.transform_activations(site, 1, x, noise) is not x}
    touched |= {"hidden"} if own.recurrent_noise(place, noise) is not None else set()
    assert touched == {where.name for where in on}


def test_the_place_in_the_surveys_example_is_behind_the_last_state():
    assert Dropout().on == [Where.output]


def test_almost_everything_dropped_is_still_finite():
    mask = masks(rates=(1 - 1e-7,))
    assert mask.isfinite().all()


def test_gradient_passes_through_the_same_mask():
    own = stack([Dropout(0.5)], CPU)
    x = torch.ones(1, B, D, dtype=torch.double, requires_grad=True)
    out = own.transform_activations(Site.output, 1, x, Noise(torch.zeros(1, dtype=torch.int64)))
    (gradient,) = torch.autograd.grad(out.sum(), x)
    assert torch.equal(gradient, out)

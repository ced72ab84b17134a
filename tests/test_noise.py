"""Random numbers are those of SplitMix64, belong to their run alone, and look random."""

import hashlib
import math
from collections.abc import Iterator
from itertools import islice

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from torch import Tensor

from rnn_regexp.noise import Noise, substream

SEEDS = st.integers(-(2**63), 2**63 - 1)
WORD = 2**64
reproducible = settings(max_examples=25, derandomize=True, deadline=None, database=None)


def noise(*seeds: int, step: int = 0) -> Noise:
    return Noise(torch.tensor(seeds), step)


def mix(z: int) -> int:
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % WORD
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB % WORD
    return z ^ (z >> 31)


def splitmix64(state: int) -> Iterator[int]:
    while True:
        state = (state + 0x9E3779B97F4A7C15) % WORD
        yield mix(state)


def stream(seed: int, site: str, step: int) -> Iterator[int]:
    name = int.from_bytes(hashlib.blake2b(site.encode(), digest_size=8).digest(), "little")
    return splitmix64(mix((mix((seed + name) % WORD) + step) % WORD))


def test_the_reference_is_splitmix64():
    assert list(islice(splitmix64(1234567), 5)) == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]


@reproducible
@given(SEEDS, st.text(max_size=20), st.integers(0, 2**40))
def test_bits_are_those_of_splitmix64(seed: int, site: str, step: int):
    drawn = [word % WORD for word in noise(seed, step=step).bits(site, 7)[0].tolist()]
    assert drawn == list(islice(stream(seed, site, step), 7))


def test_each_word_gives_two_numbers_low_half_first():
    words = islice(stream(3, "site", 5), 4)
    halves = [half for word in words for half in (word % 2**32, word >> 32)]
    expected = [(half >> 8) / 2**24 for half in halves]
    drawn = noise(3, step=5).uniform("site", (7,))
    assert drawn.dtype is torch.float32
    assert drawn[0].tolist() == expected[:7]


def draws(own: Noise, shape: tuple[int, ...]) -> dict[str, Tensor]:
    rate = torch.linspace(0.2, 0.6, len(own.seeds), dtype=torch.double)
    return {
        "uniform": own.uniform("site", shape),
        "keep": own.keep("site", shape, rate),
        "normal": own.normal("site", shape),
        "permutation": own.permutation("site", math.prod(shape)),
    }


@reproducible
@given(st.lists(SEEDS, min_size=1, max_size=5), st.data())
def test_a_run_draws_the_same_alone_and_among_others(seeds: list[int], data: st.DataObject):
    k = data.draw(st.integers(0, len(seeds) - 1))
    rate = torch.full((len(seeds),), 0.4)
    together, alone = noise(*seeds, step=9), noise(seeds[k], step=9)
    for name in ("uniform", "normal"):
        drawn = getattr(together, name)("site", (3, 2))
        assert torch.equal(drawn[k], getattr(alone, name)("site", (3, 2))[0])
    kept = together.keep("site", (3, 2), rate)
    assert torch.equal(kept[k], alone.keep("site", (3, 2), rate[:1])[0])
    order = together.permutation("site", 9)
    assert torch.equal(order[k], alone.permutation("site", 9)[0])


@reproducible
@given(
    st.integers(1, 5),
    st.integers(0, 4),
    st.lists(st.integers(1, 4), max_size=2),
    st.sampled_from(["uniform", "keep", "normal"]),
)
def test_growing_the_first_dimension_changes_nothing_before(
    rows: int, more: int, rest: list[int], kind: str
):
    own = noise(1, 2)
    short, long = (draws(own, (n, *rest))[kind] for n in (rows, rows + more))
    assert long.shape == (2, rows + more, *rest)
    assert torch.equal(long[:, :rows], short)


def test_nothing_depends_on_the_order_of_drawing_or_on_the_global_generator():
    first = draws(noise(1, 2), (4, 3))
    torch.manual_seed(99)
    before = torch.get_rng_state()
    own = noise(1, 2)
    own.uniform("elsewhere", (5,))
    again = draws(own, (4, 3))
    assert all(torch.equal(first[kind], again[kind]) for kind in first)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    "other",
    [noise(8).bits("a", 64), noise(7, step=1).bits("a", 64), noise(7).bits("b", 64)],
    ids=["seed", "step", "site"],
)
def test_each_part_of_the_key_gives_another_stream(other: Tensor):
    here = noise(7).bits("a", 64)
    assert not set(here[0].tolist()) & set(other[0].tolist())


@pytest.mark.parametrize("seed", [0, -1, 1, 2**63 - 1, -(2**63)])
def test_every_seed_gives_numbers_spread_over_the_interval(seed: int):
    drawn = noise(seed).uniform("site", (4096,))[0].numpy()
    assert drawn.min() >= 0
    assert drawn.max() < 1
    assert stats.kstest(drawn, "uniform").pvalue > 1e-3


SAMPLE = 1 << 17
# Thresholds: a sound generator fails a test with probability 6e-5 (4 standard errors) or 1e-4.
DEVIATION, P_VALUE = 4.0, 1e-4


def correlation(a: Tensor, b: Tensor) -> float:
    """In standard errors of independent samples."""
    return float(torch.corrcoef(torch.stack((a.double(), b.double())))[0, 1]) * len(a) ** 0.5


@pytest.fixture(scope="module", params=[(0, "order", 0), (1, "dropout/output/1", 0), (0, "x", 500)])
def sample(request: pytest.FixtureRequest) -> Tensor:
    seed, site, step = request.param
    return noise(seed, step=step).uniform(site, (SAMPLE,))[0]


def test_uniform_mean_and_variance(sample: Tensor):
    mean, variance = sample.double().mean(), sample.double().var()
    assert abs(mean - 1 / 2) < DEVIATION * (1 / 12 / SAMPLE) ** 0.5
    assert abs(variance - 1 / 12) < DEVIATION * (1 / 180 / SAMPLE) ** 0.5


def test_uniform_in_256_bins(sample: Tensor):
    counts = torch.bincount((sample * 256).long(), minlength=256)
    assert P_VALUE < stats.chisquare(counts.numpy()).pvalue < 1 - P_VALUE


def test_uniform_in_the_lowest_bits(sample: Tensor):
    counts = torch.bincount((sample * 2**24).long() % 256, minlength=256)
    assert P_VALUE < stats.chisquare(counts.numpy()).pvalue < 1 - P_VALUE


@pytest.mark.parametrize("lag", [1, 2, 3, 4, 5, 8, 16, 64, 1024])
def test_no_serial_correlation(sample: Tensor, lag: int):
    assert abs(correlation(sample[lag:], sample[:-lag])) < DEVIATION


def test_pairs_fill_the_square(sample: Tensor):
    cells = (sample * 16).long().view(-1, 2)
    counts = torch.bincount(cells[:, 0] * 16 + cells[:, 1], minlength=256)
    assert P_VALUE < stats.chisquare(counts.numpy()).pvalue < 1 - P_VALUE


def test_runs_with_neighbouring_seeds_are_uncorrelated():
    drawn = noise(*range(-32, 32)).uniform("dropout/output/1", (1 << 13,)).double()
    between = torch.corrcoef(drawn).triu(diagonal=1) * (1 << 13) ** 0.5
    assert between.abs().max() < 5  # of 2,016 pairs; a sound generator fails in 1 of 900
    assert abs(between[between != 0].std() - 1) < 0.1


@pytest.mark.parametrize("first", [0, 1, 9])
def test_one_position_is_uniform_over_neighbouring_seeds(first: int):
    drawn = noise(*range(8192)).uniform("init/head.W_yh", (10,))[:, first]
    assert stats.kstest(drawn.numpy(), "uniform").pvalue > P_VALUE
    assert abs(correlation(drawn[1:], drawn[:-1])) < DEVIATION


def test_one_position_is_uniform_over_steps():
    drawn = torch.cat([noise(0, step=step).uniform("order", (1,))[0] for step in range(4096)])
    assert stats.kstest(drawn.numpy(), "uniform").pvalue > P_VALUE
    assert abs(correlation(drawn[1:], drawn[:-1])) < DEVIATION


@pytest.mark.parametrize(
    ("site", "step"), [("dropout/output/2", 0), ("dropout/between/1", 0), ("dropout/output/1", 1)]
)
def test_sites_and_steps_are_uncorrelated(site: str, step: int):
    here = noise(0).uniform("dropout/output/1", (SAMPLE,))[0]
    other = noise(0, step=step).uniform(site, (SAMPLE,))[0]
    assert abs(correlation(here, other)) < DEVIATION


def test_each_bit_is_set_half_of_the_time():
    words = noise(5).bits("site", SAMPLE)[0]
    share = torch.stack([((words >> bit) & 1).double().mean() for bit in range(64)])
    assert (share - 0.5).abs().max() < 4.5 * 0.5 / SAMPLE**0.5


def test_keep_rate_is_each_runs_own():
    rates = torch.tensor([0.0, 0.1, 0.5, 0.9], dtype=torch.double)
    kept = noise(0, 1, 2, 3).keep("site", (256, 256), rates)
    assert kept.dtype is torch.bool
    share = kept.double().mean(dim=(1, 2))
    error = (rates * (1 - rates) / 2**16).sqrt()
    assert share[0] == 1
    assert ((share - (1 - rates)).abs() <= DEVIATION * error).all()


@pytest.mark.parametrize("count", [1, 8, 9])
def test_keep_at_places_is_keep_there(count: int):
    own, rate = noise(3, -7, step=2), torch.tensor([0.2, 0.6])
    whole = own.keep("words", (count, 5), rate).flatten(1)  # (K, count * 5)
    places = torch.stack((torch.arange(count * 5), torch.arange(count * 5).flip(0))).view(2, 5, -1)
    found = own.keep_at("words", places, rate)
    assert torch.equal(found, whole.gather(1, places.flatten(1)).view_as(places))


def test_what_a_higher_rate_keeps_a_lower_rate_keeps_too():
    kept = noise(4, 4, 4).keep("site", (1000,), torch.tensor([0.2, 0.5, 0.8]))
    assert (kept[0] >= kept[1]).all()
    assert (kept[1] >= kept[2]).all()


def test_normal_numbers_have_the_normal_distribution():
    drawn = noise(1).normal("init/x", (SAMPLE,))[0]
    assert drawn.dtype is torch.float64
    assert stats.kstest(drawn.numpy(), "norm").pvalue > 1e-3
    for power, moment, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        error = float(drawn.pow(power).mean() - moment) / (variance / SAMPLE) ** 0.5
        assert abs(error) < DEVIATION, power


def test_normal_numbers_are_the_quantiles_of_the_uniform_ones():
    uniform = noise(1).uniform("site", (1000,))[0].double().numpy()
    expected = stats.norm.ppf(uniform + 2.0**-25)
    drawn = noise(1).normal("site", (1000,))[0].numpy()
    assert abs(drawn - expected).max() < 1e-9


@reproducible
@given(SEEDS, st.integers(1, 300))
def test_permutation_holds_each_number_once(seed: int, count: int):
    order = noise(seed).permutation("order", count)
    assert order.dtype is torch.int64
    assert order.sort(dim=1).values[0].tolist() == list(range(count))


def test_permutations_of_four_are_equally_likely():
    orders = noise(*range(24 * 500)).permutation("order", 4)
    codes = (orders * torch.tensor([64, 16, 4, 1])).sum(dim=1)
    _, counts = codes.unique(return_counts=True)
    assert len(counts) == 24
    assert P_VALUE < stats.chisquare(counts.numpy()).pvalue < 1 - P_VALUE


def test_substreams_are_other_seeds_and_the_first_is_the_seed() -> None:
    seeds = range(200)
    families = [[substream(seed, number) for seed in seeds] for number in range(20)]
    assert families[0] == list(seeds)
    assert len({seed for family in families for seed in family}) == 200 * 20
    assert all(-(2**63) <= seed < 2**63 for family in families for seed in family)
    first, other = (noise(*family).normal("site", (50,)) for family in families[:2])
    correlation = torch.corrcoef(torch.stack([first.flatten(), other.flatten()]))[0, 1]
    assert abs(correlation) < 0.04  # four standard errors of 10,000 independent pairs

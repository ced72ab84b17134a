"""Studies with known effects, by the thousand: a baseline and its levels, seeds as blocks."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Noise = Callable[[np.random.Generator, int, int, int], tuple[Array, Array]]  # -> (B, S, V), (V,)


def normal(deviations: Callable[[int], Array]) -> Noise:
    """Normal noise whose standard deviation depends on the variant; the first is the baseline."""

    def noise(
        rng: np.random.Generator, studies: int, seeds: int, variants: int
    ) -> tuple[Array, Array]:
        deviation = deviations(variants)
        return rng.normal(size=(studies, seeds, variants)) * deviation, deviation

    return noise


def alike(draw: Callable[[np.random.Generator, tuple[int, ...]], Array]) -> Noise:
    """Noise of one distribution for all variants, brought to variance 1."""
    spread = float(draw(np.random.default_rng(0), (4_000_000,)).std())

    def noise(
        rng: np.random.Generator, studies: int, seeds: int, variants: int
    ) -> tuple[Array, Array]:
        return draw(rng, (studies, seeds, variants)) / spread, np.ones(variants)

    return noise


def graded(variants: int) -> Array:
    """1/2 to 2 over the levels; the baseline has 1."""
    return np.concatenate([[1.0], np.geomspace(0.5, 2.0, variants - 1) if variants > 2 else [2.0]])


def wild_level(variants: int) -> Array:
    """4 for the last level."""
    return np.where(np.arange(variants) == variants - 1, 4.0, 1.0)


def baseline(deviation: float) -> Callable[[int], Array]:
    """Another deviation for the baseline alone."""
    return lambda variants: np.where(np.arange(variants) == 0, deviation, 1.0)


def outliers(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """One run in ten varies five times as much."""
    return rng.normal(size=shape) * np.where(rng.random(shape) < 0.1, 5.0, 1.0)


def skewed(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Lognormal, skewness 4."""
    return rng.lognormal(0.0, 0.83, shape)


def twins(rng: np.random.Generator, studies: int, seeds: int, variants: int) -> tuple[Array, Array]:
    """The later half of the levels repeat the baseline but for a hundredth of their own noise."""
    values, _ = normal(np.ones)(rng, studies, seeds, variants)
    same = np.arange(variants) > (variants + 1) // 2
    values[..., same] = values[..., :1] + 0.01 * values[..., same]
    return values, np.where(same, 0.01, 1.0)


def diverging(
    rng: np.random.Generator, studies: int, seeds: int, variants: int
) -> tuple[Array, Array]:
    """A tenth of the baseline's runs is lost, and up to two fifths of a level's."""
    values, deviation = normal(np.ones)(rng, studies, seeds, variants)
    rate = np.concatenate([[0.1], np.linspace(0.4, 0.0, variants - 1)])
    return np.where(rng.random(values.shape) < rate, np.nan, values), deviation


NOISE: dict[str, Noise] = {
    "equal variances": normal(np.ones),
    "graded variances": normal(graded),
    "one wild level": normal(wild_level),
    "noisy baseline": normal(baseline(2.0)),
    "quiet baseline": normal(baseline(0.5)),
    "heavy tails (t, 3 df)": alike(lambda rng, shape: rng.standard_t(3, shape)),
    "outliers": alike(outliers),
    "skewed": alike(skewed),
    "twins of the baseline": twins,
    "diverging runs": diverging,
}


def differences(
    noise: Noise, rng: np.random.Generator, studies: int, seeds: int, levels: int, size: float
) -> tuple[Array, Array]:
    """Level minus baseline (B, S, C) and the true effects (C,).

    ``size`` is that of the first half's effects in standard errors of their mean difference.
    """
    values, deviation = noise(rng, studies, seeds, levels)
    error = np.sqrt((deviation[1:] ** 2 + deviation[0] ** 2) / seeds)
    changed = np.arange(levels - 1) < levels // 2
    truth = np.where(changed, size * error, 0.0)
    return values[..., 1:] - values[..., :1] + truth, truth

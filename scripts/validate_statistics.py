"""Are the verdicts right? Simulated studies whose truth is known, judged as every study is.

Usage: ``python -m scripts.validate_statistics [--studies N] [--workers N] [--folder DIR]``.
Writes ``contrasts.csv`` and ``other.csv`` into DIR and prints the tables of docs/statistics.md.
"""

import argparse
import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd

from rnn_regexp.ablation.inference import Inference, infer
from rnn_regexp.ablation.sequential import spending
from rnn_regexp.ablation.stars import Star
from rnn_regexp.ablation.statistics import equivalence, holm
from scripts.simulated_studies import NOISE, Array, differences

ALPHA = 0.05
SEEDS, LEVELS = (3, 5, 10, 30), (2, 4, 14, 40)  # levels: the baseline among them
SIZE = 4.0  # of a true effect, in standard errors
AT_ONCE = 500
Row = dict[str, str | float]
Cell = tuple[str, float, int, int, int]  # noise, size of effects, seeds, levels, studies


def cells(studies: int) -> list[Cell]:
    """Every kind of study; half as many with effects."""
    return [
        (noise, size, seeds, levels, studies if size == 0 else studies // 2)
        for noise, size, seeds, levels in itertools.product(NOISE, (0.0, SIZE), SEEDS, LEVELS)
    ]


def contrasts(cell: Cell) -> Row:
    """Error, coverage and power of one kind of study."""
    noise, size, seeds, levels, studies = cell
    rng = np.random.default_rng([list(NOISE).index(noise), int(size), seeds, levels])
    parts = []
    for number in _portions(studies):
        table, truth = differences(NOISE[noise], rng, number, seeds, levels, size)
        parts.append(
            _outcome(infer(table, [_star(levels)], ALPHA, needed=ALPHA, bounds=False), truth)
        )
    found = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    null, real = truth == 0, truth != 0
    covered = np.nanmean(found["covered"], axis=0)
    error = found["rejected"][:, null].any(axis=1).mean() if null.any() else np.nan
    return {
        "noise": noise,
        "effects": "half of the levels" if size else "none",
        "seeds": seeds,
        "levels": levels,
        "studies": studies,
        "error": error,
        "error_se": np.sqrt(ALPHA * (1 - ALPHA) / studies),
        "error_holm": found["holm"][:, null].any(axis=1).mean() if null.any() else np.nan,
        "coverage": covered.mean(),
        "coverage_least": covered.min(),
        "power": found["rejected"][:, real].mean() if real.any() else np.nan,
        "power_holm": found["holm"][:, real].mean() if real.any() else np.nan,
        "pooled": found["pooled"].mean(),
    }


def _outcome(result: Inference, truth: Array) -> dict[str, Array]:
    known = ~np.isnan(result.low)
    covered = np.where(known, (result.low <= truth) & (truth <= result.high), np.nan)
    return {
        "rejected": result.p_adjusted < ALPHA,
        "holm": result.p_holm < ALPHA,
        "covered": covered,
        "pooled": result.pooled,
    }


def _star(levels: int) -> Star:
    return Star(np.arange(levels - 1))


def _portions(studies: int) -> Iterator[int]:
    for start in range(0, studies, AT_ONCE):
        yield min(AT_ONCE, studies - start)


def simultaneous(studies: int) -> Row:
    """How often all intervals hold at once: 5 seeds, 14 levels, graded variances."""
    rng, held = np.random.default_rng(1), []
    for number in _portions(studies):
        table, _ = differences(NOISE["graded variances"], rng, number, 5, 14, 0.0)
        low, high = infer(table, [_star(14)], ALPHA).simultaneous
        held.append(((low <= 0) & (high >= 0)).all(axis=1))
    return _line("simultaneous intervals hold", 0.95, np.concatenate(held), above=True)


def equivalent(studies: int) -> Row:
    """Any claim of no difference larger than m where every level differs by m: 10 seeds."""
    rng, claimed = np.random.default_rng(2), []
    for number in _portions(studies):
        table, _ = differences(NOISE["equal variances"], rng, number, 10, 14, 0.0)
        found = infer(table + 1.5, [_star(14)], ALPHA, needed=0.0, bounds=False)
        p_values = equivalence(found.paired.mean, found.error, found.df, 1.5)
        claimed.append((holm(p_values) < ALPHA).any(axis=1))
    return _line("false claims of no difference", ALPHA, np.concatenate(claimed))


def added_seeds(studies: int, size: float = 0.0) -> Row:
    """Looks at 5, 10, 15 and 30 seeds, 14 levels: any false verdict at any look."""
    looks, rng, wrong, used = (5, 10, 15, 30), np.random.default_rng(3), [], []
    for number in _portions(studies):
        table, truth = differences(NOISE["equal variances"], rng, number, looks[-1], 14, size)
        decided, seeds = _sequentially(table, looks)
        wrong.append((decided & (truth == 0)).any(axis=1))
        used.append(seeds)
    name = f"false verdict at any look ({np.concatenate(used).mean():.1f} of 30 seeds used)"
    return _line(name, ALPHA, np.concatenate(wrong))


def _sequentially(table: Array, looks: tuple[int, ...]) -> tuple[Array, Array]:
    """Which contrasts were decided, and the seeds each was given; decided ones get no more."""
    decided = np.zeros((len(table), table.shape[2]), dtype=bool)
    table, seeds = table.copy(), np.full(decided.shape, looks[-1])
    for k, level in enumerate(spending(ALPHA, looks)):
        found = infer(table[:, : looks[k]], [_star(14)], level, needed=level, bounds=False)
        fresh = ~decided & (found.p_adjusted < level)
        seeds[fresh] = looks[k]
        decided |= fresh
        table[:, looks[k] :] = np.where(decided[:, None], np.nan, table[:, looks[k] :])
    return decided, seeds


def factorial(studies: int, ratio: float) -> Row:
    """Main effects of a 2^4 design at 5 seeds; the first factor's varies from seed to seed."""
    rng, wrong = np.random.default_rng(4), []
    signs = np.array(list(itertools.product((-1.0, 1.0), repeat=4)))  # (16, 4)
    for number in _portions(studies):
        runs = rng.normal(size=(number, 5, 16))
        runs += ratio / 4 * rng.normal(size=(number, 5, 1)) * signs[:, 0]
        stars = [Star(np.array([c]), pairs=8) for c in range(4)]
        found = infer(runs @ signs / 8, stars, ALPHA, needed=ALPHA, bounds=False)
        wrong.append((found.p_adjusted < ALPHA).any(axis=1))
    varies = (
        f"the first varies by {ratio:g} standard errors" if ratio else "none varies with the seed"
    )
    return _line(f"false verdict on 4 factors of 2^4, {varies}", ALPHA, np.concatenate(wrong))


def _line(name: str, target: float, outcome: Array, above: bool = False) -> Row:
    return {
        "quantity": name,
        "target": f"{'at least' if above else 'at most'} {target:.0%}",
        "studies": len(outcome),
        "found": outcome.mean(),
        "se": np.sqrt(target * (1 - target) / len(outcome)),
    }


OTHER: tuple[Callable[[int], Row], ...] = (
    simultaneous,
    equivalent,
    added_seeds,
    lambda studies: added_seeds(studies, 2.5 * SIZE),
    *((lambda studies, r=ratio: factorial(studies, r)) for ratio in (0.0, 1.0, 2.0, 4.0)),
)


def summary(rows: pd.DataFrame) -> str:
    """The table of docs/statistics.md: each kind of noise, over seeds and levels."""
    lines = [
        "| noise | studies | false verdict in a family | worst cell | coverage | at 3 seeds |"
        " beyond | power at up to 10 seeds | paired t, Holm |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for noise, own in rows.groupby("noise", sort=False):
        few, several = own[own["seeds"] == 3], own[own["seeds"] > 3]
        small = own[(own["seeds"] <= 10) & (own["levels"] > 2) & (own["effects"] != "none")]
        error = np.average(own["error"].dropna(), weights=own.loc[own["error"].notna(), "studies"])
        cells = [
            str(noise),
            f"{own['studies'].sum()}",
            f"{error:.1%}",
            f"{own['error'].max():.1%}",
            f"{own['coverage'].mean():.1%}",
            *(f"{o['coverage'].min():.1%} to {o['coverage'].max():.1%}" for o in (few, several)),
            f"{small['power'].mean():.1%}",
            f"{small['power_holm'].mean():.1%}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def other_table(rows: pd.DataFrame) -> str:
    """The second table of docs/statistics.md."""
    lines = ["| quantity | target | studies | found |", "|---|---|---:|---:|"]
    lines += [
        f"| {row.quantity} | {row.target} | {row.studies} | {row.found:.1%} ± {row.se:.1%} |"
        for row in rows.itertuples()
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--studies", type=int, default=4000, help="of each kind (default: 4000)")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=Path("docs/statistics"))
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(options.workers) as pool:
        rows = pd.DataFrame(pool.map(contrasts, cells(options.studies)))
    others = pd.DataFrame([one(options.studies) for one in OTHER])
    for name, table in (("contrasts", rows), ("other", others)):
        table.to_csv(options.folder / f"{name}.csv", index=False, float_format="%.4f")
    found = [pd.read_csv(options.folder / f"{name}.csv") for name in ("contrasts", "other")]
    print(summary(found[0]), other_table(found[1]), sep="\n\n")


if __name__ == "__main__":
    main()

"""Designs without pairs: least squares by statsmodels, and the textbooks' aliases."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy.linalg import hadamard
from statsmodels.formula.api import ols

from rnn_regexp.ablation.additive import additive_weights, aliases
from rnn_regexp.ablation.description import Description, Factor
from rnn_regexp.ablation.effects import effects_table


def study(names: str, levels: tuple[str, ...] = ("-", "+")) -> Description:
    factors = tuple(Factor(name, levels[0], levels) for name in names)
    return Description("s", "valid/loss", "max", factors, (0, 1, 2))


def half_fraction() -> pd.DataFrame:
    """2^(3-1) with C = AB."""
    rows = [(a, b, a * b) for a, b in itertools.product((-1, 1), repeat=2)]
    return signs(rows, "ABC")


def plackett_burman() -> pd.DataFrame:
    """Twelve runs, eleven factors: the cyclic generator of Plackett and Burman (1946)."""
    first = [1, 1, -1, 1, 1, 1, -1, -1, -1, 1, -1]
    rows = [first[-i:] + first[:-i] for i in range(11)] + [[-1] * 11]
    return signs(rows, "ABCDEFGHIJK")


def signs(rows, names: str) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(names)).replace({-1: "-", 1: "+"})


def with_runs(variants: pd.DataFrame, seeds: int, seed: int, **effects: float) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    parts = [variants.assign(seed=s, status="finished") for s in range(seeds)]
    table = pd.concat(parts, ignore_index=True)
    y = rng.normal(0, 0.1, len(table)) + rng.normal(0, 1, seeds)[table["seed"]]
    for names, size in effects.items():
        y += size * np.prod([table[name] == "+" for name in names], axis=0)
    return table.assign(**{"valid/loss": y})


def test_weights_give_the_coefficients_of_least_squares():
    table = with_runs(plackett_burman(), 1, 1, A=1.0, D=-2.0)
    described = study("ABCDE", ("-", "+"))
    weights = additive_weights(table, described)
    numbers = table[list("ABCDE")].eq("+").astype(int).assign(y=table["valid/loss"])
    oracle = ols("y ~ A + B + C + D + E", numbers).fit().params[1:]
    np.testing.assert_allclose(weights @ table["valid/loss"], oracle, atol=1e-12)


def test_what_the_runs_do_not_determine_has_no_weights():
    def unknown(table: pd.DataFrame) -> list[bool]:
        return np.isnan(additive_weights(table, study("ABC"))).any(axis=1).tolist()

    table = signs([(-1, -1, 1), (1, -1, 1), (-1, 1, -1)], "ABC")  # C is B turned round
    assert unknown(table) == [False, True, True]
    assert unknown(table.assign(B="-")) == [False, True, False]
    assert additive_weights(table[:0], study("ABC")).shape == (3, 0)


def test_main_effects_of_a_fraction_are_judged_by_the_additive_model():
    table = with_runs(half_fraction(), 6, 2, A=1.0)
    found = effects_table(table, study("ABC"), ["valid/loss"]).set_index("factor")
    assert found.loc["A", "estimate"] == pytest.approx(1.0, abs=0.15)
    assert found["verdict"].tolist()[0] == "helps"
    assert found["n_pairs"].tolist() == found["n_seeds"].tolist() == [6, 6, 6]
    assert found["note"].str.contains("coefficient of the additive model").all()


def test_a_seed_that_lost_a_run_of_a_saturated_design_is_left_out():
    table = with_runs(half_fraction(), 4, 3, A=1.0)
    table.loc[1, "status"] = "diverged"
    found = effects_table(table, study("ABC"), ["valid/loss"]).set_index("factor")
    assert found.loc["A", "n_seeds"] == 3


def test_aliases_of_a_half_fraction_are_the_textbooks():
    found = aliases(half_fraction(), study("ABC"))
    told = {row.factor: (row.alias, row.coefficient) for row in found.itertuples()}
    assert told == {"A": ("B=+ × C=+", 1), "B": ("A=+ × C=+", 1), "C": ("A=+ × B=+", 1)}


def test_a_reversed_generator_has_the_opposite_sign():
    table = half_fraction()
    table["C"] = table["C"].map({"-": "+", "+": "-"})
    assert (aliases(table, study("ABC"))["coefficient"] == -1).all()


def test_plackett_burman_aliases_are_thirds():
    found = aliases(plackett_burman(), study("ABCDEFGHIJK"))
    assert set(found["coefficient"].abs().round(4)) == {0.3333}
    assert len(found) == 11 * 45  # each main effect with every pair of the ten others


def test_resolution_four_has_no_aliases_of_main_effects_with_pairs():
    rows = [(a, b, c, a * b * c) for a, b, c in hadamard(8)[:, [1, 2, 4]].tolist()]
    assert aliases(signs(rows, "ABCD"), study("ABCD")).empty


def test_a_full_factorial_has_none():
    rows = list(itertools.product((-1, 1), repeat=3))
    assert aliases(signs(rows, "ABC"), study("ABC")).empty

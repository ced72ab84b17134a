"""The chapters behind the verdicts: evidence, factors together, variance, tuning, how it went."""

import dataclasses
import io

import numpy as np
import pandas as pd
import pytest
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from rnn_regexp.ablation.analysis import analyse_study
from rnn_regexp.ablation.runs_table import read_study
from rnn_regexp.report.evidence import evidence
from rnn_regexp.report.factorial import (
    aliases_table,
    interaction_sentence,
    interactions_table,
    main_effects_table,
    simple_effects_table,
)
from rnn_regexp.report.level_runs import level_means
from rnn_regexp.report.levels import levels_figure
from rnn_regexp.report.method import course, method
from rnn_regexp.report.origin import what_was_run
from rnn_regexp.report.tuning import tuning
from rnn_regexp.report.variance import variance

TUNING = """run_id,variant,trial,seed,optimizer.lr,selected,status,valid/loss,seconds
a,baseline,1,9,0.1,0,finished,1.0,2
b,baseline,2,9,0.01,1,finished,0.6,2
c,baseline,3,9,0.001,0,finished,0.8,2
d,lr=0.01,1,9,0.1,0,diverged,,1
e,lr=0.01,2,9,0.01,0,finished,0.9,2
f,lr=0.01,3,9,0.001,1,finished,0.7,2
"""


@pytest.fixture(scope="module")
def whole(factorial_runs):
    """The factorial study's runs that did not diverge by lr, so that the design is complete."""
    lr = factorial_runs.description.factors[2]
    factors = (
        *factorial_runs.description.factors[:2],
        dataclasses.replace(lr, levels=lr.levels[:2]),
    )
    described = dataclasses.replace(factorial_runs.description, factors=factors)
    table = factorial_runs.table.query("lr != '0.1'").reset_index(drop=True)
    return dataclasses.replace(factorial_runs, description=described, table=table)


@pytest.fixture(scope="module")
def found(whole):
    return analyse_study(whole.table, whole.description, whole.metrics)


@pytest.fixture(scope="module")
def oracle(whole) -> pd.DataFrame:
    """The analysis of variance of the complete blocks, by statsmodels."""
    columns = {
        "loss": whole.table["valid/loss"],
        **{k: whole.table[k] for k in ("seed", "dropout", "init", "lr")},
    }
    formula = "loss ~ C(seed) + C(dropout) * C(init) + C(dropout) * C(lr) + C(init) * C(lr)"
    return anova_lm(ols(formula, pd.DataFrame(columns)).fit(), typ=2)


def test_main_effects_and_interactions_are_those_of_the_analysis_of_variance(found, whole, oracle):
    mains = main_effects_table(found.main_effects, whole.description).groups[0].rows
    pairs = interactions_table(found.interactions, whole.description).groups[0].rows
    assert [row.cells[0] for row in mains] == ["dropout", "init", "lr"]
    assert [row.cells[0] for row in pairs] == ["dropout × init", "dropout × lr", "init × lr"]
    squares = found.main_effects.set_index("factor")["sum_squares"]
    for name in ("dropout", "init", "lr"):
        assert squares[name] == pytest.approx(oracle.loc[f"C({name})", "sum_sq"])
    assert mains[0].cells[1].startswith("2, ")
    assert mains[0].cells[4] == "<0.001"


def test_the_sentence_names_the_factors_that_act_together(found, whole):
    told = interaction_sentence(found.interactions, whole.description)
    assert told.startswith("Effects depend on each other (dropout × init): ")
    strict = dataclasses.replace(whole.description, alpha=1e-30)
    assert interaction_sentence(found.interactions, strict) == ""


def test_simple_effects_are_contrasts_within_a_level(found, whole):
    table = simple_effects_table(found.simple_effects, whole.description)
    group = next(g for g in table.groups if g.head == "dropout where init is xavier")
    row = next(row for row in group.rows if row.cells[0] == "0.5")
    own = whole.table.query("init == 'xavier'")
    means = own.groupby("dropout")["valid/loss"].mean()
    assert float(row.cells[2].split()[0]) == pytest.approx(means["0"] - means["0.5"], abs=5e-4)
    assert group.note == "against 0"


def test_shares_of_the_variance_add_up(found, whole, oracle):
    chapter = variance(found.variance_shares, whole.description)
    rows = {row.cells[0]: row.cells[2] for row in chapter.parts[2].groups[0].rows}
    shares = {name: float(cell.split(" %")[0]) for name, cell in rows.items()}
    assert sum(shares.values()) == pytest.approx(100, abs=0.5)
    total = ((whole.table["valid/loss"] - whole.table["valid/loss"].mean()) ** 2).sum()
    expected = 100 * oracle.loc["C(dropout)", "sum_sq"] / total
    assert shares["dropout"] == pytest.approx(expected, abs=0.06)
    assert list(shares)[-2:] == ["seed", "higher orders and noise"]
    figure = chapter.parts[1]
    assert f"dropout {shares['dropout']:.1f} %" in figure.alt


def test_one_factor_has_no_shares_and_no_table_of_main_effects(found, whole):
    one = dataclasses.replace(whole.description, factors=whole.description.factors[:1])
    assert variance(found.variance_shares, one) is None
    assert main_effects_table(found.main_effects[:1], one) is None


def test_evidence_has_both_analyses_side_by_side(found, whole):
    table = evidence(found.effects, whole.description)
    heads = [column.head for column in table.columns]
    assert heads[-5:] == ["pooled p", "paired p", "sign flips p", "judged by", "rests on"]
    row = next(row for row in table.groups[0].rows if row.cells[0] == "0.5")
    own = found.effects.query("level == '0.5' and metric == 'valid/loss'").iloc[0]
    assert float(row.cells[1]) == pytest.approx(own["effect_size"], abs=0.005)
    assert row.cells[2].startswith("100 % [")
    assert row.cells[-2:] == (own["method"], own["note"])


def test_aliases_are_listed(whole):
    rows = pd.DataFrame(
        {"factor": ["lr"], "level": ["0.01"], "alias": ["a × b"], "coefficient": [-1.0]}
    )
    table = aliases_table(rows, whole.description)
    assert (table.groups[0].head, table.groups[0].rows[0].cells) == (
        "lr",
        ("0.01", "a × b", "-1.00"),
    )
    assert aliases_table(rows[:0], whole.description) is None


@pytest.fixture(scope="module")
def tuned(whole):
    return dataclasses.replace(whole, trials=pd.read_csv(io.StringIO(TUNING)))


def test_tuning_says_what_it_cost_and_what_was_chosen(tuned):
    chapter = tuning(tuned)
    told, figure, chosen = chapter.parts
    assert "3 trials of optimizer.lr on 1 seed, chosen by validation loss" in told.text
    assert "6 runs and 11 s of training" in told.text
    assert "1 of them did not finish" in told.text
    assert [row.cells for row in chosen.groups[0].rows] == [
        ("baseline", "2", "0.01", "0.6"),
        ("lr=0.01", "3", "0.001", "0.7"),
    ]
    assert figure.name == "tuning"


def test_expected_best_of_n_is_the_mean_over_all_subsets(tuned):
    rows = {row.cells[0]: row.cells[1:] for row in tuning(tuned).parts[1].numbers.groups[0].rows}
    values = np.array([1.0, 0.6, 0.8])
    pairs = [min(a, b) for i, a in enumerate(values) for b in values[i + 1 :]]
    assert [float(cell) for cell in rows["baseline"]] == pytest.approx(
        [values.mean(), np.mean(pairs), values.min()], rel=1e-3
    )


def test_what_was_not_tuned_has_no_chapter(whole):
    assert tuning(whole) is None


def test_looks_and_a_path_are_told(found, whole):
    assert course(found).parts == ()
    described = dataclasses.replace(
        whole.description,
        sequential={"looks": [2, 4], "stop": {}, "done": 2},
        decisions=[{"stage": 1, "factor": "dropout", "variant": "dropout=0.5"}],
    )
    chapter = course(analyse_study(whole.table, described, whole.metrics))
    looks, path, optimistic = chapter.parts
    assert [row.cells[1] for row in looks.groups[0].rows] == ["2", "4"]
    assert sum(float(row.cells[2]) for row in looks.groups[0].rows) == pytest.approx(0.05, abs=2e-4)
    assert path.groups[0].rows[0].cells == ("1", "dropout", "dropout=0.5")
    assert "optimistic" in optimistic.text


def test_the_method_names_the_margin_where_there_is_one(whole):
    assert "no difference larger than" not in method(whole.description)
    described = dataclasses.replace(whole.description, margin=0.02)
    assert "no difference larger than 0.02" in method(described)


def test_what_was_run_shows_conditions_levels_and_the_fraction(make_study):
    folder = make_study(seeds=2)
    text = (folder / "study.yaml").read_text()
    extra = "    settings:\n      '0.75': {regularizers.dropout.rate: 0.75, model.hidden: 128}\n"
    extra += "    when:\n      clip: ['5', '1']\n"
    text = text.replace("    key: regularizers.dropout.rate\n", "    key: a, b\n" + extra)
    text += "fraction: {runs: 8, resolution: 4, words: [ABCD], aliases: {'a:b': ['c:d', '-e']}}\n"
    (folder / "study.yaml").write_text(text.replace("one_at_a_time", "fractional"))
    chapter = what_was_run(read_study(folder), "method")
    assert chapter.parts[0].items["design"] == "fractional, resolution 4, defined by ABCD"
    texts = [part.text for part in chapter.parts if part.kind == "text"]
    assert "dropout applies only where clip is 5 or 1." in texts
    folded = {part.folded: part.items for part in chapter.parts if part.kind == "pairs"}
    assert folded["What the fraction cannot tell apart"] == {"a:b": "c:d, -e"}
    (table,) = (part for part in chapter.parts if part.kind == "table")
    expected = "regularizers.dropout.rate=0.75; model.hidden=128"
    assert table.groups[0].rows[0].cells == ("0.75", expected)


def test_a_fraction_without_pairs_shows_all_runs_of_a_level(whole):
    """Half of the cells of two factors: no run has a partner that differs in one factor alone."""
    half = whole.table.query("(init == 'xavier') == (lr == '0.01') and dropout == '0'")
    factors = whole.description.factors[1:]
    described = dataclasses.replace(whole.description, factors=factors, design="fractional")
    means = level_means(half, factors[0], described, ["valid/loss"])["valid/loss"]
    own = half.groupby("init")["valid/loss"].mean()
    assert means.to_dict() == pytest.approx(own.to_dict())
    figure = levels_figure(half, factors[0], described, None, "init")
    assert [row.cells[5] for row in figure.numbers.groups[0].rows] == ["4", "4"]

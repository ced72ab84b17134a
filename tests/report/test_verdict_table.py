"""The verdicts in a terminal and in Markdown."""

import pytest

from rnn_regexp.ablation.effects import effects_table
from rnn_regexp.ablation.runs_table import read_study
from rnn_regexp.report.markdown import escaped, table_lines
from rnn_regexp.report.verdict_table import WIDTH, cut, rows_of, terminal, verdict_table


@pytest.fixture
def tables(make_study):
    runs = read_study(make_study())
    return effects_table(runs.table, runs.description, runs.metrics), runs.table, runs.description


def test_the_terminal_table_fits_and_names_every_level(tables):
    text = terminal(*tables)
    assert max(map(len, text.splitlines())) <= WIDTH
    for factor in tables[2].factors:
        assert f"\n{factor.key}\n" in text
        block = text.split(f"\n{factor.key}\n")[1]
        for line, level in zip(block.splitlines(), factor.levels, strict=False):
            assert line.split()[0][:8] == level[:8]


def test_rows_hold_the_numbers_of_the_effects(tables):
    effects = tables[0]
    row = next(row for row in rows_of(*tables) if (row.factor, row.level) == ("dropout", "0.75"))
    numbers = effects.query(
        "factor == 'dropout' and level == '0.75' and metric == 'valid/loss'"
    ).iloc[0]
    assert float(row.estimate) == pytest.approx(numbers["estimate"], abs=5e-4)
    assert row.interval == f"[{numbers['ci_low']:.3f}, {numbers['ci_high']:.3f}]"
    assert row.verdict == numbers["verdict"] == "helps"
    runs = tables[1].query("dropout == '0.75'")
    assert float(row.mean) == pytest.approx(runs["valid/loss"].mean(), abs=5e-4)
    assert float(row.test) == pytest.approx(runs["test/accuracy"].mean(), abs=5e-4)


def test_the_baseline_shows_its_mean(tables):
    effects, runs, study = tables
    mean = runs.query("variant == 'baseline'")["valid/loss"].mean()
    assert f"{mean:.3f} baseline" in terminal(effects, runs, study)


def test_diverged_runs_are_told(tables):
    assert "diverged: 1 at init=<script>" in terminal(*tables)
    assert "; 1 diverged |" in "\n".join(table_lines(verdict_table(*tables)))


def test_long_labels_do_not_break_the_table(tables):
    _, runs, study = tables
    long = "x" * 300
    renamed = runs.replace({"dropout": {"0.75": long}})
    levels = tuple(long if level == "0.75" else level for level in study.factors[0].levels)
    factors = (type(study.factors[0])("dropout", "0.5", levels), *study.factors[1:])
    described = type(study)(**(vars(study) | {"factors": factors}))
    text = terminal(effects_table(renamed, described, ["valid/loss"]), renamed, described)
    assert max(map(len, text.splitlines())) <= WIDTH
    assert "helps" in text


def test_every_row_of_the_markdown_table_has_its_cells(tables):
    lines = table_lines(verdict_table(*tables))
    bars = [line.replace(r"\|", "").count("|") for line in lines]
    assert set(bars) == {8}
    assert len(lines) == 2 + 4 + 4 + 4 + 5


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a|b", r"a\|b"),
        ("<script>", "&lt;script&gt;"),
        ("scaled_orthogonal", "scaled_orthogonal"),
        ("_x_ *y* `z`", r"\_x\_ \*y\* \`z\`"),
        ("two\nlines", "two lines"),
        ("[a](b) [a][b] [a]: b", r"[a\](b) [a\][b] [a\]: b"),
        ("0.2 [0.1, 0.3]", "0.2 [0.1, 0.3]"),
    ],
)
def test_markdown_shows_text_as_it_is(text, shown):
    assert escaped(text) == shown


def test_control_characters_do_not_reach_the_terminal():
    assert cut("a\x1b[31mb\nc", 20) == "a [31mb c"
    assert cut("abcdef", 4) == "abc…"

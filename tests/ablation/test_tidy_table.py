"""Any tidy table as a study, and what is wrong with it in one line."""

from pathlib import Path

import pandas as pd
import pytest

from rnn_regexp.ablation.description import StudyError
from rnn_regexp.ablation.effects import effects_table
from rnn_regexp.ablation.runs_table import read_study
from rnn_regexp.ablation.tidy_table import Question, read_table, study_of
from rnn_regexp.report.write import write_report

ASKED = Question(["dropout", "init"], {"dropout": "0.5", "init": "orthogonal"}, "accuracy")


def table(**changes: object) -> pd.DataFrame:
    """Dropout 0, 0.25, 0.5 and two initializations, three seeds, crossed."""
    rows = [
        {"dropout": dropout, "init": init, "seed": str(seed), "accuracy": f"0.{7 + i + j}{seed}"}
        for i, dropout in enumerate(("0", "0.25", "0.50"))
        for j, init in enumerate(("orthogonal", "xavier"))
        for seed in range(3)
    ]
    return pd.DataFrame(rows).assign(**changes)


def ask(own: pd.DataFrame, **changes: object):
    return study_of(own, Question(**(vars(ASKED) | changes)), "runs")


def test_columns_become_a_study():
    runs = ask(table())
    dropout, init = runs.description.factors
    assert (dropout.levels, dropout.baseline) == (("0", "0.25", "0.5"), "0.5")
    assert (init.levels, init.baseline) == (("orthogonal", "xavier"), "orthogonal")
    assert runs.description.goal == "max"
    assert runs.description.seeds == (0, 1, 2)
    assert runs.table["variant"].iloc[0] == "dropout=0"
    assert runs.table.query("dropout == '0.5' and init == 'orthogonal'")["variant"].unique() == [
        "baseline"
    ]
    assert set(runs.table["status"]) == {"finished"}
    assert runs.metrics == ["accuracy"]


def test_a_studys_own_table_gives_the_studys_own_effects(make_study):
    folder = make_study(seeds=3)
    own = write_report(folder)
    study = read_study(folder).description
    question = Question(
        [factor.key for factor in study.factors],
        {factor.key: factor.baseline for factor in study.factors},
        study.metric,
        study.goal,
    )
    runs = study_of(read_table(folder / "runs.csv"), question, "runs")
    found = effects_table(runs.table, runs.description, runs.metrics)
    assert list(found.columns) == list(own.effects.columns)
    names = {"1e-05": "1e-5", "0.0001": "1e-4"}  # as numbers are written here
    columns = ["level", "baseline_level"]
    expected = own.effects.assign(**own.effects[columns].replace(names))
    keys = ["factor", "level", "metric"]
    pd.testing.assert_frame_equal(
        found.sort_values(keys, ignore_index=True),
        expected.sort_values(keys, ignore_index=True),
        check_exact=True,
    )


def test_numbers_are_one_level_however_they_are_written():
    runs = ask(
        table(dropout=["0.10", "1e-1", ".1", "0.5", "5e-1", "0.50"] * 3, init=[*"abcdefghi"] * 2),
        baseline={"dropout": "0.1", "init": "a"},
    )
    assert runs.description.factors[0].levels == ("0.1", "0.5")


def test_words_among_numbers_keep_the_order_of_the_file():
    runs = ask(table(dropout=table()["dropout"].replace("0", "often")))
    assert runs.description.factors[0].levels == ("often", "0.25", "0.50")


def test_off_and_no_limit_stand_at_the_ends_of_numbers():
    runs = ask(table(dropout=table()["dropout"].replace({"0": "none", "0.25": "off"})))
    assert runs.description.factors[0].levels == ("off", "0.5", "none")


def test_a_metric_that_is_no_finite_number_has_diverged():
    accuracy = table()["accuracy"].tolist()
    accuracy[0], accuracy[1], accuracy[2] = "nan", "", "inf"
    runs = ask(table(accuracy=accuracy))
    assert runs.table["status"].tolist()[:4] == ["diverged"] * 3 + ["finished"]


def test_a_column_of_status_knows_better():
    status = ["finished", "Diverged", "FAILED", "killed", "completed", ""] * 3
    runs = ask(table(status=status))
    expected = ["finished", "diverged", "failed", "failed", "finished", "finished"]
    assert runs.table["status"].tolist()[:6] == expected
    assert runs.table["accuracy"].isna().tolist()[:6] == [False, True, True, True, False, False]


def test_other_columns_of_numbers_come_along_and_words_do_not():
    runs = ask(table(**{"valid/loss": "1.5", "host": "a"}))
    assert runs.metrics == ["accuracy", "valid/loss"]


def test_blocks_may_have_names():
    runs = ask(table(fold=["one", "two", "three"] * 6), seed_column="fold")
    assert runs.description.seeds == ("one", "three", "two")
    effects = effects_table(runs.table, runs.description, runs.metrics)
    assert effects["n_pairs"].tolist() == [6, 6, 9]


@pytest.mark.parametrize(
    ("columns", "question", "line"),
    [
        (
            {},
            {"metric": "acuracy"},
            "--metric: the table has no column acuracy (did you mean accuracy?)",
        ),
        (
            {},
            {"metric": "zzz"},
            "--metric: the table has no column zzz (there are dropout, init, seed, accuracy)",
        ),
        (
            {},
            {"factors": ["dropuot"]},
            "--factors: the table has no column dropuot (did you mean dropout?)",
        ),
        (
            {},
            {"seed_column": "sede"},
            "--seed-column: the table has no column sede (did you mean seed?)",
        ),
        (
            {},
            {"factors": []},
            "--factors: no factor named; there are dropout, init, seed, accuracy",
        ),
        (
            {},
            {"factors": ["dropout", "seed"]},
            "--factors: a column called seed holds something else",
        ),
        (
            {},
            {"baseline": {"dropout": "0.5"}},
            "--baseline: none for init (its levels: orthogonal, xavier)",
        ),
        ({}, {"baseline": {"lr": "1"}}, "--baseline: lr is not among the factors (dropout, init)"),
        (
            {},
            {"baseline": {"dropout": "0.5", "init": "orthognal"}},
            "--baseline: init has no level orthognal (did you mean orthogonal?)",
        ),
        (
            {},
            {"baseline": {"dropout": "7", "init": "xavier"}},
            "--baseline: dropout has no level 7 (its levels: 0, 0.25, 0.5)",
        ),
        (
            {"accuracy": ["0.5", "high"] * 9},
            {},
            "--metric: accuracy holds 'high' in line 3, no number",
        ),
        ({"score_x": "1"}, {"metric": "score_x", "goal": None}, None),
        (
            {"init": "xavier"},
            {},
            "--factors: init is xavier in every row: there is nothing to compare",
        ),
        ({"zip": "1"}, {"metric": "zip"}, "--goal: does zip get better as it grows? (max or min)"),
    ],
)
def test_what_cannot_be_asked_is_said_in_one_line(columns, question, line):
    if line is None:
        assert ask(table(**columns), **question).description.goal == "max"
        return
    with pytest.raises(StudyError) as error:
        ask(table(**columns), **question)
    assert str(error.value) == line


def test_a_variant_with_one_seed_twice_is_refused():
    own = pd.concat([table(), table().iloc[[4]]], ignore_index=True)
    with pytest.raises(StudyError) as error:
        ask(own)
    assert str(error.value) == (
        "runs: 1 rows repeat a variant with the same seed, first dropout=0 init=xavier with seed"
        " 1 (line 6 and line 20); name the column that tells them apart among --factors, or remove"
        " one"
    )


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("runs.csv", "", "no table"),
        ("runs.csv", "a,b\n", "the table has no rows"),
        ("runs.csv", "a,b\n1,2,3\n4\n", "no table"),
        ("runs.xlsx", "a", "a table ends in .csv, .tsv, .txt"),
    ],
)
def test_a_file_that_is_no_table(tmp_path: Path, name: str, text: str, line: str):
    (tmp_path / name).write_text(text)
    with pytest.raises(StudyError, match=line) as error:
        read_table(tmp_path / name)
    assert "\n" not in str(error.value)


def test_tabs_separate_too(tmp_path: Path):
    table().to_csv(tmp_path / "runs.tsv", sep="\t", index=False)
    pd.testing.assert_frame_equal(read_table(tmp_path / "runs.tsv"), table())

"""``rnn-regexp report`` as it is typed: folders, several of them, MLflow, tables; and bad input."""

import csv
import json
import shutil
from pathlib import Path

import pytest
import yaml

from rnn_regexp.ablation.contrasts import COLUMNS
from rnn_regexp.app import main
from tests.report.conftest import factorial, made_up, make_study, undrawn, written_study

__all__ = ["factorial", "made_up", "make_study", "undrawn", "written_study"]

FILES = {"report.html", "report.md", "report.tex", "effects.csv", "runs.csv", "figures"}
pytestmark = pytest.mark.usefixtures("undrawn")


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def table(factorial: Path, tmp_path: Path) -> list[str]:
    """The words that ask the factorial study's runs about two of its factors."""
    main(["report", str(factorial), "--out", str(tmp_path / "own")])
    named = "dropout=0,init=orthogonal,lr=0.001"
    words = ["--table", str(tmp_path / "own/runs.csv"), "--factors", "dropout,init,lr"]
    return ["report", *words, "--baseline", named, "--metric", "valid/loss", "--goal", "min"]


def test_a_folder_is_rebuilt_in_its_place(make_study, capsys):
    folder = make_study(seeds=2)
    assert main(["report", str(folder)]) == 0
    assert {path.name for path in folder.iterdir()} >= FILES
    out, err = capsys.readouterr()
    assert f"report:    {folder}/report.html" in out
    assert err == ""


def test_a_table_has_the_files_and_columns_of_a_study(table, tmp_path, capsys):
    out = tmp_path / "out"
    assert main([*table, "--seed-column", "seed", "--out", str(out)]) == 0
    assert {path.name for path in out.iterdir()} == FILES
    own, found = rows(tmp_path / "own/effects.csv"), rows(out / "effects.csv")
    assert list(found[0]) == list(own[0])
    assert set(COLUMNS) <= set(found[0])
    assert found == own
    assert "dropout" in capsys.readouterr().out


def test_baselines_may_be_named_one_by_one_and_hold_commas(tmp_path, capsys):
    lines = ["a,b,seed,accuracy"]
    lines += [
        f'{a},"x,{b}",{seed},0.{a}{b}{seed}' for a in (1, 2) for b in (1, 2) for seed in (1, 2)
    ]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    words = [
        "report",
        "--table",
        str(tmp_path / "t.csv"),
        "--factors",
        "a,b",
        "--metric",
        "accuracy",
    ]
    words += ["--baseline", "a=1", "--baseline", "b=x,2", "--out", str(tmp_path / "out")]
    assert main(words) == 0
    levels = {(row["factor"], row["baseline_level"]) for row in rows(tmp_path / "out/effects.csv")}
    assert levels == {("a", "1"), ("b", "x,2")}


def test_blocks_may_be_texts(tmp_path, capsys):
    lines = ["rate,block,accuracy"]
    lines += [f"{rate},site {b},0.{rate}{b}" for rate in (1, 2) for b in range(15)]
    (path := tmp_path / "sites.csv").write_text("\n".join(lines))
    words = ["--factors", "rate", "--baseline", "rate=1", "--metric", "accuracy"]
    words += ["--seed-column", "block", "--out", str(tmp_path / "out")]
    assert main(["report", "--table", str(path), *words]) == 0
    assert "site 0, site 1, site 10" in (tmp_path / "out/report.md").read_text()


def test_two_studies_of_one_definition_are_one(make_study, tmp_path, capsys):
    folder = make_study(seeds=2)
    other = shutil.copytree(folder, tmp_path / "other")
    assert main(["report", str(folder), str(other), "--out", str(tmp_path / "both")]) == 0
    assert rows(tmp_path / "both/runs.csv") == rows_of(folder)
    assert "<h2 class=" not in (tmp_path / "both/report.html").read_text()


def rows_of(folder: Path) -> list[dict[str, str]]:
    assert main(["report", str(folder)]) == 0
    return rows(folder / "runs.csv")


def test_studies_that_differ_have_a_section_each(make_study, factorial, tmp_path, capsys):
    folder, out = make_study(seeds=2), tmp_path / "both"
    assert main(["report", str(folder), str(factorial), "--out", str(out)]) == 0
    text = (out / "report.md").read_text()
    assert text.startswith("# 2 studies\n")
    assert "differs from four_knobs: design: one_at_a_time there, factorial here" in text
    for title in ("Which of dropout", "Do dropout and init act together?"):
        assert f"## {title}" in text
        assert title in (out / "report.html").read_text()
        assert title in (out / "report.tex").read_text()
    for name in ("runs.csv", "effects.csv"):
        assert {row["study"] for row in rows(out / name)} == {"four_knobs", "together"}
    names = {path.stem for path in (out / "figures").iterdir()}
    assert {"four_knobs-forest", "together-forest", "together-interaction-dropout-init"} <= names


def test_studies_of_one_name_are_numbered(make_study, tmp_path, capsys):
    folder = make_study(seeds=2)
    other = shutil.copytree(folder, tmp_path / "other")
    study = yaml.safe_load((other / "study.yaml").read_text())
    (other / "study.yaml").write_text(yaml.safe_dump(study | {"alpha": 0.01}))
    assert main(["report", str(folder), str(other), "--out", str(tmp_path / "both")]) == 0
    found = rows(tmp_path / "both/effects.csv")
    assert {row["study"] for row in found} == {"four_knobs-1", "four_knobs-2"}


def test_the_title_is_the_question(table, tmp_path, capsys):
    assert main([*table, "--title", "Is it <so>?", "--out", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out/report.md").read_text().startswith("# Is it &lt;so&gt;?\n")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ([], "nothing to report: name a study's folder, or a table with --table"),
        (["a", "b"], "a holds no runs yet: nothing to report"),
        (
            ["a", "--table", "t.csv", "--metric", "m"],
            "--table: either a table or folders, not both",
        ),
        (["--table", "t.csv"], "--metric: name the column that judges"),
        (["a", "--metric", "m"], "--metric: a is a study and has its own (see study.yaml)"),
        (
            ["a", "--baseline", "a=1", "--metric", "m"],
            "--baseline: a is a study and has its own (see study.yaml)",
        ),
        (["a", "--alpha", "0.1"], "--alpha: a is a study and has its own (see study.yaml)"),
        (
            ["--table", "t.csv", "--metric", "m", "--alpha", "2"],
            "--alpha must be in (0, 1), got 2.0",
        ),
        (
            ["--table", "t.csv", "--metric", "m", "--margin", "0"],
            "--margin must be in (0, inf), got 0.0",
        ),
        (["--table", "t.csv", "--metric", "m"], "t.csv: No such file or directory"),
        (
            ["mlflow:x", "--store", "no.db"],
            "no MLflow store at no.db; name one with --store or --uri",
        ),
    ],
)
def test_what_cannot_be_reported_is_one_line(words, line, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["report", *words]) == 2
    assert capsys.readouterr().err == f"error: {line}\n"
    assert list(tmp_path.iterdir()) == []


def test_what_has_no_folder_needs_one(table, make_study, capsys):
    folder = str(make_study(seeds=1))
    for words in (table, ["report", folder, folder]):
        capsys.readouterr()
        assert main(words) == 2
        expected = "error: --out: name the folder in which the report is to be written\n"
        assert capsys.readouterr().err == expected


def test_a_baseline_that_cannot_be_read(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["report", "--table", "t.csv", "--baseline", "orthogonal"])
    assert stop.value.code == 2
    assert "must be like dropout=0.5,init=orthogonal, got orthogonal" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (
            lambda run: run["metrics"].update({"valid/loss": 0.5}),
            "constant metric: valid/loss is 0.5",
        ),
        (
            lambda run: run.update(status="diverged") if run["experiment"]["lr"] == "0.1" else None,
            "every run diverged at lr=0.1: there is no effect to measure",
        ),
    ],
)
def test_oddities_stand_before_the_verdicts(factorial, tmp_path, capsys, spoil, told):
    folder = shutil.copytree(factorial, tmp_path / "odd")
    for path in (folder / "runs").iterdir():
        run = json.loads(path.read_text())
        spoil(run)
        path.write_text(json.dumps(run))
    assert main(["report", str(folder)]) == 0
    assert capsys.readouterr().out.startswith(told)
    for name in ("report.html", "report.md", "report.tex"):
        text = (folder / name).read_text().replace("\\", "")
        assert told.split("=")[0] in text


def test_missing_cells_and_unequal_seeds_are_told(factorial, tmp_path, capsys):
    folder = shutil.copytree(factorial, tmp_path / "odd")
    for path in (*folder.glob("runs/04*.json"), folder / "runs/010000.json"):
        path.unlink()
    assert main(["report", str(folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "incomplete: 67 of 72 runs have ended; verdicts may change"
    assert lines[1].startswith("unequal seeds: of 4 seeds lr=0.01 has 3;")
    assert lines[2].startswith("missing cells: 1 of 18 combinations of levels have no run;")

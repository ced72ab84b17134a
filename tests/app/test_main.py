"""The commands a user types, in one process."""

import csv
import json
from pathlib import Path

import pytest

SMALL = ("training=smoke", "tracking=off", "model.hidden=8", "model.embedding=8", "executor=local")


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_help_names_every_command(shell) -> None:
    code, out, _ = shell("--help")
    assert code == 0
    assert all(
        f"rnn-regexp {name}" in out for name in ("train", "ablate", "report", "dashboard", "list")
    )


def test_train_keeps_its_result_and_does_not_train_twice(shell, tmp_path: Path) -> None:
    code, first, _ = shell("train", *SMALL)
    assert code == 0
    (path,) = (tmp_path / "outputs/train/runs").glob("*.json")
    result = json.loads(path.read_text())
    assert result["status"] == "finished"
    wanted = {"train/loss", "valid/loss", "valid/accuracy", "test/loss", "test/accuracy"}
    wanted |= {"train/gradient_norm", "train/clipped_fraction", "best/epoch"}
    assert wanted <= set(result["metrics"])
    assert len(result["history"]) == 2
    before = path.stat().st_mtime_ns
    assert shell("train", *SMALL)[1] == first
    assert path.stat().st_mtime_ns == before


def test_multirun_puts_its_runs_where_the_report_finds_them(shell, tmp_path: Path) -> None:
    code, out, err = shell("train", "-m", *SMALL, "model=rnn,gru", "seed=0,1")
    assert (code, err) == (0, "")
    assert out.count("valid/loss") == 4
    code, out, _ = shell("report", "outputs/train")
    assert code == 0
    table = rows(tmp_path / "outputs/train/runs.csv")
    assert sorted({row["model"] for row in table}) == ["gru", "rnn"]
    assert "model" in out


def test_ablate_from_the_command_line(shell, tmp_path: Path) -> None:
    factor = "+study.factors.rate={key: regularizers.dropout.rate, levels: [0, 0.5]}"
    code, out, err = shell("ablate", *SMALL, factor, "study.name=rates", "study.seeds=3")
    assert (code, err) == (0, "")
    assert "rates: 1 factors, 2 variants x 3 seeds = 6 runs in 1 cohorts" in out
    folder = tmp_path / "outputs/rates"
    files = {"study.yaml", "plan.csv", "runs.csv", "effects.csv", "report.md", "report.html"}
    assert files <= {path.name for path in folder.iterdir()}
    table = rows(folder / "runs.csv")
    assert [row["seed"] for row in table] == ["0", "1", "2"] * 2
    assert {row["rate"] for row in table} == {"0", "0.5"}


def test_another_study_in_the_same_folder_is_refused_and_more_seeds_are_welcome(shell) -> None:
    words = (
        "ablate",
        *SMALL,
        "+study.factors.lr={key: optimizer.lr, levels: [1e-3, 1e-2]}",
        "study.name=lr",
    )
    assert shell(*words, "study.seeds=1")[0] == 0
    code, _, err = shell(*words, "study.seeds=1", "model.hidden=9")
    assert code == 2
    assert err == (
        "error: outputs/lr holds another study: model.hidden: 8 there, 9 here"
        " (choose another folder with study.name=..., or remove it)\n"
    )
    code, out, _ = shell(*words, "study.seeds=2")
    assert code == 0
    assert "0 runs are" not in out


def test_plan_only_trains_nothing(shell, tmp_path: Path) -> None:
    code, out, _ = shell("ablate", "study=four_knobs", "study.plan_only=true")
    assert code == 0
    assert "four_knobs: 4 factors, 14 variants x 5 seeds = 70 runs" in out
    assert not (tmp_path / "outputs/four_knobs/runs").exists()


@pytest.mark.parametrize("kind", ["models", "datasets", "regularizers", "studies", "experiments"])
def test_list_has_a_line_for_each_choice(kind: str, shell) -> None:
    code, out, _ = shell("list", kind)
    assert code == 0
    assert out.splitlines()
    assert all(len(line.split()) > 3 for line in out.splitlines())


def test_hydras_own_flags_work(shell) -> None:
    code, out, _ = shell("train", "--cfg", "job", "model=lstm")
    assert code == 0
    assert "hidden: 64" in out
    code, out, _ = shell("train", "--info", "plugins")
    assert code == 0
    assert "AblationSweeper" in out


def test_a_study_of_the_users_own_folder(shell, tmp_path: Path) -> None:
    (tmp_path / "mine/study").mkdir(parents=True)
    (tmp_path / "mine/study/widths.yaml").write_text(
        "# @package _global_\n"
        "study:\n  name: widths\n  factors: {width: {key: model.hidden, levels: [4, 8]}}\n"
    )
    words = (
        "ablate",
        "--config-dir",
        "mine",
        "study=widths",
        "study.seeds=1",
        *SMALL[:2],
        "executor=local",
    )
    code, _, err = shell(*words, "model.hidden=4")
    assert (code, err) == (0, "")
    assert (tmp_path / "outputs/widths/report.html").exists()


def test_failed_runs_stay_in_the_table_and_are_tried_again(
    shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    factor = "+study.factors.lr={key: optimizer.lr, levels: [1e-3, 1e-2]}"
    words = ("ablate", *SMALL, factor, "study.name=lr", "study.seeds=2")
    with monkeypatch.context() as patch:
        patch.setattr("rnn_regexp.experiment.build_cohort", lambda experiments: 1 / 0)
        code, out, _ = shell(*words)
    assert code == 1
    assert "failed: ZeroDivisionError: division by zero" in out
    assert "4 runs failed (runs/*.json say why); the same command tries them again" in out
    assert {row["status"] for row in rows(tmp_path / "outputs/lr/runs.csv")} == {"failed"}
    assert shell(*words)[0] == 0
    assert {row["status"] for row in rows(tmp_path / "outputs/lr/runs.csv")} == {"finished"}


def test_two_levels_that_are_one_experiment_differ_by_nothing(shell, tmp_path: Path) -> None:
    """A technique that is off is off however it is set: trained once, compared nevertheless."""
    factor = "+study.factors.by={key: regularizers.clip.by, levels: [norm, value]}"
    off = ("regularizers.clip.threshold=inf", "study.name=by", "study.seeds=3")
    code, out, _ = shell("ablate", *SMALL, factor, *off)
    assert code == 0
    assert "2 variants x 3 seeds = 3 runs in 1 cohorts" in out
    table = rows(tmp_path / "outputs/by/runs.csv")
    assert [row["by"] for row in table] == ["norm"] * 3 + ["value"] * 3
    (effect, *_) = rows(tmp_path / "outputs/by/effects.csv")
    assert (effect["n_pairs"], effect["verdict"]) == ("3", "no difference (identical pairs)")

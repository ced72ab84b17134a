"""The commands a user types, in one process."""

import csv
import json
import subprocess
import sys
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
    words = (*SMALL, "executor.width=8", factor)  # a measured width depends on the machine
    code, out, err = shell("ablate", *words, "study.name=rates", "study.seeds=3")
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
    # In a process of its own: what Hydra logs goes to whoever set up logging first.
    command = [sys.executable, "-m", "rnn_regexp", "train", "--info", "plugins"]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "AblationSweeper" in told.stdout + told.stderr


def test_a_study_is_shown_and_not_run(shell, tmp_path: Path) -> None:
    code, out, err = shell("ablate", "study=awd_lstm", "--cfg", "job")
    assert (code, err) == (0, "")
    assert "design: leave_one_out" in out
    assert not (tmp_path / "outputs").exists()


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


def test_variants_that_are_one_experiment_are_trained_once(shell, tmp_path: Path) -> None:
    """A technique that is off is off however it is set."""
    by = "+study.factors.by={key: regularizers.clip.by, levels: [norm, value]}"
    at = "+study.factors.at={key: regularizers.clip.threshold, levels: [none, 0.1], baseline: none}"
    settings = ("study.design=factorial", "study.name=by", "study.seeds=3", "executor.width=8")
    code, out, _ = shell("ablate", *SMALL, by, at, *settings)
    assert code == 0
    assert "4 variants x 3 seeds = 9 runs in 2 cohorts" in out
    table = rows(tmp_path / "outputs/by/runs.csv")
    off = [row for row in table if row["at"] == "none"]
    assert [row["by"] for row in off] == ["norm"] * 3 + ["value"] * 3
    assert [row["valid/loss"] for row in off[:3]] == [row["valid/loss"] for row in off[3:]]


STAGED = (*SMALL, "dataset=digits", "training.limit=32", "study.seeds=2", "study.name=s")


def test_a_path_trains_stage_by_stage_and_the_same_command_adds_nothing(
    shell, tmp_path: Path
) -> None:
    rate = "+study.factors.rate={key: regularizers.dropout.rate, levels: [0, 0.5], baseline: 0}"
    lr = "+study.factors.lr={key: optimizer.lr, levels: [1e-3, 0.1], baseline: 1e-3}"
    words = ("ablate", *STAGED, rate, lr, "study.design=path")
    code, out, err = shell(*words)
    assert (code, err) == (0, "")
    assert "a path of 2 stages, of which this is the first: at most 4 variants" in out
    assert "stage 2: " in out
    table = rows(tmp_path / "outputs/s/runs.csv")
    assert [row["variant"] for row in table[::2]][-1] == "rate=0.5 lr=0.1"
    before = (tmp_path / "outputs/s/study.yaml").read_bytes()
    code, out, _ = shell(*words)
    assert code == 0
    assert "6 runs are finished already" in out
    assert (tmp_path / "outputs/s/study.yaml").read_bytes() == before


def test_nuisance_settings_are_tuned_before_the_comparison(shell, tmp_path: Path) -> None:
    rate = "+study.factors.rate={key: regularizers.dropout.rate, levels: [0, 0.5]}"
    tuned = "study.nuisance={optimizer.lr: [1e-3, 0.1]}"
    code, out, err = shell("ablate", *STAGED, rate, tuned)
    assert (code, err) == (0, "")
    assert "optimizer.lr is tuned for each variant: 2 trials x 1 seeds, 4 runs in all" in out
    assert "not part of the plan" not in out
    trials = rows(tmp_path / "outputs/s/tuning.csv")
    best = min(trials[:2], key=lambda row: float(row["valid/loss"]))
    assert [row["selected"] for row in trials].count("1") == 2
    plan = rows(tmp_path / "outputs/s/plan.csv")
    assert plan[0]["optimizer.lr"] == best["optimizer.lr"]
    assert len(rows(tmp_path / "outputs/s/runs.csv")) == 4


def test_failed_trials_end_the_study_before_anything_is_decided(
    shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rate = "+study.factors.rate={key: regularizers.dropout.rate, levels: [0, 0.5]}"
    words = ("ablate", *STAGED, rate, "study.nuisance={optimizer.lr: [1e-3, 0.1]}")
    with monkeypatch.context() as patch:
        patch.setattr("rnn_regexp.experiment.build_cohort", lambda experiments: 1 / 0)
        code, out, err = shell(*words)
    assert (code, err) == (1, "")
    assert out.endswith("4 runs failed (runs/*.json say why); the same command tries them again\n")
    assert rows(tmp_path / "outputs/s/plan.csv") == []
    assert shell(*words)[0] == 0


def test_seeds_are_added_while_a_verdict_is_open(shell, tmp_path: Path) -> None:
    rate = "+study.factors.lr={key: optimizer.lr, levels: [1e-3, 2e-3]}"
    seeds = "study.seeds={start: 2, max: 4, step: 1}"
    code, out, err = shell("ablate", *STAGED, rate, seeds)
    assert (code, err) == (0, "")
    assert "looks at 2, 3, 4 seeds" in out
    table = rows(tmp_path / "outputs/s/plan.csv")
    assert {row["stage"] for row in table} >= {"1"}
    assert len(table) == 2 * max(int(row["seed"]) + 1 for row in table)


def test_another_random_stream_is_another_run_of_the_same_kind(shell, tmp_path: Path) -> None:
    code, out, _ = shell("ablate", "study=null_factor", *SMALL, "study.seeds=2")
    assert code == 0
    table = rows(tmp_path / "outputs/null_factor/runs.csv")
    assert len({row["valid/loss"] for row in table}) == 8
    assert not any(line.split()[-1] in ("helps", "hurts") for line in out.splitlines() if line)

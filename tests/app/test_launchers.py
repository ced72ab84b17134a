"""Hydra's own launchers and the Optuna sweeper, where they are installed."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rnn_regexp.ledger import Ledger

SMALL = ("training=smoke", "training.device=cpu", "tracking=off", "model.hidden=4")
ROWS = [(f"{'a b c d e'[: 2 * length - 1]}", label) for length in range(1, 6) for label in "xy"]


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "rnn_regexp", "train", "-m", *SMALL, *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )


def require(plugin: str) -> None:
    """Skip aloud where a plugin is absent; importing it here would register it twice."""
    if importlib.util.find_spec(f"hydra_plugins.{plugin}") is None:
        pytest.skip(f"not installed: {plugin.replace('_', '-')}")


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["basic", "joblib", "submitit_local", "ray"])
def test_one_refused_job_does_not_take_the_others_with_it(launcher: str, tmp_path: Path) -> None:
    if launcher != "basic":
        require(f"hydra_{launcher.partition('_')[0]}_launcher")
    lines = [f"{text},{label}\n" for text, label in ROWS]
    (tmp_path / "good.csv").write_text("text,label\n" + "".join(lines))
    words = ("dataset=text_csv", "dataset.path=none.csv,good.csv", f"hydra/launcher={launcher}")
    ended = run(tmp_path, *words)
    assert ended.returncode == 1, ended.stderr
    (result,) = Ledger(tmp_path / "outputs/train").results()
    assert result.status == "finished"
    assert "dataset.path: no such file: none.csv (did you mean good.csv?)" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.slow
def test_optuna_minimizes_the_validation_loss(tmp_path: Path) -> None:
    require("hydra_optuna_sweeper")
    words = ("dataset=digits", "hydra/sweeper=optuna", "hydra.sweeper.n_trials=2")
    ended = run(tmp_path, *words, "hydra.sweeper.n_jobs=1", "optimizer.lr=interval(0.001,0.1)")
    assert ended.returncode == 0, ended.stderr
    losses = [own.metrics["valid/loss"] for own in Ledger(tmp_path / "outputs/train").results()]
    assert len(losses) == 2
    assert f"Best value: {min(losses)}" in ended.stdout + ended.stderr

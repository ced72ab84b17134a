"""Training does not die of the store in which its runs are shown."""

from pathlib import Path

import pytest

SMALL = ("dataset=digits", "training=smoke", "model.hidden=4", "executor=local")
FACTOR = "+study.factors.rate={key: regularizers.dropout.rate, levels: [0, 0.5]}"
COMMANDS = {
    "train": ("train", *SMALL),
    "ablate": ("ablate", FACTOR, "study.name=train", "study.seeds=1", *SMALL),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_damaged_store_costs_two_lines(command: str, shell, tmp_path: Path) -> None:
    store = tmp_path / "outputs/mlflow.db"
    store.parent.mkdir()
    store.write_text("no database " * 100)
    code, out, err = shell(*COMMANDS[command])
    assert (code, err) == (0, "")
    assert list((tmp_path / "outputs/train/runs").glob("*.json"))
    first, last = (line for line in out.splitlines() if line.startswith("tracking: "))
    why = f"tracking.store={store} cannot be used: file is not a database"
    assert first == f"tracking: {why}; training goes on, the ledger keeps every run"
    assert last.endswith(f"entries not sent ({why}); 'rnn-regexp sync outputs/train' sends them")
    store.unlink()
    code, out, err = shell("sync", "outputs/train")
    assert (code, err) == (0, "")
    assert out.endswith(f" runs are in MLflow, sqlite:///{store}\n")


def test_a_store_that_cannot_be_made_is_refused_before_training(shell, tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    code, _, err = shell(*COMMANDS["ablate"], "tracking.store=taken")
    assert (code, err) == (2, f"error: tracking.store={tmp_path / 'taken'} is a folder\n")
    assert not list(tmp_path.rglob("*.json"))

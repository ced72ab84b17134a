"""A study's ledger made up from formulas, as large as a real one and ready in a second."""

import csv
import io
import math
from pathlib import Path

from rnn_regexp.ledger import DIVERGED, FAILED, FINISHED, Ledger, RunResult

STARTED = 1_790_000_000.0  # a fixed moment, so that every test sees the same time stamps
BASELINE = {"dropout": "0.5", "weight_decay": "0.0001", "clip": "5", "init": "orthogonal"}
LEVELS = {
    "dropout": ("0", "0.25", "0.5", "0.75"),
    "weight_decay": ("0", "1e-05", "0.0001", "0.001"),
    "clip": ("none", "10", "5", "1"),
    "init": ("default", "xavier", "kaiming", "orthogonal", "scaled_orthogonal"),
}


def variants() -> dict[str, dict[str, str]]:
    """One factor at a time around the baseline: name -> factor -> level."""
    found = {"baseline": BASELINE}
    for factor, levels in LEVELS.items():
        for level in levels:
            if level != BASELINE[factor]:
                found[f"{factor}={level}"] = {**BASELINE, factor: level}
    return found


def result(labels: dict[str, str], number: int, seed: int, epochs: int = 12) -> RunResult:
    """A finished run whose curves depend smoothly on its levels and its seed."""
    pull = float(labels["dropout"]) + 200 * float(labels["weight_decay"])
    started = STARTED + 8.0 * number
    history = [_row(epoch, pull, seed, started) for epoch in range(epochs)]
    last = {
        key: value for key, value in history[-1].items() if key not in ("epoch", "step", "time")
    }
    best = min(history, key=lambda row: row["valid/loss"])
    final = {
        "test/loss": last["valid/loss"] + 0.02,
        "test/accuracy": last["valid/accuracy"] - 0.01,
        "best/epoch": best["epoch"],
        "best/valid/loss": best["valid/loss"],
        "best/test/loss": best["valid/loss"] + 0.02,
    }
    return RunResult(
        run_id=f"{number:03d}{seed:013x}",
        seed=seed,
        status=FINISHED,
        experiment=_experiment(labels, seed, epochs),
        metrics={**last, **final},
        history=history,
        seconds=float(epochs),
        started=started,
        environment={"torch": "2.13.0", "python": "3.11.9", "revision": "16ecba0"},
    )


def _row(epoch: int, pull: float, seed: int, started: float) -> dict[str, float]:
    wave = 0.02 * math.sin(3.0 * seed + epoch)
    train = 1.9 * math.exp(-0.35 * epoch / (1 + pull)) + 0.05 * pull
    valid = 1.0 + 0.9 * math.exp(-0.8 * epoch) + 0.05 * epoch / (1 + 2 * pull) + wave
    return {
        "epoch": epoch,
        "step": 63 * (epoch + 1),
        "time": started + epoch + 1.0,
        "train/loss": train,
        "valid/loss": valid,
        "valid/accuracy": 0.85 - 0.25 * math.exp(-0.8 * epoch) - 0.004 * epoch + wave,
        "train/gradient_norm": 3.0 * math.exp(-0.1 * epoch) + wave,
        "train/clipped_fraction": 0.1,
    }


def _experiment(labels: dict[str, str], seed: int, epochs: int) -> dict[str, object]:
    return {
        "name": "experiment",
        "model": {"name": "gru", "embedding": 64, "hidden": 64, "layers": 1},
        "dataset": {"name": "docstrings", "examples": 2000, "vocabulary": 5000},
        "regularizers": {
            "dropout": {"name": "dropout", "rate": float(labels["dropout"])},
            "weight_decay": {"name": "weight_decay", "coefficient": float(labels["weight_decay"])},
            "clip": {
                "name": "clip",
                "threshold": labels["clip"].replace("none", "inf"),
                "by": "norm",
            },
            "init": {"name": "init", "scheme": labels["init"]},
        },
        "optimizer": {"name": "adam", "lr": 0.001, "beta1": 0.9, "beta2": 0.999},
        "training": {"name": "training", "epochs": epochs, "batch_size": 32},
        "seed": seed,
    }


def write_ledger(folder: Path, seeds: int = 3) -> Ledger:
    """All variants with ``seeds`` seeds; one of the runs diverged, one failed."""
    ledger, planned = Ledger(folder), []
    for number, (variant, labels) in enumerate(variants().items()):
        for seed in range(seeds):
            run = result(labels, number, seed)
            if (number, seed) == (9, 1):
                run.status, run.diverged_at, run.history = DIVERGED, 211, run.history[:4]
                run.metrics = {}
            if (number, seed) == (12, 2):
                run.status, run.error, run.metrics, run.history = FAILED, "out of memory", {}, []
            ledger.record(run)
            planned.append({"run_id": run.run_id, "variant": variant, "seed": seed, "cohort": 0})
            planned[-1].update(labels)
    ledger.write("plan.csv", _csv(planned))
    ledger.write("study.yaml", _study(folder.name, seeds))
    ledger.write("effects.csv", _csv(effects()))
    ledger.write("report.md", _markdown())
    ledger.write("report.html", "<h1>Four knobs</h1>")
    return ledger


def effects() -> list[dict[str, object]]:
    """The table of effects on the validation loss, and one row of another metric."""
    rows = [
        {"factor": factor, "level": level, "baseline_level": BASELINE[factor], "metric": metric}
        | {"estimate": 0.01 * place, "ci_low": 0.01 * place - 0.02, "ci_high": 0.01 * place + 0.02}
        | {"p_adjusted": 0.2, "verdict": "undecided"}
        for metric in ("valid/loss", "test/loss")
        for factor, levels in LEVELS.items()
        for place, level in enumerate(levels)
        if level != BASELINE[factor]
    ]
    rows[0]["ci_low"] = rows[0]["ci_high"] = ""  # one pair has no interval
    return rows


def _markdown() -> str:
    head = "| factor | level | estimate | 95 % interval | verdict |\n|---|---|---:|---|---|\n"
    rows = (
        f"| {row['factor']} | {row['level']} | {row['estimate']} "
        f"| [{row['ci_low']}, {row['ci_high']}] | {row['verdict']} |"
        for row in effects()
        if row["metric"] == "valid/loss"
    )
    return "**four_knobs**, effects on the validation loss\n\n" + head + "\n".join(rows) + "\n"


def _study(name: str, seeds: int) -> str:
    factors = "".join(
        f"  {factor}: {{baseline: '{BASELINE[factor]}', levels: {list(levels)}}}\n"
        for factor, levels in LEVELS.items()
    )
    head = f"name: {name}\nmetric: valid/loss\ngoal: min\nseeds: {list(range(seeds))}\n"
    return f"{head}factors:\n{factors}"


def _csv(rows: list[dict[str, object]]) -> str:
    file = io.StringIO()
    writer = csv.DictWriter(file, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()

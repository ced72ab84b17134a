"""A made-up factorial study: two factors that act together, a third that makes runs diverge."""

import itertools
from pathlib import Path

import numpy as np
import yaml

from rnn_regexp.ledger import DIVERGED, FINISHED, Ledger, RunResult

LEVELS = {
    "dropout": ["0", "0.25", "0.5"],
    "init": ["orthogonal", "xavier"],
    "lr": ["0.001", "0.01", "0.1"],
}
BASELINE = {"dropout": "0", "init": "orthogonal", "lr": "0.001"}
KEYS = {"dropout": "regularizers.dropout.rate", "init": "regularizers.init", "lr": "optimizer.lr"}


def cells() -> list[dict[str, str]]:
    """Every combination of levels."""
    return [dict(zip(LEVELS, own)) for own in itertools.product(*LEVELS.values())]


def name_of(cell: dict[str, str]) -> str:
    changed = [f"{key}={level}" for key, level in cell.items() if level != BASELINE[key]]
    return " ".join(changed) or "baseline"


def loss(cell: dict[str, str]) -> float:
    """Dropout helps, and twice as much with xavier: the two act together."""
    helped = 0.3 * float(cell["dropout"]) * (2 if cell["init"] == "xavier" else 1)
    return 1.2 - helped + (0.1 if cell["init"] == "xavier" else 0) + 2 * float(cell["lr"])


def diverges(cell: dict[str, str], seed: int) -> bool:
    return cell["lr"] == "0.1" and (seed % 2 == 0 or cell["init"] == "xavier")


def history(final: float, seed: int, epochs: int) -> list[dict[str, float]]:
    """Curves that fall, and what is diagnosed: a flow over distances, two rates."""
    rng = np.random.default_rng(seed)
    rows = []
    for epoch in range(1, epochs + 1):
        left = np.exp(-epoch / 3)
        row = {"epoch": epoch, "valid/loss": final + left + rng.normal(0, 0.01)}
        row["train_eval/loss"] = row["valid/loss"] - 0.05 * epoch
        for distance in (0, 1, 2, 4, 8, 16, 32, 64, 128):
            flow = float(np.exp(-distance / (10 + epoch)))
            row[f"diagnostics/gradient_flow/{distance}"] = flow
        row["diagnostics/gate_saturation/reset"] = 0.1 + 0.01 * epoch
        row["diagnostics/gate_saturation/update"] = 0.2 - 0.01 * epoch
        row["diagnostics/sparsity"] = 0.5
        rows.append(row)
    return rows


def result(cell: dict[str, str], number: int, seed: int, epochs: int) -> RunResult:
    rng = np.random.default_rng([seed, number])
    block = np.random.default_rng(seed).normal(0, 0.05)
    rows = history(loss(cell) + block + rng.normal(0, 0.02), seed, epochs)
    last = {key: value for key, value in rows[-1].items() if key != "epoch"}
    lost = diverges(cell, seed)
    return RunResult(
        run_id=f"{number:02d}{seed:04d}",
        seed=seed,
        status=DIVERGED if lost else FINISHED,
        experiment={"model": {"name": "gru"}, "seed": seed, **cell},
        metrics={} if lost else last | {"test/accuracy": 1 - last["valid/loss"] / 4},
        history=rows[:2] if lost else rows,
        seconds=3.5,
        started=1.7e9 + 10 * number + seed,
        diverged_at=120 if lost else None,
        environment={"torch": "2.13.0", "data_digest": "5d1f", "revision": "1f2e3d4"},
    )


def write_factorial(folder: Path, seeds: int = 4, epochs: int = 6, **settings: object) -> Path:
    """study.yaml, plan.csv and the runs of the study."""
    ledger, lines = Ledger(folder), [["run_id", "variant", "seed", "cohort", *LEVELS]]
    for number, cell in enumerate(cells()):
        for seed in range(seeds):
            run = result(cell, number, seed, epochs)
            ledger.record(run)
            lines.append([run.run_id, name_of(cell), str(seed), "0", *cell.values()])
    ledger.write("plan.csv", "\n".join(map(",".join, lines)) + "\n")
    study = {
        "name": folder.name,
        "title": "Do dropout and init act together?",
        "design": "factorial",
        "metric": "valid/loss",
        "goal": "min",
        "seeds": list(range(seeds)),
        "factors": {
            name: {"key": KEYS[name], "baseline": BASELINE[name], "levels": levels}
            for name, levels in LEVELS.items()
        },
        "base": {"model": {"name": "gru", "hidden": 8}},
        "command": f"rnn-regexp ablate study={folder.name}",
    }
    ledger.write("study.yaml", yaml.safe_dump(study | settings, sort_keys=False))
    return folder

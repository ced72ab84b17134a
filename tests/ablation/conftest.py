"""A made-up study folder: four factors around a baseline, seeds as blocks, one diverged run."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml

from rnn_regexp.ledger import DIVERGED, FAILED, FINISHED, Ledger, RunResult

NASTY = "<script>alert('x')</script>|$\\foo$"
FACTORS = {
    "dropout": ("0.5", ["0", "0.25", "0.5", "0.75"]),
    "weight_decay": ("0.0001", ["0", "1e-05", "0.0001", "0.001"]),
    "clip": ("5", ["none", "10", "5", "1"]),
    "init": (
        "orthogonal",
        ["default", "xavier", "kaiming", "orthogonal", NASTY],
    ),
}
SETTINGS = {
    "dropout": "regularizers.dropout.rate",
    "weight_decay": "regularizers.weight_decay.coefficient",
    "clip": "regularizers.clip.threshold",
    "init": "regularizers.init.scheme",
}
EFFECTS = {  # on the final validation loss; positive is worse
    ("dropout", "0"): 0.22,
    ("dropout", "0.25"): 0.07,
    ("dropout", "0.75"): -0.17,
    ("weight_decay", "0"): 0.26,
    ("weight_decay", "1e-05"): 0.2,
    ("weight_decay", "0.001"): -0.24,
    ("clip", "1"): 0.03,
    ("init", "default"): 0.04,
    ("init", "xavier"): -0.02,
    ("init", NASTY): 0.12,
}
NOISELESS = {("clip", "none"), ("clip", "10")}
STARTED = 1.7e9
BASE = {
    "name": "experiment",
    "model": {"name": "gru", "hidden": 64, "embedding": 64},
    "dataset": {"name": "docstrings", "vocabulary": 5000},
    "training": {"name": "training", "epochs": 12, "batch": 32},
    "optimizer": {"name": "adam", "rate": 0.001},
}


def variants() -> list[dict[str, str]]:
    """The baseline, then every other level on its own."""
    baseline = {key: base for key, (base, _) in FACTORS.items()}
    changed = [
        baseline | {key: level}
        for key, (base, levels) in FACTORS.items()
        for level in levels
        if level != base
    ]
    return [baseline, *changed]


def name_of(variant: dict[str, str]) -> str:
    changed = [f"{key}={v}" for key, v in variant.items() if v != FACTORS[key][0]]
    return " ".join(changed) or "baseline"


def history(effect: float, noise: float, epochs: int, seed: int) -> list[dict[str, float]]:
    """Losses that overfit: training falls, validation turns; ``effect`` tells by how much."""
    rng = np.random.default_rng(seed)
    epoch = np.arange(1, epochs + 1)
    train = 1.9 * np.exp(-epoch / (3.5 + 6 * max(-effect, 0))) + 0.08 + rng.normal(0, 0.01, epochs)
    turn = 0.62 * ((epoch - 4.5) / 7.5).clip(0) ** 1.1
    valid = 1.02 + 1.1 * np.exp(-epoch / 1.4) + turn * (1 + effect / 0.62) + noise
    valid = valid + rng.normal(0, 0.008, epochs)
    return [
        {
            "epoch": int(e),
            "step": int(e) * 63,
            "time": STARTED + 60.0 * seed + float(e),
            "train/loss": float(t + 0.12),
            "train_eval/loss": float(t),
            "train_eval/accuracy": float(1 - t / 2.2),
            "valid/loss": float(v),
            "valid/accuracy": float(0.86 - v / 8),
            "train/gradient_norm": float(1 + t),
            "train/clipped_fraction": 0.0,
        }
        for e, t, v in zip(epoch, train, valid, strict=True)
    ]


def final(rows: list[dict[str, float]], rng: np.random.Generator) -> dict[str, float]:
    """A run's metrics from its history: at the last epoch and at the best."""
    last, best = rows[-1], min(rows, key=lambda row: row["valid/loss"])
    shift = float(rng.normal(0, 0.02))

    def at(row: dict[str, float], prefix: str) -> dict[str, float]:
        names = ["train_eval/loss", "train_eval/accuracy", "valid/loss", "valid/accuracy"]
        kept = {prefix + name: row[name] for name in names}
        test = {
            "test/loss": row["valid/loss"] + shift,
            "test/accuracy": 0.85 - row["valid/loss"] / 8,
        }
        return kept | {prefix + name: value for name, value in test.items()}

    plain = {name: last[name] for name in ["train/loss", "train/gradient_norm"]}
    return plain | at(last, "") | {"best/epoch": float(best["epoch"])} | at(best, "best/")


def result(variant: dict[str, str], seed: int, run_id: str, epochs: int = 12) -> RunResult:
    """One run of the made-up study; the same arguments give the same run."""
    changed = [(key, v) for key, v in variant.items() if v != FACTORS[key][0]]
    effect = sum(EFFECTS.get(item, 0.0) for item in changed)
    same = not changed or set(changed) <= NOISELESS
    own = np.random.default_rng([seed, 0 if same else hash_of(changed)])
    block = float(np.random.default_rng(seed).normal(0, 0.05))
    rows = history(effect, block + float(own.normal(0, 0.02)), epochs, seed)
    nested = {key: {"name": key, SETTINGS[key].split(".")[2]: v} for key, v in variant.items()}
    return RunResult(
        run_id=run_id,
        seed=seed,
        status=FINISHED,
        experiment=BASE | {"regularizers": nested, "seed": seed},
        metrics=final(rows, own),
        history=rows,
        seconds=11.0 + seed / 7,
        started=STARTED + 60.0 * seed,
        environment={"torch": "2.13.0", "data_digest": "0f3a9c2e11d7b845", "revision": "1f2e3d4"},
    )


def hash_of(changed: list[tuple[str, str]]) -> int:
    """A number that depends on the text alone (``hash`` differs from process to process)."""
    return int(hashlib.sha256(json.dumps(changed).encode()).hexdigest()[:8], 16)


def write_study(
    folder: Path, seeds: int = 5, epochs: int = 12, diverge: bool = True, **settings: object
) -> Path:
    """Write study.yaml, plan.csv and the runs of the made-up study into ``folder``."""
    ledger = Ledger(folder)
    ledger.write("study.yaml", yaml.safe_dump(study_yaml(seeds) | settings, sort_keys=False))
    header = ["run_id", "variant", "seed", "cohort", *FACTORS]
    lines = [header]
    for index, variant in enumerate(variants()):
        for seed in range(seeds):
            run_id = f"{(index * 7919 + seed * 104729) % 2**24:06x}{index:02d}{seed:02d}"
            lines.append([run_id, name_of(variant), str(seed), "c0", *variant.values()])
            ledger.record(result(variant, seed, run_id, epochs))
    ledger.write("plan.csv", "\n".join(",".join(map(quoted, line)) for line in lines) + "\n")
    if diverge:
        spoil(ledger, lines[-1][0], DIVERGED)
    return folder


def spoil(ledger: Ledger, run_id: str, status: str) -> None:
    """Let one run end badly."""
    run = next(run for run in ledger.results() if run.run_id == run_id)
    run.status, run.metrics = status, {"train/loss": 1e9, "valid/loss": 1e9}
    run.diverged_at = 190 if status == DIVERGED else None
    run.error = "CUDA out of memory" if status == FAILED else None
    run.history = run.history[:3]
    ledger.record(run)


def study_yaml(seeds: int) -> dict[str, object]:
    return {
        "name": "four_knobs",
        "title": "Which of dropout, weight decay, clipping and init helps a GRU text classifier?",
        "design": "one_at_a_time",
        "metric": "valid/loss",
        "goal": "min",
        "evaluate": "last",
        "seeds": list(range(seeds)),
        "alpha": 0.05,
        "margin": None,
        "factors": {
            name: {"key": SETTINGS[name], "baseline": baseline, "levels": levels}
            for name, (baseline, levels) in FACTORS.items()
        },
        "base": BASE,
        "command": "rnn-regexp ablate study=four_knobs",
    }


def quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'


@pytest.fixture(scope="session")
def written_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The made-up study as it is by default; not to be changed."""
    return write_study(tmp_path_factory.mktemp("studies") / "four_knobs")


@pytest.fixture
def make_study(tmp_path: Path, written_study: Path) -> Callable[..., Path]:
    """Writes the made-up study into a fresh folder; takes the arguments of ``write_study``."""

    def make(**options: object) -> Path:
        folder = tmp_path / "four_knobs"
        if options:
            return write_study(folder, **options)
        return shutil.copytree(written_study, folder)

    return make


@pytest.fixture
def made_up() -> SimpleNamespace:
    """The made-up study's parts."""
    parts = (NASTY, result, spoil, variants)
    return SimpleNamespace(
        **dict(zip(("NASTY", "result", "spoil", "variants"), parts, strict=True))
    )

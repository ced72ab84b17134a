"""Staged studies: tuning, looks and paths, with made-up results in place of training."""

import csv
import io
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from rnn_regexp.ablation import stages as staging
from rnn_regexp.ablation.blueprint import PlannedRun
from rnn_regexp.ablation.plan import Plan
from rnn_regexp.ablation.plan_files import plan_csv, study_yaml, tuning_csv
from rnn_regexp.ablation.stages import stages
from rnn_regexp.ablation.study import Design, Tuning
from rnn_regexp.config.resolve import read
from rnn_regexp.ledger import DIVERGED, FINISHED, Ledger, RunResult
from tests.ablation.planning import planned

Loss = Callable[[PlannedRun], float | None]
KEYS = {
    "dropout": ("regularizers.dropout.rate", [0, 0.3]),
    "decay": ("regularizers.weight_decay.coefficient", [0, 0.01]),
    "clip": ("regularizers.clip.threshold", ["none", 1]),
    "init": ("regularizers.init.scheme", ["default", "identity"]),
}
FACTORS = {n: {"key": k, "levels": own, "baseline": own[0]} for n, (k, own) in KEYS.items()}


def train(plan: Plan, ledger: Ledger, loss: Loss) -> None:
    """Record a result for the runs that the latest stage added; None is one that diverged."""
    for run in plan.latest:
        assert ledger.result(run.run_id) is None, "trained twice"
        value = loss(run)
        status = DIVERGED if value is None else FINISHED
        metrics = {"valid/loss": -1.0 if value is None else value}
        ledger.record(RunResult(run.run_id, run.seed, status, {}, metrics=metrics, seconds=2.0))


def trained(first: Plan, ledger: Ledger, loss: Loss) -> list[Plan]:
    found = []
    for plan in stages(first, ledger):
        train(plan, ledger, loss)
        found.append(plan)
    return found


def changed(run: PlannedRun) -> frozenset[str]:
    return frozenset(n for n, label in run.variant.labels.items() if label != BASELINE[n])


BASELINE = {"dropout": "0", "decay": "0", "clip": "none", "init": "default"}

# A loss with interactions: the best first flip is not the best flip alone behind another.
EFFECTS = {
    frozenset(["dropout"]): -0.5,
    frozenset(["decay"]): -0.4,
    frozenset(["clip"]): 0.2,
    frozenset(["init"]): 0.1,
    frozenset(["dropout", "decay"]): 0.6,
    frozenset(["dropout", "clip"]): -0.5,
    frozenset(["decay", "init"]): -0.05,
}


def additive(run: PlannedRun) -> float:
    here = changed(run)
    return sum(v for own, v in EFFECTS.items() if own <= here) + 0.01 * run.seed


def greedy() -> list[str]:
    """The path by trying everything, without our code."""
    here: set[str] = set()
    order = []
    while len(here) < len(KEYS):
        scores = {
            name: sum(v for own, v in EFFECTS.items() if own <= here | {name})
            for name in KEYS
            if name not in here
        }
        order.append(min(scores, key=scores.__getitem__))
        here.add(order[-1])
    return order


def test_a_path_keeps_the_best_flip_of_each_stage(tmp_path: Path) -> None:
    first = planned(factors=FACTORS, design=Design.path, seeds=2)
    plans = trained(first, Ledger(tmp_path), additive)
    last = plans[-1]
    assert [own["factor"] for own in last.decisions] == greedy()
    assert greedy() == ["dropout", "clip", "init", "decay"]
    assert [len(plan.latest) for plan in plans] == [10, 6, 4, 2, 0]
    assert len(last.variants) == 11
    rows = list(csv.DictReader(io.StringIO(plan_csv(last))))
    assert [row["stage"] for row in rows] == ["1"] * 10 + ["2"] * 6 + ["3"] * 4 + ["4"] * 2
    written = yaml.safe_load(study_yaml(last, ""))
    assert written["decisions"][1] == {
        "stage": 2,
        "factor": "clip",
        "variant": "dropout=0.3 clip=1",
    }


def test_a_path_does_not_keep_a_flip_that_diverges(tmp_path: Path) -> None:
    def loss(run: PlannedRun) -> float | None:
        return None if "dropout" in changed(run) and run.seed == 1 else additive(run)

    first = planned(factors=FACTORS, design=Design.path, seeds=2)
    last = trained(first, Ledger(tmp_path), loss)[-1]
    assert last.decisions[0]["factor"] == "decay"
    assert last.decisions[-1]["factor"] == "dropout"


def test_a_flip_that_does_nothing_behind_another_is_not_trained_again(tmp_path: Path) -> None:
    factors = {
        "by": {"key": "regularizers.clip.by", "levels": ["norm", "value"]},
        "at": {"key": "regularizers.clip.threshold", "levels": [1, "none"], "baseline": 1},
    }
    first = planned(factors=factors, design=Design.path, seeds=2)
    plans = trained(first, Ledger(tmp_path), lambda run: -(run.variant.labels["at"] == "none"))
    assert [own["factor"] for own in plans[-1].decisions] == ["at", "by"]
    assert [len(plan.latest) for plan in plans] == [6, 0, 0]
    assert len(plans[-1].runs) == 8


def test_a_study_goes_on_wherever_it_was_stopped(tmp_path: Path) -> None:
    first = planned(factors=FACTORS, design=Design.path, seeds=2)
    whole = trained(first, Ledger(tmp_path / "whole"), additive)[-1]
    for count in range(1, 5):
        ledger = Ledger(tmp_path / str(count))
        going = stages(first, ledger)
        for _ in range(count):
            train(next(going), ledger, additive)
        going.close()
        again = [plan for plan in stages(first, ledger) if train_missing(plan, ledger)]
        assert plan_csv(again[-1]) == plan_csv(whole)
        assert study_yaml(again[-1], "") == study_yaml(whole, "")


def train_missing(plan: Plan, ledger: Ledger) -> bool:
    for run in plan.latest:
        if ledger.result(run.run_id) is None:
            metrics = {"valid/loss": additive(run)}
            ledger.record(RunResult(run.run_id, run.seed, FINISHED, {}, metrics=metrics))
    return True


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[object]]:
    """Closes dropout after the first look, decay after the second, the rest after the third."""
    asked: list[object] = []
    still = {1: ["decay=0.01", "clip=1", "init=identity"], 2: ["clip=1", "init=identity"], 3: []}

    def open_variants(folder: Path, look: int, looks: list[int]) -> list[str]:
        asked.append((folder, look, looks))
        return still[look]

    monkeypatch.setattr(staging, "open_variants", open_variants)
    return asked


def test_seeds_are_added_to_open_variants_and_the_baseline(
    tmp_path: Path, looks: list[object]
) -> None:
    first = planned(factors=FACTORS, seeds={"start": 2, "max": 9, "step": 2}, first_seed=5)
    plans = trained(first, Ledger(tmp_path), additive)
    assert looks == [(tmp_path, number, [2, 4, 6, 8, 9]) for number in (1, 2, 3)]
    last = plans[-1]
    seeds = {
        own.name: [run.seed for run in last.runs if run.variant == own] for own in last.variants
    }
    assert seeds == {
        "baseline": [5, 6, 7, 8, 9, 10],
        "dropout=0.3": [5, 6],
        "decay=0.01": [5, 6, 7, 8],
        "clip=1": [5, 6, 7, 8, 9, 10],
        "init=identity": [5, 6, 7, 8, 9, 10],
    }
    written = yaml.safe_load(study_yaml(last, ""))
    assert written["seeds"] == [5, 6, 7, 8, 9, 10]
    assert written["sequential"] == {"looks": [2, 4, 6, 8, 9], "stop": {}, "done": 3}
    assert [own["open"] for own in written["decisions"]] == [
        ["decay=0.01", "clip=1", "init=identity"],
        ["clip=1", "init=identity"],
        [],
    ]


def test_the_last_look_asks_nothing_more(tmp_path: Path, looks: list[object]) -> None:
    first = planned(factors=FACTORS, seeds={"start": 2, "max": 4, "step": 1})
    last = trained(first, Ledger(tmp_path), additive)[-1]
    assert len(looks) == 2
    assert [own["look"] for own in last.decisions] == [1, 2]


RATES = {"optimizer.lr": [1e-3, 1e-2, 1e-1]}


def tuned_loss(run: PlannedRun) -> float:
    """The best rate depends on the variant, and the study's own seeds would choose another."""
    lr = read(run.experiment, "optimizer.lr")
    best = 1e-1 if "dropout" in changed(run) else 1e-3
    return 1.0 + (lr != best) - (5.0 * (lr == 1e-2) if run.seed < 1000 else 0)


def test_each_variant_keeps_its_best_trial(tmp_path: Path) -> None:
    factors = {"dropout": FACTORS["dropout"]}
    first = planned(factors=factors, nuisance=RATES, tuning=Tuning(seeds=2), seeds=3)
    ledger = Ledger(tmp_path)
    tuning, study = trained(first, ledger, tuned_loss)
    assert (len(tuning.latest), len(tuning.runs)) == (2 * 3 * 2, 0)
    assert {run.seed for run in tuning.latest} == {1_000_000, 1_000_001}
    assert (len(study.latest), len(study.tuning)) == (2 * 3, 12)
    chosen = {run.variant.name: read(run.experiment, "optimizer.lr") for run in study.runs}
    assert chosen == {"baseline": 1e-3, "dropout=0.3": 1e-1}
    rows = list(csv.DictReader(io.StringIO(plan_csv(study))))
    assert [row["optimizer.lr"] for row in rows] == ["0.001"] * 3 + ["0.1"] * 3
    table = list(csv.DictReader(io.StringIO(tuning_csv(study, ledger.recorded()))))
    assert list(table[0]) == [
        "run_id", "variant", "trial", "seed", "optimizer.lr", "selected", "status", "valid/loss",
        "seconds",
    ]  # fmt: skip
    assert [row["selected"] for row in table] == list("110000" + "000011")
    assert {row["seconds"] for row in table} == {"2.0"}
    before = list(csv.DictReader(io.StringIO(tuning_csv(tuning, {}))))
    assert {(row["selected"], row["status"], row["valid/loss"]) for row in before} == {("", "", "")}
    written = yaml.safe_load(study_yaml(study, ""))["nuisance"]
    assert written == {
        "keys": {"optimizer.lr": [0.001, 0.01, 0.1]},
        "trials": 3,
        "seeds": [1_000_000, 1_000_001],
        "metric": "valid/loss",
    }


def test_variants_are_tuned_once_over_all_looks(tmp_path: Path, looks: list[object]) -> None:
    first = planned(factors=FACTORS, nuisance=RATES, seeds={"start": 2, "max": 6, "step": 2})
    plans = trained(first, Ledger(tmp_path), tuned_loss)
    assert [len(plan.tuning) for plan in plans] == [15, 15, 15, 15, 15]
    assert [len(plan.latest) for plan in plans] == [15, 10, 8, 6, 0]


def test_a_path_tunes_the_variants_of_each_stage(tmp_path: Path) -> None:
    first = planned(factors=FACTORS, design=Design.path, nuisance=RATES, seeds=1)
    plans = trained(first, Ledger(tmp_path), tuned_loss)
    assert [len(plan.latest) for plan in plans] == [15, 5, 9, 3, 6, 2, 3, 1, 0]
    assert plans[-1].decisions[0]["factor"] in KEYS


def test_cohorts_of_later_stages_come_behind(tmp_path: Path) -> None:
    first = planned(factors=FACTORS, design=Design.path, seeds=2, width=4)
    plans = trained(first, Ledger(tmp_path), additive)
    for before, after in itertools.pairwise(plans):
        assert after.cohorts[: len(before.cohorts)] == before.cohorts
        assert after.fresh == len(before.cohorts)
    ids = [run.run_id for cohort in plans[-1].cohorts for run in cohort]
    assert len(ids) == len(set(ids)) == 22

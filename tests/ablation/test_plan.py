"""From a study to runs and cohorts, through the real configuration."""

import csv
import io

import pytest
import yaml

from rnn_regexp.ablation.continuing import differences, refuse_other_study
from rnn_regexp.ablation.description import StudyError
from rnn_regexp.ablation.plan import Plan
from rnn_regexp.ablation.plan_files import plan_csv, study_yaml
from rnn_regexp.ablation.study import Design
from rnn_regexp.fields import plain
from rnn_regexp.ledger import Ledger
from tests.ablation.planning import planned


@pytest.fixture(scope="module")
def four_knobs() -> Plan:
    return planned("study=four_knobs")


def test_four_knobs_is_seventy_runs(four_knobs: Plan) -> None:
    assert len(four_knobs.variants) == 14
    assert len(four_knobs.runs) == 70
    assert len({run.run_id for run in four_knobs.runs}) == 70


def test_all_four_knobs_train_in_the_same_cohorts(four_knobs: Plan) -> None:
    sizes = [len(cohort) for cohort in four_knobs.cohorts]
    assert sum(sizes) == 70
    assert max(sizes) <= 8
    assert max(sizes) - min(sizes) <= 1


def test_structural_settings_part_cohorts() -> None:
    plan = planned("+study.factors.h={key: model.hidden, levels: [4, 8], baseline: 4}")
    hidden = [{run.experiment.model.hidden for run in cohort} for cohort in plan.cohorts]
    assert sorted(map(tuple, hidden)) == [(4,), (8,)]


def test_a_technique_some_runs_lack_does_not_part_cohorts() -> None:
    levels = "levels: [[], [dropout], [dropout, l2]], baseline: []"
    plan = planned(f"+study.factors.r={{key: regularizers, {levels}}}", "study.seeds=2")
    assert len(plan.cohorts) == 1


def test_techniques_that_disagree_in_structure_do() -> None:
    factor = "+study.factors.p={key: regularizers.dropout.locked, levels: [true, false]}"
    plan = planned(factor, "regularizers.dropout.on=[input]")
    assert len(plan.cohorts) == 2


def test_variants_that_are_the_same_experiment_are_trained_once_and_stay_in_the_plan() -> None:
    rate = "+study.factors.rate={key: regularizers.dropout.rate, levels: [0, 0.5], baseline: 0}"
    locked = "+study.factors.locked={key: regularizers.dropout.locked, levels: [false, true]}"
    words = ("regularizers.dropout.on=[input]", "study.design=factorial", "study.seeds=1")
    plan = planned(rate, locked, *words)
    trained = [run.variant.name for cohort in plan.cohorts for run in cohort]
    assert trained == ["baseline", "rate=0.5", "rate=0.5 locked=True"]
    rows = list(csv.DictReader(io.StringIO(plan_csv(plan))))
    assert [row["variant"] for row in rows] == ["baseline", "locked=True", *trained[1:]]
    assert rows[0]["run_id"] == rows[1]["run_id"]
    assert rows[0]["cohort"] == rows[1]["cohort"]


def test_run_ids_do_not_depend_on_what_cannot_change_a_number(four_knobs: Plan) -> None:
    words = ("study=four_knobs", "training.device=cpu", "executor.width=3", "output=elsewhere")
    assert [run.run_id for run in planned(*words).runs] == [run.run_id for run in four_knobs.runs]
    assert planned("study=four_knobs", "optimizer.lr=0.01").runs[0].run_id not in {
        run.run_id for run in four_knobs.runs
    }


def test_the_written_plan_and_study(four_knobs: Plan) -> None:
    rows = list(csv.DictReader(io.StringIO(plan_csv(four_knobs))))
    assert list(rows[0]) == [
        "run_id", "variant", "seed", "cohort", "dropout", "weight_decay", "clip", "init",
    ]  # fmt: skip
    assert rows[0]["variant"] == "baseline"
    study = yaml.safe_load(study_yaml(four_knobs, "rnn-regexp ablate"))
    assert study["factors"]["clip"] == {
        "key": "regularizers.clip.threshold",
        "baseline": "5",
        "levels": ["none", "10", "5", "1"],
    }
    assert study["goal"] == "min"
    assert study["base"] == plain(four_knobs.base)


def test_the_written_study_says_what_labels_do_not() -> None:
    levels = "{rnn: [rnn, 16], gru: [gru, 8]}"
    plan = planned(f"+study.factors.cell={{keys: [model, model.hidden], levels: {levels}}}")
    own = yaml.safe_load(study_yaml(plan, ""))["factors"]["cell"]
    assert own == {
        "key": "model, model.hidden",
        "baseline": "gru",
        "levels": ["rnn", "gru"],
        "settings": {
            "rnn": {"model": "rnn", "model.hidden": 16},
            "gru": {"model": "gru", "model.hidden": 8},
        },
    }


def test_the_written_study_lists_aliases() -> None:
    keys = ["dropout.rate", "clip.threshold", "weight_decay.coefficient"]
    factors = {
        "abc"[i]: {"key": f"regularizers.{key}", "levels": ["none", 0.3], "baseline": "none"}
        for i, key in enumerate(keys)
    }
    plan = planned(factors=factors, design=Design.fractional, resolution=3, seeds=1)
    found = yaml.safe_load(study_yaml(plan, ""))["fraction"]
    assert found == {
        "runs": 4,
        "resolution": 3,
        "words": ["-a:b:c"],
        "aliases": {
            "a": ["-b:c"], "b": ["-a:c"], "c": ["-a:b"],
            "a:b": ["-c"], "a:c": ["-b"], "b:c": ["-a"],
        },
    }  # fmt: skip
    assert [own.name for own in plan.variants] == [
        "baseline",
        "b=0.3 c=0.3",
        "a=0.3 c=0.3",
        "a=0.3 b=0.3",
    ]


def test_planning_resolves_ten_thousand_variants_from_parts(monkeypatch) -> None:
    """What costs a tenth of a second, composing, happens once for each choice of a group."""
    from rnn_regexp.config.overrides import Places

    composed = []
    compose = Places.compose
    monkeypatch.setattr(
        Places, "compose", lambda self, words: composed.append(1) or compose(self, words)
    )
    sizes = {
        "lr": ("optimizer.lr", [1e-4, 1e-3, 1e-2, 1e-1]),
        "rate": ("regularizers.dropout.rate", [0, 0.1, 0.2, 0.3, 0.4, 0.5]),
        "cell": ("model", ["rnn", "gru", "lstm"]),
        "schedule": ("schedule", ["constant", "cosine"]),
    }
    factors = {name: {"key": key, "levels": own} for name, (key, own) in sizes.items()}
    plan = planned("seed=3", factors=factors, design=Design.factorial, seeds=1)
    assert len({run.run_id for run in plan.runs}) == 4 * 6 * 3 * 2
    assert sum(composed) == 1 + 3 + 2


def test_the_same_study_may_go_on_and_another_may_not(four_knobs: Plan, tmp_path) -> None:
    ledger = Ledger(tmp_path / "s")
    text = study_yaml(four_knobs, "one way to type it")
    refuse_other_study(ledger, text)
    ledger.write("study.yaml", text)
    refuse_other_study(ledger, study_yaml(four_knobs, "another"))
    more = planned("study=four_knobs", "study.seeds=7", "study.factors.dropout.levels=[0.5,0.9]")
    refuse_other_study(ledger, study_yaml(more, ""))
    with pytest.raises(StudyError) as caught:
        refuse_other_study(ledger, study_yaml(planned("study=four_knobs", "optimizer=sgd"), ""))
    assert "optimizer.name: adam there, sgd here" in str(caught.value)
    tuned = planned("study=four_knobs", "++study.nuisance={optimizer.lr: [1e-3, 1e-2]}")
    with pytest.raises(StudyError, match="holds another study: nuisance: absent there, present"):
        refuse_other_study(ledger, study_yaml(tuned, ""))
    assert "study.name=..." in str(caught.value)


def test_differences_name_the_setting() -> None:
    old, new = {"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3, "d": {}}}
    found = list(differences("base", old, new))
    assert found == ["a.c: 2 there, 3 here", "a.d: absent there, present here"]


def test_a_study_yaml_that_was_cut_short_is_no_other_study(four_knobs: Plan, tmp_path) -> None:
    text, ledger = study_yaml(four_knobs, "rnn-regexp ablate"), Ledger(tmp_path)
    for end in (0, 3, 50, len(text) // 2, len(text) - 30, text.rindex("command") - 1):
        ledger.write("study.yaml", text[:end])
        refuse_other_study(ledger, text)
    for damage in (b"\xff\xfe", b"a: " + b"[" * 3000, b"a: " + b"1" * 5000):
        (tmp_path / "study.yaml").write_bytes(damage)
        refuse_other_study(ledger, text)
    ledger.write("study.yaml", study_yaml(planned("study=four_knobs", "optimizer=sgd"), ""))
    with pytest.raises(StudyError, match="holds another study"):
        refuse_other_study(ledger, text)

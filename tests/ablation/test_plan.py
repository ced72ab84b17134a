"""From a study to runs and cohorts, through the real configuration."""

import csv
import io

import pytest
import yaml

from rnn_regexp.ablation.continuing import differences, refuse_other_study
from rnn_regexp.ablation.description import StudyError
from rnn_regexp.ablation.plan import Plan, make_plan, plan_csv, study_yaml
from rnn_regexp.config import to_config
from rnn_regexp.config.overrides import Places
from rnn_regexp.config.resolve import Resolver, read
from rnn_regexp.fields import plain
from rnn_regexp.ledger import Ledger


def planned(*words: str, width: int = 8) -> Plan:
    all_words = ["dataset=digits", *words]
    config = to_config(Places().compose(all_words))
    return make_plan(config.study, Resolver(all_words, Places()), read, width)


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
    plan = planned("+study.factors.p={key: regularizers.dropout.locked, levels: [true, false]}")
    assert len(plan.cohorts) == 2


def test_levels_that_are_the_same_experiment_are_trained_once_and_both_stay_in_the_plan() -> None:
    factor = "+study.factors.c={key: regularizers.clip.by, levels: [norm, value]}"
    plan = planned(factor, "regularizers.clip.threshold=inf", "study.seeds=1")
    (cohort,) = plan.cohorts
    assert [run.variant.name for run in cohort] == ["baseline"]
    rows = list(csv.DictReader(io.StringIO(plan_csv(plan))))
    assert [row["c"] for row in rows] == ["norm", "value"]
    assert rows[0]["run_id"] == rows[1]["run_id"]


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
    assert "study.name=..." in str(caught.value)


def test_differences_name_the_setting() -> None:
    old, new = {"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3, "d": {}}}
    found = list(differences("base", old, new))
    assert found == ["a.c: 2 there, 3 here", "a.d: absent there, present here"]

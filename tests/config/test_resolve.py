"""A study's settings become experiments through the same schemas as the command line."""

import math
from pathlib import Path

import pytest

from rnn_regexp.ablation.description import StudyError
from rnn_regexp.config import to_config
from rnn_regexp.config.overrides import Places, check, spelled_out
from rnn_regexp.config.resolve import Resolver, read
from rnn_regexp.fields import plain


@pytest.fixture(scope="module")
def resolve() -> Resolver:
    return Resolver(["study=four_knobs"], Places())


def test_settings_reach_the_experiment_and_leave_the_base_alone(resolve: Resolver) -> None:
    changed = resolve({"regularizers.dropout.rate": 0.25, "optimizer.lr": 0.01})
    assert read(changed, "regularizers.dropout.rate") == 0.25
    assert read(changed, "optimizer.lr") == 0.01
    assert read(resolve({}), "regularizers.dropout.rate") == 0.5


def test_none_is_a_techniques_neutral_value(resolve: Resolver) -> None:
    assert math.isinf(
        read(resolve({"regularizers.clip.threshold": "none"}), "regularizers.clip.threshold")
    )
    assert read(resolve({"regularizers.dropout.rate": None}), "regularizers.dropout.rate") == 0


def test_a_group_can_be_a_factor(resolve: Resolver) -> None:
    assert read(resolve({"model": "lstm"}), "model") == "lstm"
    assert read(resolve({"regularizers": ["clip", "l2"]}), "regularizers") == ("clip", "l2")


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        (
            "regularizers.dropuot.rate",
            0.1,
            "unknown key regularizers.dropuot.rate (did you mean regularizers.dropout.rate?)",
        ),
        ("training.epochs", "many", "training.epochs must be a whole number, got 'many'"),
        ("regularizers.dropout.rate", 1.5, "regularizers.dropout.rate must be in [0, 1), got 1.5"),
        (
            "model",
            "lstmm",
            "model=lstmm: no such choice (allowed: gru, lstm, rnn) (did you mean lstm?)",
        ),
        ("optimizer.lr", "none", "optimizer.lr must be a number, got 'none'"),
    ],
)
def test_what_does_not_fit_is_said_in_one_line(
    resolve: Resolver, key: str, value: object, line: str
) -> None:
    with pytest.raises(StudyError) as caught:
        resolve({key: value})
    assert str(caught.value) == line


def test_choices_and_values_combine_from_parts(resolve: Resolver) -> None:
    """Put together from parts, or composed as a whole: the same experiment."""
    settings = {
        "optimizer": "sgd",
        "optimizer.momentum": 0.9,
        "model": "lstm",
        "model.hidden": 7,
        "regularizers": ["dropout", "l2"],
        "regularizers.l2.coefficient": 0.5,
        "regularizers.dropout.on": ["input", "output"],
        "stream": 3,
    }
    words = ["study=four_knobs", "optimizer=sgd", "optimizer.momentum=0.9", "model=lstm"]
    words += ["model.hidden=7", "regularizers=[dropout,l2]", "regularizers.l2.coefficient=0.5"]
    words += ["regularizers.dropout.on=[input,output]", "stream=3"]
    assert plain(resolve(settings)) == plain(to_config(Places().compose(words)).experiment())


def test_values_that_refer_to_others_follow_them() -> None:
    words = ["study=four_knobs", "model.embedding=${model.hidden}"]
    found = Resolver(words, Places())({"model.hidden": 9, "optimizer": "sgd"})
    assert found.model.embedding == 9
    assert read(found, "optimizer") == "sgd"


def test_a_choice_that_changes_other_groups_is_composed_with_them(tmp_path: Path) -> None:
    (tmp_path / "schedule").mkdir()
    (tmp_path / "schedule/hot.yaml").write_text(
        "# @package _global_\ndefaults:\n  - /schema/schedule/cosine@schedule\n"
        "optimizer: {lr: 0.5}\n"
    )
    resolve = Resolver(["study=four_knobs"], Places((tmp_path,)))
    found = resolve({"schedule": "hot", "model": "lstm"})
    assert (read(found, "model"), read(found, "schedule")) == ("lstm", "cosine")
    assert found.optimizer.lr == 0.5


def test_a_choice_without_a_setting_of_the_command_is_said() -> None:
    resolve = Resolver(["study=four_knobs", "optimizer.beta1=0.8"], Places())
    with pytest.raises(StudyError) as caught:
        resolve({"optimizer": "sgd"})
    assert (
        str(caught.value) == "optimizer=sgd has no optimizer.beta1, which is set for all variants"
    )


def test_a_value_is_checked_under_the_choice_it_belongs_to() -> None:
    resolve = Resolver(["study=four_knobs"], Places())
    assert (
        read(resolve({"optimizer": "sgd", "optimizer.momentum": 0.9}), "optimizer.momentum") == 0.9
    )
    with pytest.raises(StudyError, match=r"unknown key optimizer\.momentum"):
        resolve({"optimizer.momentum": 0.9})


def test_fields_that_a_study_leaves_unset_can_be_set_without_a_plus() -> None:
    words = [
        "study=four_knobs",
        "study.factors.clip.target=1",
        "study.nuisance={optimizer.lr: [1e-3, 1e-2]}",
        "study.seeds={start: 3, max: 9}",
        "study.seeds.step=2",
        "optimizer.lr=0.01",
    ]
    (composed,) = check(words, Places(), sweeps=False)
    spelled = spelled_out(words, composed)
    assert [word.startswith("++") for word in spelled] == [False, True, True, True, True, False]
    study = to_config(Places().compose(spelled)).study
    assert study.factors["clip"]["target"] == 1
    assert study.nuisance == {"optimizer.lr": [1e-3, 1e-2]}
    assert study.seeds == {"start": 3, "max": 9, "step": 2}


@pytest.mark.parametrize(
    "word", ["executor.options={constraint: a100}", "+executor.options.constraint=a100"]
)
def test_options_of_sbatch_are_the_users_own(word: str) -> None:
    words = ["executor=slurm", word]
    spelled = spelled_out(words, check(words, Places(), False)[0])
    executor = to_config(Places().compose(spelled)).executor
    assert vars(executor)["options"] == {"constraint": "a100"}

"""A study's settings become experiments through the same schemas as the command line."""

import math

import pytest

from rnn_regexp.ablation.description import StudyError
from rnn_regexp.config.overrides import Places
from rnn_regexp.config.resolve import Resolver, read


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

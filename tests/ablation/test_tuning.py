"""Nuisance settings: trials, their budget, and the choice for each variant."""

import numpy as np
import pytest

from rnn_regexp.ablation.description import StudyError
from rnn_regexp.ablation.study import Evaluate, Study, Tuning
from rnn_regexp.ablation.tuning import Trial, at_the_edge, choose
from rnn_regexp.ledger import DIVERGED, FINISHED, RunResult
from tests.ablation.planning import planned

FACTOR = {"rate": {"key": "regularizers.dropout.rate", "levels": [0, 0.5]}}


def trials(nuisance: dict[str, object], **tuning: object) -> list[Trial]:
    plan = planned(factors=FACTOR, nuisance=nuisance, tuning=Tuning(**tuning), seeds=2)
    return plan.blueprint.trials


def test_listed_values_are_all_combined() -> None:
    found = trials({"optimizer.lr": [1e-3, 1e-2], "optimizer": {"beta1": [0.8, 0.9, 0.95]}})
    assert [own.number for own in found] == [1, 2, 3, 4, 5, 6]
    assert len({tuple(own.settings.values()) for own in found}) == 6
    assert found[0].labels == {"optimizer.lr": "0.001", "optimizer.beta1": "0.8"}


def test_ranges_are_filled_evenly_on_their_scale() -> None:
    lr = {"low": 1e-4, "high": 1e-1}
    rate = {"low": 0, "high": 0.8, "scale": "linear"}
    found = trials({"optimizer.lr": lr, "regularizers.clip.threshold": rate}, trials=32)
    logs = np.log10([own.settings["optimizer.lr"] for own in found])
    assert logs.min() >= -4
    assert logs.max() <= -1
    for points in (
        (logs + 4) / 3,
        [t.settings["regularizers.clip.threshold"] / 0.8 for t in found],
    ):
        counts, _ = np.histogram(points, bins=8, range=(0, 1))
        assert counts.min() >= 3  # 4 are expected in each; independent draws leave some empty
        assert counts.max() <= 5
    assert all(float(own.labels["optimizer.lr"]) == own.settings["optimizer.lr"] for own in found)
    again = trials({"optimizer.lr": lr, "regularizers.clip.threshold": rate}, trials=32)
    assert again == found


def test_settings_that_count_get_whole_numbers() -> None:
    found = trials({"training.batch_size": {"low": 8, "high": 128}}, trials=8)
    assert all(isinstance(own.settings["training.batch_size"], int) for own in found)


def test_a_group_can_be_tuned() -> None:
    found = trials({"schedule": ["constant", "cosine"]})
    assert [own.settings["schedule"] for own in found] == ["constant", "cosine"]


def test_fewer_trials_than_combinations_are_distinct() -> None:
    lists = {"optimizer.lr": [1e-4, 1e-3, 1e-2], "optimizer.beta1": [0.8, 0.9, 0.95]}
    found = trials(lists, trials=5)
    assert 2 <= len({tuple(own.settings.values()) for own in found}) == len(found) <= 5
    assert len(trials(lists, trials=50)) == 9


BAD = {
    "a factor": (
        {"regularizers.dropout.rate": [0.1]},
        {},
        "study.nuisance.regularizers.dropout.rate: a factor varies it",
    ),
    "an unknown key": (
        {"optimizer.lrr": [0.1]},
        {},
        "study.nuisance, variant baseline: unknown key optimizer.lrr (did you mean optimizer.lr?)",
    ),
    "an unknown key with a range": (
        {"optimizer.lrr": {"low": 0.1, "high": 1}},
        {"trials": 2},
        "study.nuisance, variant baseline: unknown key optimizer.lrr (did you mean optimizer.lr?)",
    ),
    "a value that does not fit": (
        {"optimizer.lr": [0.1, -1]},
        {},
        "study.nuisance, variant baseline: optimizer.lr must be in (0, inf), got -1.0",
    ),
    "no values": (
        {"optimizer.lr": 0.1},
        {},
        "study.nuisance.optimizer.lr must be a list of values or"
        " {low: ..., high: ..., scale: log}, got 0.1",
    ),
    "no number of trials": (
        {"optimizer.lr": {"low": 1e-4, "high": 1}},
        {},
        "study.tuning.trials: not set (how many trials of the ranges to make)",
    ),
    "an empty range": (
        {"optimizer.lr": {"low": 1, "high": 1}},
        {"trials": 2},
        "study.nuisance.optimizer.lr: 0 < low < high is wanted, got 1 and 1",
    ),
    "a scale": (
        {"optimizer.lr": {"low": 1, "high": 2, "scale": "lin"}},
        {"trials": 2},
        "study.nuisance.optimizer.lr.scale must be one of linear, log, got lin",
    ),
    "a word": (
        {"optimizer.lr": {"low": 1, "hihg": 2}},
        {"trials": 2},
        "unknown key study.nuisance.optimizer.lr.hihg (did you mean high?)",
    ),
    "seeds of the study": (
        {"optimizer.lr": [1e-3, 1e-2]},
        {"first_seed": 1},
        "study.tuning.first_seed: seed 1 is one of study.seeds",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_does_not_fit_is_said_in_one_line(case: str) -> None:
    nuisance, tuning, line = BAD[case]
    with pytest.raises(StudyError) as caught:
        trials(nuisance, **tuning)
    assert str(caught.value) == line


def test_a_setting_that_one_variant_lacks_is_said_with_the_variant() -> None:
    factor = {"o": {"key": "optimizer", "levels": ["sgd", "adam"]}}
    with pytest.raises(StudyError) as caught:
        planned("optimizer=sgd", factors=factor, nuisance={"optimizer.momentum": [0, 0.9]})
    assert str(caught.value).startswith(
        "study.nuisance, variant o=adam: unknown key optimizer.momentum"
    )


def ended(**values: float | None) -> dict[str, RunResult]:
    """Runs by id with their validation loss, None for one that diverged; other metrics mislead."""
    return {
        run_id: RunResult(
            run_id,
            0,
            FINISHED if loss is not None else DIVERGED,
            {},
            metrics={
                "valid/loss": loss if loss is not None else -100.0,
                "best/valid/loss": -loss if loss is not None else 0.0,
                "valid/accuracy": loss if loss is not None else 9.0,
                "test/accuracy": -(loss or 0.0),
            },
        )
        for run_id, loss in values.items()
    }


TRIED = {1: ["a", "b"], 2: ["c", "d"], 3: ["e", "f"]}


def test_the_best_mean_on_validation_data_is_chosen() -> None:
    results = ended(a=1.0, b=1.2, c=0.9, d=1.1, e=0.5, f=2.0)
    assert choose(Study(), TRIED, results) == 2
    assert choose(Study(metric="valid/accuracy"), TRIED, results) == 3
    assert choose(Study(metric="test/accuracy"), TRIED, results) == 3  # never by test data
    assert choose(Study(evaluate=Evaluate.best), TRIED, results) == 3


def test_a_trial_that_loses_a_run_does_not_win_by_the_others() -> None:
    assert choose(Study(), TRIED, ended(a=1.0, b=1.0, c=0.1, d=None, e=2.0, f=2.0)) == 1
    assert choose(Study(), TRIED, ended(a=1.0, b=None, c=0.1, d=None, e=None, f=None)) == 2


def test_a_tie_goes_to_the_first() -> None:
    assert choose(Study(), dict(reversed(TRIED.items())), ended(a=1, b=1, c=1, d=1, e=1, f=1)) == 1


def test_a_choice_at_the_edge_is_noted() -> None:
    made = [Trial(i, {"lr": v, "by": "x"}, {}) for i, v in enumerate((0.1, 0.2, 0.3), 1)]
    chosen = {"baseline": made[2], "b": made[1], "c": made[2], "d": made[0]}
    assert at_the_edge(made, chosen) == [
        "note: lr=0.1, the smallest tried, is best for d",
        "note: lr=0.3, the largest tried, is best for baseline, c",
    ]
    assert at_the_edge(made[:2], {"baseline": made[1]}) == []

"""A level that cannot have an effect is refused before anything is trained, with the reason."""

import dataclasses

import pytest

from rnn_regexp.ablation.description import StudyError
from rnn_regexp.ablation.idle import behaviour
from rnn_regexp.ablation.study import Design
from tests.ablation.planning import BASE, names, planned, resolver

DROPOUT = "regularizers.dropout"
OFF = f"{DROPOUT}.rate=0"

# words; key, levels; the reason
IDLE = {
    "a technique that is off": (
        ("regularizers.clip.threshold=inf",),
        ("regularizers.clip.by", ["norm", "value"]),
        "clip is off (threshold=none)",
    ),
    "between layers, with one layer": (
        (f"{DROPOUT}.on=[between]",),
        (f"{DROPOUT}.rate", [0.5, 0.1]),
        "there is nothing between the layers of one (model.layers=1)",
    ),
    "one place more, which is not there": (
        (),
        (f"{DROPOUT}.on", [["output"], ["between", "output"]]),
        "between does nothing while model.layers is 1",
    ),
    "the same places in another order": (
        (),
        (f"{DROPOUT}.on", [["input", "output"], ["output", "input"]]),
        "the order of places does nothing",
    ),
    "no place at all": (
        (f"{DROPOUT}.on=[]",),
        (f"{DROPOUT}.rate", [0.5, 0.1]),
        "regularizers.dropout.on is empty",
    ),
    "no matrix at all": (
        ("regularizers=[l2]", "regularizers.l2.on=[]"),
        ("regularizers.l2.coefficient", [1e-4, 1e-2]),
        "regularizers.l2.on is empty",
    ),
    "one mask for the one vector of a sequence": (
        (),
        (f"{DROPOUT}.locked", [False, True]),
        "dropout acts where the sequence is one vector: no steps",
    ),
    "a gain that the scheme lacks": (
        ("regularizers.init.scheme=xavier",),
        ("regularizers.init.gain", [1, 2]),
        "init.scheme=xavier has no gain",
    ),
    "coupling as the optimizer has it": (
        (),
        ("regularizers.weight_decay.coupling", ["optimizer", "coupled"]),
        "coupling=optimizer is coupled under adam",
    ),
    "adamw without weight decay": (
        ("regularizers=[dropout]",),
        ("optimizer", ["adam", "adamw"]),
        "adamw differs from adam in how weight_decay is coupled, and in nothing else",
    ),
    "nesterov without momentum": (
        ("optimizer=sgd",),
        ("optimizer.nesterov", [False, True]),
        "optimizer.momentum is 0",
    ),
    "a schedule that comes too late": (
        ("training.epochs=6",),
        ("schedule", ["constant", "step"]),
        "schedule=step changes nothing within 6 epochs",
    ),
    "the rank of a mogrifier without rounds": (
        ("model=lstm",),
        ("model.mogrifier.rank", [4, 8]),
        "model.mogrifier.rounds is 0",
    ),
    "patience beyond the budget": (
        ("regularizers=[early_stopping]", "training.epochs=4"),
        ("regularizers.early_stopping.patience", ["none", 3]),
        "early_stopping never ends a run of 4 epochs at patience=3",
    ),
    "embeddings of numbers": (
        (),
        ("model.embedding", [64, 8]),
        "dataset=digits has numbers, which need no embedding",
    ),
    "windows of sequences": (
        (),
        ("training.window", [35, 70]),
        "the dataset is no stream: nothing is cut",
    ),
    "reduction of one loss a sequence": (
        (),
        ("training.reduction", ["mean", "time_sum"]),
        "the loss is one number a sequence, a mean either way",
    ),
    "where it is computed": (
        (),
        ("training.device", ["auto", "cpu"]),
        "training.device cannot change a result",
    ),
}


@pytest.mark.parametrize("case", IDLE)
def test_what_cannot_have_an_effect_is_refused(case: str) -> None:
    words, (key, levels), reason = IDLE[case]
    factor = {"key": key, "levels": levels, "baseline": levels[0]}
    with pytest.raises(StudyError) as caught:
        planned(*words, factors={"f": factor}, seeds=1)
    assert str(caught.value).startswith("study.factors.f: ")
    assert str(caught.value).endswith(f" cannot have an effect: {reason}")


# The same settings where they do have an effect.
ACTIVE = {
    "clip": ((), ("regularizers.clip.by", ["norm", "value"])),
    "layers": (("model.layers=2", f"{DROPOUT}.on=[between]"), (f"{DROPOUT}.rate", [0.5, 0.1])),
    "place": (("model.layers=2",), (f"{DROPOUT}.on", [["output"], ["between", "output"]])),
    "locked": ((f"{DROPOUT}.on=[input]",), (f"{DROPOUT}.locked", [False, True])),
    "gain": ((), ("regularizers.init.gain", [1, 2])),
    "coupling": ((), ("regularizers.weight_decay.coupling", ["optimizer", "decoupled"])),
    "adamw": ((), ("optimizer", ["adam", "adamw"])),
    "nesterov": (
        ("optimizer=sgd", "optimizer.momentum=0.9"),
        ("optimizer.nesterov", [False, True]),
    ),
    "schedule": (("training.epochs=11",), ("schedule", ["constant", "step"])),
    "plateau": (("training.epochs=11",), ("schedule", ["constant", "plateau"])),
    "patience": (
        ("regularizers=[early_stopping]", "training.epochs=4"),
        ("regularizers.early_stopping.patience", ["none", 2]),
    ),
    "embedding": (("dataset=docstrings",), ("model.embedding", [64, 8])),
    "pooling": ((), ("model.pooling", ["last", "mean"])),
    "rounds": (("model=lstm",), ("model.mogrifier.rounds", [0, 5])),
    "rank": (("model=lstm", "model.mogrifier.rounds=5"), ("model.mogrifier.rank", [4, 8])),
    "stream": ((), ("stream", [0, 1])),
    "limit": ((), ("training.limit", [50, 100])),
}


@pytest.mark.parametrize("case", ACTIVE)
def test_what_can_have_an_effect_is_not(case: str) -> None:
    words, (key, levels) = ACTIVE[case]
    factor = {"key": key, "levels": levels, "baseline": levels[0]}
    assert len(planned(*words, factors={"f": factor}, seeds=1).variants) == 2


def test_one_variant_in_which_a_level_acts_is_enough() -> None:
    factors = {
        "rate": {"key": f"{DROPOUT}.rate", "levels": [0, 0.5], "baseline": 0},
        "locked": {"key": f"{DROPOUT}.locked", "levels": [False, True]},
    }
    words = (f"{DROPOUT}.on=[input]",)
    assert len(names(planned(*words, factors=factors, design=Design.factorial, seeds=1))) == 4
    with pytest.raises(StudyError, match=r"locked: True instead of False .* dropout is off"):
        planned(*words, factors=factors, seeds=1)


def test_behaviour_is_blind_to_nothing_else() -> None:
    """Every setting of the default experiment, moved by itself, is seen, or one of those above."""
    base = resolver(BASE)({})
    assert behaviour(base) == behaviour(dataclasses.replace(base))
    seen = {"seed": 1, "stream": 1}
    for name, value in seen.items():
        assert behaviour(dataclasses.replace(base, **{name: value})) != behaviour(base)
    for key, value in {
        "model.hidden": 9,
        "model.bidirectional": True,
        "training.epochs": 3,
        "training.batch_size": 7,
        "optimizer.beta1": 0.5,
        f"{DROPOUT}.rate": 0.4,
        "regularizers.init.scheme": "identity",
        "dataset.examples": 99,
    }.items():
        assert behaviour(resolver(BASE)({key: value})) != behaviour(base), key

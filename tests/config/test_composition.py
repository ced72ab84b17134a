"""Every file under conf/ composes, alone and against the schemas."""

import pytest

from rnn_regexp.config import CONF, to_config
from rnn_regexp.config.overrides import Places
from rnn_regexp.config.schema import GROUPS
from rnn_regexp.fields import snake_case

PLACES = Places()
CHOICES = [(group, choice) for group in sorted(PLACES.groups()) for choice in PLACES.choices(group)]
NEEDS_A_PATH = {"text_csv"}


@pytest.mark.parametrize(("group", "choice"), CHOICES, ids=lambda value: value)
def test_every_file_composes_to_plain_dataclasses(group: str, choice: str) -> None:
    value = f"[{choice}]" if group == "regularizers" else choice
    config = to_config(PLACES.compose([f"{group}={value}"]))
    assert config.experiment().seed == 0


@pytest.mark.parametrize("group", [group for group in GROUPS if group != "training"])
def test_every_listed_class_has_a_file_and_every_file_a_class(group: str) -> None:
    listed = {snake_case(settings.__name__) for settings in GROUPS[group]}
    assert listed == set(PLACES.choices(group))


def test_files_are_short_and_say_what_they_are_for() -> None:
    for file in CONF.glob("*/*.yaml"):
        lines = file.read_text(encoding="utf-8").splitlines()
        assert any(line.startswith("# ") and "@package" not in line for line in lines[:2]), file
        assert len(lines) <= 40, file


def test_smoke_bounds_any_experiment() -> None:
    for experiment in PLACES.choices("experiment"):
        config = to_config(PLACES.compose([f"experiment={experiment}", "training=smoke"]))
        assert config.training.limit == 48
        assert config.training.epochs == 2


def test_the_article_experiment_is_the_articles_example() -> None:
    config = to_config(PLACES.compose(["experiment=article"]))
    assert type(config.model).__name__ == "GRU"
    assert (config.model.embedding, config.model.hidden, config.model.layers) == (128, 256, 1)
    assert config.dataset.vocabulary == 1000
    techniques = config.regularizers
    assert techniques["dropout"].rate == 0.5
    assert techniques["weight_decay"].coefficient == 1e-4
    assert techniques["clip"].threshold == 5.0
    assert techniques["init"].neutral
    assert (type(config.optimizer).__name__, config.optimizer.lr) == ("Adam", 1e-3)


@pytest.mark.parametrize("study", PLACES.choices("study"))
def test_every_study_is_described(study: str) -> None:
    text = (CONF.parent / "docs/studies.md").read_text(encoding="utf-8")
    assert text.partition("## Those that ship")[2].count(f"\n| `{study}` |") == 1

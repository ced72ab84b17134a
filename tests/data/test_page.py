"""docs/datasets.md is what the data sets and the table of baselines say today."""

import csv

import pytest

from rnn_regexp.data import ALL
from rnn_regexp.data.sequences import Dataset
from rnn_regexp.fields import snake_case
from scripts.baselines import everything
from scripts.measure_baselines import COLUMNS, TABLE, key_of, read
from scripts.write_datasets_page import PAGE, groups, how_to_get, markdown, page


def test_the_page_is_fresh():
    found = PAGE.read_text(encoding="utf-8")
    assert found == page() + "\n", "run python -m scripts.write_datasets_page"


@pytest.mark.parametrize("dataset", ALL, ids=lambda own: snake_case(own.__name__))
def test_each_set_has_a_section_with_its_task_and_source(dataset: type[Dataset]):
    (section,) = page().split(f"\n### {snake_case(dataset.__name__)}\n")[1:]
    section = section.split("\n### ")[0].split("\n## ")[0]
    assert f"- Task: `{dataset.task}`. Source: {dataset.source}." in section
    assert "How to get it: " in section


def test_each_set_stands_in_one_group_and_the_users_own_have_no_baseline():
    found = [own for sets in groups().values() for own in sets]
    assert sorted(map(id, found)) == sorted(map(id, ALL))
    assert {snake_case(own.__name__) for own in groups()["Your own"]} == {
        "text_csv",
        "series_csv",
        "sequence_parquet",
        "hf",
    }


def test_each_row_of_the_table_is_a_recipe_of_today():
    with TABLE.open(encoding="utf-8", newline="") as file:
        assert tuple(next(csv.reader(file))) == COLUMNS
    assert set(read()) <= set(map(key_of, everything()))


def test_japanese_vowels_agree_with_what_torch_alone_gives():
    """.938 over three seeds, from .930 to .943, by the same recipe."""
    (row,) = [row for key, row in read().items() if key[0] == "japanese_vowels"]
    assert (row["model"], row["epochs"], row["seeds"]) == ("LSTM 100", "100", "3")
    assert abs(float(row["mean"]) - 0.938) < 2 * float(row["deviation"])
    assert float(row["deviation"]) < 0.01


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("digits", "it is installed with the package"),
        ("trec", "`rnn-regexp data get trec` fetches 0.4 MB"),
        ("sunspots", "`pip install 'rnn-regexp[data]'` brings it with statsmodels"),
        ("adding", "it is generated"),
        ("text_csv", "name it in `dataset.path=`"),
    ],
)
def test_how_to_get_a_set(name: str, words: str):
    own = {snake_case(own.__name__): own for own in ALL}
    assert how_to_get(name, own[name]) == words


def test_a_token_is_no_element_of_html():
    assert markdown("``a`` <eos> behind, ``<pad>`` too") == "`a` `<eos>` behind, `<pad>` too"

"""Two factors together."""

import re
import xml.etree.ElementTree as ET

import pytest

from rnn_regexp.ablation.runs_table import read_study
from rnn_regexp.report.interaction_maps import interaction_maps
from tests.report.made_up import LEVELS


@pytest.fixture(scope="module")
def maps(factorial_runs):
    found, left_out = interaction_maps(factorial_runs.table, factorial_runs.description)
    assert left_out == 0
    return {figure.title: figure for figure in found}


def test_every_pair_of_crossed_factors_has_a_map(maps):
    assert set(maps) == {"dropout and init", "dropout and lr", "init and lr"}


def test_a_cell_is_the_mean_of_its_runs(maps, factorial_runs):
    rows = {row.cells[0]: row.cells[1:] for row in maps["dropout and init"].numbers.groups[0].rows}
    table = factorial_runs.table.query("status == 'finished'")
    for dropout in LEVELS["dropout"]:
        for place, init in enumerate(LEVELS["init"]):
            own = table[(table["dropout"] == dropout) & (table["init"] == init)][
                "valid/loss"
            ].mean()
            assert float(rows[dropout][place]) == pytest.approx(own, rel=1e-3)


def test_the_map_writes_its_numbers_and_a_cross_where_every_run_was_lost(maps):
    words = list(ET.fromstring(maps["init and lr"].svg).itertext())
    assert "×" in words
    numbers = [word for word in words if re.fullmatch(r"\d\.\d+", word)]
    assert len(numbers) >= 5
    assert len({len(number) for number in numbers if number not in LEVELS["lr"]}) == 1


def test_the_most_bent_pair_stands_first(factorial_runs):
    table = factorial_runs.table.copy()
    both = (table["dropout"] == "0.5") & (table["init"] == "xavier")
    table.loc[both, "valid/loss"] -= 5
    assert interaction_maps(table, factorial_runs.description)[0][0].title == "dropout and init"


def test_words_name_the_best_pair(maps):
    assert "Best at 0.5, xavier" in maps["dropout and init"].alt


def test_one_factor_at_a_time_has_no_map(written_study):
    runs = read_study(written_study)
    assert interaction_maps(runs.table, runs.description) == ([], 0)

"""Studies are pooled where their definition agrees, and nowhere else."""

import dataclasses
import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml

from rnn_regexp.ablation.effects import effects_table
from rnn_regexp.ablation.merging import difference, pooled
from rnn_regexp.ablation.runs_table import StudyRuns, read_study
from rnn_regexp.ledger import Ledger


@pytest.fixture
def halves(make_study, tmp_path: Path) -> tuple[Path, Path]:
    """The study split by its seeds: 0 to 2, and 2 to 4."""
    whole, parts = make_study(), []
    for name, seeds in (("early", {0, 1, 2}), ("late", {2, 3, 4})):
        folder = shutil.copytree(whole, tmp_path / name)
        for result in Ledger(folder).results():
            if result.seed not in seeds:
                (folder / "runs" / f"{result.run_id}.json").unlink()
        lines = (folder / "plan.csv").read_text().splitlines()
        kept = [line for line in lines if line.split('"')[5] in {*map(str, seeds), "seed"}]
        (folder / "plan.csv").write_text("\n".join(kept) + "\n")
        change(folder, seeds=sorted(seeds))
        parts.append(folder)
    return parts[0], parts[1]


def change(folder: Path, **settings: object) -> None:
    text = yaml.safe_load((folder / "study.yaml").read_text())
    (folder / "study.yaml").write_text(yaml.safe_dump(text | settings, sort_keys=False))


def effects(runs: StudyRuns) -> pd.DataFrame:
    return effects_table(runs.table, runs.description, runs.metrics)


def test_two_halves_make_the_whole(halves, tmp_path):
    (runs,) = pooled([read_study(folder) for folder in halves])
    whole = read_study(tmp_path / "four_knobs")
    assert runs.description.seeds == (0, 1, 2, 3, 4)
    assert runs.planned == len(runs.table) == 70
    assert not runs.table.duplicated(["variant", "seed"]).any()
    pd.testing.assert_frame_equal(effects(runs), effects(whole))
    assert runs.results.keys() == whole.results.keys()


def test_a_study_pooled_with_itself_is_itself(written_study):
    runs = read_study(written_study)
    (twice,) = pooled([runs, runs])
    pd.testing.assert_frame_equal(twice.table, runs.table)
    assert (twice.planned, twice.description.command) == (runs.planned, runs.description.command)


def test_levels_that_one_study_lacks_are_added(halves):
    early, late = map(read_study, halves)
    dropout, *others = early.description.factors
    shorter = dataclasses.replace(dropout, levels=("0", "0.25", "0.5"))
    described = dataclasses.replace(early.description, factors=(shorter, *others))
    fewer = early.table.query("dropout != '0.75'")
    early = dataclasses.replace(early, description=described, table=fewer)
    (runs,) = pooled([early, late])
    assert runs.description.factors[0].levels == ("0", "0.25", "0.5", "0.75")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (
            {"metric": "valid/accuracy", "goal": "max"},
            "metric: valid/loss there, valid/accuracy here",
        ),
        ({"evaluate": "best"}, "metric: valid/loss there, best/valid/loss here"),
        ({"alpha": 0.01}, "alpha: 0.05 there, 0.01 here"),
        ({"margin": 0.1}, "margin: absent there, 0.1 here"),
        ({"design": "factorial"}, "design: one_at_a_time there, factorial here"),
        ({"base": {"model": {"name": "lstm"}}}, "model.name: gru there, lstm here"),
    ],
)
def test_another_definition_is_another_section(halves, settings, told):
    change(halves[1], **settings)
    studies = [read_study(folder) for folder in halves]
    assert pooled(studies) == studies
    assert told in difference(*studies)


def test_a_base_that_differs_in_its_seed_alone_agrees(halves):
    for seed, folder in enumerate(halves):
        change(folder, base={"model": "gru", "seed": seed})
    assert len(pooled([read_study(folder) for folder in halves])) == 1


def test_other_baselines_and_other_data_are_not_pooled(halves):
    early, late = map(read_study, halves)
    first, *rest = late.description.factors
    moved = dataclasses.replace(first, baseline="0")
    other = dataclasses.replace(
        late, description=dataclasses.replace(late.description, factors=(moved, *rest))
    )
    assert "factors.dropout: " in difference(early, other)
    for result in late.results.values():
        result.environment = result.environment | {"data_digest": "other"}
    assert "data_digest: 0f3a9c2e11d7b845 there, other here" in difference(early, late)


def test_one_cell_trained_twice_is_not_pooled(halves):
    early, late = map(read_study, halves)
    table = late.table.assign(run_id="x" + late.table["run_id"])
    again = dataclasses.replace(late, table=table)
    assert len(pooled([early, again])) == 2
    assert difference(early, again) == (
        "both have a run of their own for 0.5, 0.0001, 5, orthogonal with seed 2"
    )


def test_three_studies_of_two_definitions_are_two_sections(halves, tmp_path):
    other = shutil.copytree(halves[0], tmp_path / "other")
    change(other, alpha=0.1)
    found = pooled([read_study(folder) for folder in (halves[0], other, halves[1])])
    assert [len(own.table) for own in found] == [70, 42]

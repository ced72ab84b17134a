"""The ledger as a table, with a plan and without one."""

import csv

import pytest
import yaml

from rnn_regexp.ablation.description import StudyError
from rnn_regexp.ablation.runs_table import read_study, to_csv
from rnn_regexp.errors import BadInput
from rnn_regexp.ledger import DIVERGED, FINISHED, Ledger, RunResult


def test_columns_are_those_of_the_format_and_rows_are_in_plan_order(make_study):
    folder = make_study()
    runs = read_study(folder)
    with (folder / "plan.csv").open(newline="") as file:
        planned = list(csv.DictReader(file))
    assert runs.table["run_id"].tolist() == [row["run_id"] for row in planned]
    assert sorted(runs.table["run_id"]) != runs.table["run_id"].tolist()
    leading = ["run_id", "variant", "seed", "status", "dropout", "weight_decay", "clip", "init"]
    assert runs.table.columns.tolist() == [*leading, *runs.metrics, "seconds"]
    assert runs.metrics[:4] == [
        "train/gradient_norm",
        "train/loss",
        "train_eval/accuracy",
        "train_eval/loss",
    ]
    assert runs.planned == len(runs.table) == 14 * 5


def test_labels_stay_text(make_study):
    table = read_study(make_study()).table
    assert set(table["clip"]) == {"none", "10", "5", "1"}
    assert set(table["weight_decay"]) == {"0", "1e-05", "0.0001", "0.001"}


def test_values_are_those_of_the_runs(make_study):
    runs = read_study(make_study(diverge=False))
    for row in runs.table.to_dict("records"):
        result = runs.results[row["run_id"]]
        assert row["seed"] == result.seed
        assert {name: row[name] for name in runs.metrics} == result.metrics


def without_seconds(text: str) -> list[str]:
    return [line.rpartition(",")[0] for line in text.splitlines()]


def test_the_order_in_which_runs_end_leaves_no_trace(make_study, tmp_path):
    folder = make_study()
    whole = to_csv(read_study(folder).table)
    files = sorted((folder / "runs").iterdir(), reverse=True)
    kept = {file: file.read_text() for file in files}
    for file in files:
        file.unlink()
    for file, text in kept.items():
        file.write_text(text)
        result = next(run for run in Ledger(folder).results() if run.run_id == file.stem)
        result.seconds += 3
        Ledger(folder).record(result)
    again = to_csv(read_study(folder).table)
    assert without_seconds(again) == without_seconds(whole)
    assert again != whole


def test_runs_not_yet_trained_do_not_appear(make_study):
    folder = make_study()
    files = sorted((folder / "runs").iterdir())
    for file in files[:30]:
        file.unlink()
    runs = read_study(folder)
    assert len(runs.table) == 40
    assert runs.planned == 70
    assert set(runs.table["run_id"]) == {file.stem for file in files[30:]}


def test_runs_beyond_the_plan_are_counted_and_left_out(make_study, made_up):
    folder = make_study()
    Ledger(folder).record(made_up.result(made_up.variants()[0], 99, "stranger"))
    runs = read_study(folder)
    assert runs.unplanned == 1
    assert "stranger" not in set(runs.table["run_id"])


def test_an_absent_number_is_an_empty_cell(make_study):
    row = to_csv(read_study(make_study()).table).splitlines()[-1]
    assert DIVERGED in row
    assert ",," in row
    assert "nan" not in row.lower()


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"metric": "valid/los"}, "no run has the metric valid/los (did you mean valid/loss?)"),
        ({"goal": "lower"}, "goal must be one of min, max, got lower"),
        ({"evaluate": "first"}, "evaluate must be one of last, best, got first"),
        (
            {"factors": {"dropout": {"baseline": "0.4", "levels": ["0", "0.5"]}}},
            "factors.dropout.baseline must be one of its levels (0, 0.5), got 0.4",
        ),
        (
            {"factors": {"dropuot": {"baseline": "0", "levels": ["0"]}}},
            "plan.csv lacks the column dropuot",
        ),
    ],
)
def test_what_is_wrong_with_a_study_is_said_in_one_line(make_study, change, line):
    folder = make_study(seeds=1)
    settings = yaml.safe_load((folder / "study.yaml").read_text()) | change
    (folder / "study.yaml").write_text(yaml.safe_dump(settings))
    with pytest.raises(StudyError) as error:
        read_study(folder)
    assert line in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("name: [", "not valid YAML"),
        ("- a", "expected keys"),
        ("name: x", "factors is missing"),
        ("name: " + "[" * 3000, "maximum recursion depth"),
    ],
    ids=["open", "list", "short", "deep"],
)
def test_a_broken_study_yaml_is_named(make_study, text, line):
    folder = make_study(seeds=1)
    (folder / "study.yaml").write_text(text)
    with pytest.raises(StudyError, match=line) as error:
        read_study(folder)
    assert "study.yaml" in str(error.value)


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("plan.csv", b"\xa0", "plan.csv is no text in UTF-8: it is damaged"),
        ("study.yaml", b"name: \xec", "study.yaml is no text in UTF-8: it is damaged"),
        ("plan.csv", b"a" * 200_000, "plan.csv: no table: field larger than field limit"),
        ("tuning.csv", b"", "tuning.csv: no table: No columns"),
        ("tuning.csv", b"run_id,variant\na,b\n", "tuning.csv lacks the column trial"),
    ],
)
def test_a_damaged_file_is_named(make_study, name, content, line):
    folder = make_study(seeds=1)
    (folder / name).write_bytes(content)
    with pytest.raises(BadInput) as error:
        read_study(folder)
    assert line in str(error.value)
    assert "\n" not in str(error.value)


def test_a_folder_without_runs_is_refused(tmp_path):
    with pytest.raises(StudyError, match="holds no runs yet"):
        read_study(tmp_path / "nothing")


def run(number: int, experiment: dict, seed: int = 0, **changes) -> RunResult:
    return RunResult(
        run_id=f"{number:03d}",
        seed=seed,
        status=FINISHED,
        experiment=experiment | {"seed": seed},
        metrics={"valid/loss": 1.0 + number / 10},
        started=1000.0 - number,
        **changes,
    )


def unplanned(folder, *results: RunResult):
    for result in results:
        Ledger(folder).record(result)
    return read_study(folder)


GRU = {"name": "gru", "hidden": 64, "gates": 3}
RNN = {"name": "rnn", "hidden": 64, "nonlinearity": "tanh"}


def test_factors_are_inferred_from_what_differs(tmp_path):
    experiments = [
        {"model": model, "optimizer": {"name": "adam", "rate": rate}}
        for model in (GRU, RNN)
        for rate in (1e-3, 1e-2)
    ]
    results = [run(2 * i + s, e, s) for i, e in enumerate(experiments) for s in (0, 1)]
    runs = unplanned(tmp_path / "multirun", *results)
    assert [factor.key for factor in runs.description.factors] == ["model", "optimizer.rate"]
    model, rate = runs.description.factors
    assert (model.baseline, rate.baseline) == ("rnn", "0.01")  # the run that was started first
    assert model.levels == ("rnn", "gru")
    assert rate.levels == ("0.001", "0.01")
    assert runs.description.seeds == (0, 1)
    assert runs.table["variant"].iloc[0] == "model=rnn, optimizer.rate=0.01"
    assert runs.description.base["model.hidden"] == "64"
    assert runs.planned == 8


def two_rates(folder) -> None:
    for n, (rate, seed) in enumerate([(0.1, 0), (0.1, 1), (0.5, 0), (0.5, 1)]):
        Ledger(folder).record(run(n, {"optimizer": {"rate": rate}}, seed))


def test_a_baseline_that_nobody_named_is_told(tmp_path):
    two_rates(tmp_path)
    runs = read_study(tmp_path)
    (told,) = runs.warnings
    assert told.startswith("baseline: that of the run that started first, optimizer.rate=0.5; ")
    named = read_study(tmp_path, {"optimizer.rate": "0.10"})
    assert named.description.factors[0].baseline == "0.1"
    assert named.warnings == []


@pytest.mark.parametrize(
    ("baseline", "line"),
    [
        (
            {"optimizer.rat": "0.1"},
            r"--baseline: optimizer.rat does not differ \(did you mean optimizer.rate\?\)",
        ),
        ({"size": "1"}, r"--baseline: size does not differ \(there are optimizer.rate\)"),
        (
            {"optimizer.rate": "2"},
            r"--baseline: optimizer.rate has no level 2 \(there are 0.1, 0.5\)",
        ),
    ],
)
def test_a_baseline_that_there_is_not(tmp_path, baseline, line):
    two_rates(tmp_path)
    with pytest.raises(StudyError, match=f"^{line}$"):
        read_study(tmp_path, baseline)


def test_a_study_with_a_plan_has_its_own_baseline(make_study):
    folder = make_study(seeds=1)
    with pytest.raises(StudyError, match="is a study and has its own"):
        read_study(folder, {"dropout": "0.5"})


def dropout(**settings) -> dict:
    return {"regularizers": {"dropout": {"name": "dropout"} | settings}}


def test_a_technique_that_some_runs_lack_is_off_there(tmp_path):
    results = [run(0, dropout(rate=0.5)), run(1, dropout(rate=0.25)), run(2, {"regularizers": {}})]
    (factor,) = unplanned(tmp_path / "m", *results).description.factors
    assert factor.key == "regularizers.dropout.rate"
    assert factor.levels == ("off", "0.25", "0.5")


def test_a_technique_that_is_on_or_off_is_one_factor(tmp_path):
    results = [run(0, dropout(rate=0.5, locked=True)), run(1, {"regularizers": {}})]
    (factor,) = unplanned(tmp_path / "m", *results).description.factors
    assert factor.key == "regularizers.dropout"
    assert set(factor.levels) == {"off", "dropout"}


def test_no_limit_is_called_none(tmp_path):
    clip = [{"clip": {"name": "clip", "threshold": t}} for t in ("inf", 5.0, 10.0)]
    (factor,) = unplanned(
        tmp_path / "m", *(run(i, e) for i, e in enumerate(clip))
    ).description.factors
    assert factor.levels == ("5", "10", "none")


def test_settings_that_change_together_are_one_factor(tmp_path):
    experiments = [{"a": {"rate": 1, "size": 10}}, {"a": {"rate": 2, "size": 20}}]
    described = unplanned(
        tmp_path / "m", *(run(i, e) for i, e in enumerate(experiments))
    ).description
    assert [factor.key for factor in described.factors] == ["a.rate"]
    assert described.tied == {"a.rate": ["a.size"]}


def test_runs_that_differ_in_their_seed_alone_have_no_factor(tmp_path):
    runs = unplanned(tmp_path / "m", *(run(s, {"model": GRU}, s) for s in range(3)))
    assert runs.description.factors == ()
    assert set(runs.table["variant"]) == {"baseline"}


def test_without_validation_loss_another_validation_metric_judges(tmp_path):
    results = [run(s, {"model": GRU}, s) for s in range(2)]
    for result in results:
        result.metrics = {"valid/perplexity": 90.0, "valid/size": 4.0}
    assert unplanned(tmp_path / "m", *results).description.metric == "valid/perplexity"

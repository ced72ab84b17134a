"""The files of a report: complete, safe to open, the same each time."""

import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pandas as pd
import pytest
import yaml

from rnn_regexp.ablation.contrasts import COLUMNS
from rnn_regexp.ablation.description import StudyError
from rnn_regexp.ablation.runs_table import read_study
from rnn_regexp.ledger import DIVERGED, FAILED, FINISHED, Ledger, RunResult
from rnn_regexp.report.markdown import NOTE_LENGTH, note
from rnn_regexp.report.numbers import duration
from rnn_regexp.report.write import write_report

VOID = {"meta", "br", "link", "img", "hr", "input"}


class Page(HTMLParser):
    """The elements, the text, and whether every element is closed in its turn."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open, self.elements, self.attributes, self.words = [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def report(written_study, tmp_path_factory):
    return write_report(
        shutil.copytree(written_study, tmp_path_factory.mktemp("reports") / "four_knobs")
    )


@pytest.fixture(scope="module")
def page(report) -> Page:
    return Page(report.html.read_text())


def test_writes_every_file(report):
    names = {"report.html", "report.md", "report.tex", "effects.csv", "runs.csv"}
    assert {file.name for file in report.files} == names
    assert all(file.read_text() for file in report.files)
    assert report.files[0] == report.html


def test_every_figure_is_two_files(report):
    assert len(report.figures) == 2 * (1 + 4 + 4 + 1)
    assert {path.parent for path in report.figures} == {report.folder / "figures"}
    for path in report.figures:
        if path.suffix == ".svg":
            root = ET.parse(path).getroot()
            assert root.tag.endswith("}svg")
            assert {"width", "height", "viewBox"} <= set(root.attrib)
            assert [len(own.text) > 3 for own in root[:2]] == [True, True]  # title, description
        else:
            assert path.read_bytes().startswith(b"%PDF")
            assert b"/Type3" not in path.read_bytes()


def test_tables_on_disk_are_those_of_the_report(report):
    effects = pd.read_csv(
        report.folder / "effects.csv", dtype={"level": str, "baseline_level": str}
    )
    assert list(effects.columns) == COLUMNS
    pd.testing.assert_frame_equal(effects, report.effects, check_dtype=False)
    assert len(pd.read_csv(report.folder / "runs.csv")) == 70


def test_the_same_folder_gives_the_same_files(report):
    everything = [*report.files, *report.figures]
    before = {file: file.read_bytes() for file in everything}
    write_report(report.folder)
    assert {file: file.read_bytes() for file in everything} == before


def test_the_page_is_well_formed_and_stands_alone(report, page):
    assert page.open == []
    assert page.elements.count("h1") == 1
    assert not {"script", "link", "img", "iframe"} & set(page.elements)
    wanted = [v for n, v in page.attributes if n in ("href", "src", "xlink:href") and v[0] != "#"]
    assert wanted == []
    text = re.sub(r'xmlns(:xlink)?="[^"]*"', "", report.html.read_text())
    assert "http" not in text
    assert "url(" not in re.sub(r"url\(#\w+\)", "", text)


def test_figures_are_well_formed_and_have_words(report, page):
    figures = re.findall(r"<svg.*?</svg>", report.html.read_text(), re.DOTALL)
    assert len(figures) == 1 + 4 + 4 + 1
    for figure in figures:
        ET.fromstring(figure)
    assert page.elements.count("figure") == len(figures)
    assert [v for n, v in page.attributes if n == "role"].count("img") == len(figures)
    assert all(len(v) > 3 for n, v in page.attributes if n == "aria-label")


def test_a_label_that_looks_like_markup_stays_text(report, page, made_up):
    assert made_up.NASTY in page.text
    assert "<script" not in report.html.read_text()
    assert "<script" not in (report.folder / "report.md").read_text()


@pytest.mark.usefixtures("undrawn")
def test_every_text_of_a_study_is_escaped(make_study):
    evil = "<img src=x onerror=alert(1)>"
    folder = make_study()
    settings = yaml.safe_load((folder / "study.yaml").read_text())
    settings |= {"name": evil, "title": evil, "design": evil, "command": evil}
    settings["base"] = {evil: evil}
    (folder / "study.yaml").write_text(yaml.safe_dump(settings))
    for result in Ledger(folder).results()[:5]:
        result.environment = {evil: evil}
        result.status, result.error = FAILED, f"Traceback\n{evil}"
        Ledger(folder).record(result)
    html = write_report(folder).html.read_text()
    assert "<img" not in html
    assert Page(html).text.count(evil) >= 10


def test_the_page_answers_first(page):
    order = ["Which of dropout", "Better than the baseline", "0.75 helps: validation loss falls by"]
    order += [
        "Change that each level makes",
        "changes are paired",
        "Levels",
        "Learning curves",
        "Generalization gap",
        "Runs that diverged",
    ]
    order += ["Other metrics", "What was run", "rnn-regexp ablate study=four_knobs"]
    places = [page.text.index(words) for words in order]
    assert places == sorted(places)


def test_the_page_says_where_the_numbers_come_from(page):
    for words in ("2.13.0", "0f3a9c2e11d7b845", "1f2e3d4", "model.hidden", "13 min 10 s"):
        assert words in page.text
    assert "early stopping, itself a regularizer" in page.text


def test_markdown_has_the_same_verdicts(report):
    text = (report.folder / "report.md").read_text()
    assert text.startswith("# Which of dropout")
    assert "](figures/forest.svg)" in text
    assert "0.75 helps: validation loss falls by" in text
    assert "    rnn-regexp ablate study=four_knobs\n" in text


def test_the_note_is_the_short_part_and_has_a_limit(report):
    assert report.note.startswith("**Which of dropout")
    assert report.note.splitlines()[2].startswith("Better than the baseline")
    assert "<details>" not in report.note
    assert "| dropout | 0.75 |" in report.note
    assert "##" not in report.note
    assert "](figures/" not in report.note
    long = note("# Title\n\nabout\n\n" + "| a | b |\n" * 5000)
    assert len(long) < NOTE_LENGTH + 100
    assert long.endswith("(shortened; see report.md)\n")


@pytest.mark.usefixtures("undrawn")
def test_the_best_epoch_can_be_judged(make_study):
    report = write_report(make_study(seeds=3, evaluate="best"))
    assert report.effects["metric"].iloc[0] == "best/valid/loss"
    assert "validation loss at the best epoch, lower is better" in report.verdicts
    assert "judges the epoch with the best validation value" in Page(report.html.read_text()).text


@pytest.mark.usefixtures("undrawn")
def test_an_incomplete_study_says_so(make_study):
    folder = make_study()
    for file in sorted((folder / "runs").iterdir())[:27]:
        file.unlink()
    report = write_report(folder)
    assert report.verdicts.startswith("incomplete: 43 of 70 runs have ended")
    assert "incomplete: 43 of 70 runs have ended" in report.html.read_text()
    assert "incomplete: 43 of 70 runs have ended" in report.note


@pytest.mark.usefixtures("undrawn")
def test_one_run_is_enough_for_a_report(make_study):
    folder = make_study()
    for file in sorted((folder / "runs").iterdir())[1:]:
        file.unlink()
    report = write_report(folder)
    assert set(report.effects["verdict"]) == {"undecided (no runs yet)"}


@pytest.mark.usefixtures("undrawn")
def test_a_study_in_which_everything_diverged(make_study, made_up):
    folder = make_study(seeds=1)
    for result in Ledger(folder).results():
        made_up.spoil(Ledger(folder), result.run_id, DIVERGED)
    report = write_report(folder)
    assert set(report.effects["verdict"]) == {"diverged"}
    assert "not finite at step 190" in report.html.read_text()


@pytest.mark.usefixtures("undrawn")
def test_runs_without_history_have_a_report(make_study):
    folder = make_study(seeds=2)
    for result in Ledger(folder).results():
        result.history = []
        Ledger(folder).record(result)
    text = write_report(folder).html.read_text()
    assert "Learning curves" not in text
    assert "Levels" in text


@pytest.mark.usefixtures("undrawn")
def test_a_failed_runs_reason_is_the_last_line_of_its_error(make_study, made_up):
    folder = make_study()
    made_up.spoil(Ledger(folder), read_study(folder).table["run_id"].iloc[0], FAILED)
    assert "CUDA out of memory" in Page(write_report(folder).html.read_text()).text


def unplanned(folder, experiments):
    for i, experiment in enumerate(experiments):
        history = [{"epoch": e, "valid/loss": 1 / e + i, "train/loss": 0.5 / e} for e in (1, 2, 3)]
        metrics = {"valid/loss": 1 / 3 + i, "train/loss": 0.5 / 3}
        result = RunResult(
            f"{i}",
            i % 2,
            FINISHED,
            experiment | {"seed": i % 2},
            metrics,
            history,
            started=float(i + 1),
        )
        Ledger(folder).record(result)
    return write_report(folder)


@pytest.mark.usefixtures("undrawn")
def test_a_folder_without_a_plan(tmp_path):
    models = [{"model": {"name": name}} for name in ("gru", "gru", "rnn", "rnn")]
    report = unplanned(tmp_path / "multirun", models)
    assert report.effects["factor"].tolist() == ["model"]
    assert report.effects["estimate"].tolist() == [-2.0]
    page = Page(report.html.read_text())
    assert "noisy training loss" in page.text
    assert "To run it again" not in page.text


def test_any_label_can_be_drawn(tmp_path):
    labels = ["_hidden", "$\\foo$", "&amp;", "", "\x1b[31m", "日本"]
    models = [{"model": {"name": name}} for name in ("gru", *labels) for _ in range(2)]
    report = unplanned(tmp_path / "multirun", models)
    drawn = re.findall(r"<svg.*?</svg>", report.html.read_text(), re.DOTALL)
    words = ["".join(ET.fromstring(figure).itertext()) for figure in drawn]
    assert len(words) == 3
    for label in ("gru", *labels):
        assert label.lstrip("\x1b") in words[1]


@pytest.mark.usefixtures("undrawn")
def test_runs_that_differ_in_their_seed_alone(tmp_path):
    report = unplanned(tmp_path / "seeds", [{"model": {"name": "gru"}}] * 2)
    assert report.effects.empty
    assert "No factor differs between the runs." in report.verdicts
    assert "nothing to compare" in report.note
    page = Page(report.html.read_text())
    assert "Learning curves" in page.text
    assert "Verdicts" not in page.text


def test_figures_of_the_report_before_go_and_others_stay(make_study):
    first = write_report(make_study(seeds=2))
    figures, old = first.folder / "figures", set(first.figures)
    (figures / "mine.svg").write_text("<svg/>")
    text = (first.folder / "study.yaml").read_text().replace("dropout:", "rate:", 1)
    (first.folder / "study.yaml").write_text(text)
    plan = first.folder / "plan.csv"
    plan.write_text(plan.read_text().replace("dropout", "rate", 1))
    second = write_report(first.folder)
    gone = {figures / f"levels-dropout{suffix}" for suffix in (".svg", ".pdf")}
    assert gone < old
    assert not gone & set(figures.iterdir())
    assert set(figures.iterdir()) == {*second.figures, figures / "mine.svg"}


@pytest.mark.usefixtures("undrawn")
def test_a_report_that_cannot_be_made_leaves_the_old_one(make_study):
    report = write_report(make_study())
    before = report.html.read_bytes()
    (report.folder / "study.yaml").write_text("name: x")
    with pytest.raises(StudyError):
        write_report(report.folder)
    assert report.html.read_bytes() == before


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")],
)
def test_durations(seconds, text):
    assert duration(seconds) == text


def loaded(code: str) -> set[str]:
    """The top-level modules that are there after ``code`` has run in a new process."""
    command = f"import sys\n{code}\nprint('\\n'.join({{m.split('.')[0] for m in sys.modules}}))"
    done = subprocess.run(
        [sys.executable, "-c", command], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_importing_is_cheap():
    names = "write, levels, diagnostics, verdict_table, section"
    heavy = {"torch", "pandas", "scipy", "statsmodels", "matplotlib", "jinja2", "yaml", "mlflow"}
    found = loaded(f"from rnn_regexp.report import {names}")
    assert "rnn_regexp" in found
    assert not found & heavy


def test_a_report_is_written_without_torch(make_study):
    found = loaded(
        f"from rnn_regexp.report.write import write_report; write_report({str(make_study())!r})"
    )
    assert "matplotlib" in found
    assert not found & {"torch", "mlflow", "hydra"}

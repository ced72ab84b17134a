"""Writes a report: page, Markdown, LaTeX, tables and figures."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rnn_regexp.ablation.analysis import Analysis, analyse_study
from rnn_regexp.ablation.runs_table import StudyRuns, read_study, to_csv
from rnn_regexp.files import write_bytes, write_text
from rnn_regexp.report.canvas import standalone
from rnn_regexp.report.document import Document, Figure
from rnn_regexp.report.html import html
from rnn_regexp.report.latex import tex
from rnn_regexp.report.markdown import markdown, note
from rnn_regexp.report.section import section
from rnn_regexp.report.several import preface, told_apart
from rnn_regexp.report.verdict_table import terminal

if TYPE_CHECKING:
    import pandas as pd

FIGURES = "figures"


@dataclass(frozen=True)
class StudyReport:
    """What a report says, and where it was written."""

    runs: pd.DataFrame  # runs.csv
    effects: pd.DataFrame  # effects.csv
    verdicts: str  # the verdict table for a terminal
    note: str  # question, verdicts and table in Markdown, for a tracking store's description
    folder: Path
    files: tuple[Path, ...]  # the page first, then texts and tables
    figures: tuple[Path, ...]

    @property
    def html(self) -> Path:
        """The page."""
        return self.files[0]


def write_report(folder: str | Path) -> StudyReport:
    """Derive a study's report from its folder, into the same folder.

    Works on an incomplete study. Raises ``StudyError`` with one line where there is no run.
    """
    return write_reports([read_study(folder)], folder)


def write_reports(studies: Sequence[StudyRuns], folder: str | Path) -> StudyReport:
    """One report on all the studies, a section each; nothing is written before all of it is made.

    With several studies both tables begin with a column ``study``.
    """
    studies = told_apart(studies)
    found = [analyse_study(own.table, own.description, own.metrics) for own in studies]
    effects = [own.effects for own in found]
    document = _document(studies, found)
    tables = _joined(studies, [own.table for own in studies]), _joined(studies, effects)
    text = markdown(document)
    contents = {
        "report.html": html(document),
        "report.md": text,
        "report.tex": tex(document),
        "effects.csv": to_csv(tables[1]),
        "runs.csv": to_csv(tables[0]),
    }
    before = _figures_of(Path(folder))
    figures = _write_figures(document.figures, Path(folder) / FIGURES)
    files = tuple(write_text(Path(folder) / name, own) for name, own in contents.items())
    for path in before - set(figures):
        path.unlink(missing_ok=True)
    verdicts = "\n\n".join(map(_verdicts, studies, effects, _headings(studies)))
    return StudyReport(*tables, verdicts, note(text), Path(folder), files, tuple(figures))


def _document(studies: Sequence[StudyRuns], analyses: Sequence[Analysis]) -> Document:
    several = len(studies) > 1
    sections = tuple(
        section(own, found, own.description.name if several else "")
        for own, found in zip(studies, analyses, strict=True)
    )
    if not several:
        return Document(sections[0].title, sections)
    return Document(f"{len(studies)} studies", sections, preface(studies, sections))


def _joined(studies: Sequence[StudyRuns], tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The tables below each other, told apart by their study where there are several."""
    import pandas as pd

    if len(studies) == 1:
        return tables[0]
    return pd.concat(
        [
            pd.DataFrame({"study": own.description.name}, table.index).join(table)
            for own, table in zip(studies, tables, strict=True)
        ],
        ignore_index=True,
    )


def _write_figures(figures: Sequence[Figure], folder: Path) -> list[Path]:
    written = []
    for own in figures:
        svg = standalone(own.svg, own.title, own.alt)
        written += [
            write_text(folder / f"{own.name}.svg", svg),
            write_bytes(folder / f"{own.name}.pdf", own.pdf),
        ]
    return written


def _figures_of(folder: Path) -> set[Path]:
    """The files of the figures of the report that stands in a folder; others are not ours."""
    page = folder / "report.md"
    text = page.read_text(encoding="utf-8", errors="replace") if page.is_file() else ""
    names = re.findall(rf"\({FIGURES}/([^/()]+)\.svg\)", text)
    return {folder / FIGURES / f"{name}{suffix}" for name in names for suffix in (".svg", ".pdf")}


def _headings(studies: Sequence[StudyRuns]) -> list[list[str]]:
    """The studies' names, where there are several."""
    several = len(studies) > 1
    return [[f"== {own.description.name}"] if several else [] for own in studies]


def _verdicts(runs: StudyRuns, effects: pd.DataFrame, heading: list[str]) -> str:
    table = terminal(effects, runs.table, runs.description)
    return "\n".join([*heading, *runs.warnings, table])

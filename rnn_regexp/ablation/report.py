"""A study's report: its verdicts, figures and origin as one page, one Markdown file, two tables."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnn_regexp.ablation.contents import incomplete, pictures, texts
from rnn_regexp.ablation.contrasts import effects_table
from rnn_regexp.ablation.runs_table import read_study, to_csv
from rnn_regexp.ablation.verdict_table import escaped, terminal
from rnn_regexp.ledger import Ledger

if TYPE_CHECKING:
    import pandas as pd
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"
NOTE_LENGTH = 7000  # characters; a tracking store's description holds 8000
NOTE_ENDS = "\n## "  # the note is what stands before the first section


@dataclass(frozen=True)
class StudyReport:
    """What ``write_report`` found, and where it wrote it."""

    runs: pd.DataFrame  # runs.csv
    effects: pd.DataFrame  # effects.csv
    verdicts: str  # the verdict table for a terminal
    note: str  # question, verdicts and table in Markdown, for a tracking store's description
    folder: Path

    @property
    def html(self) -> Path:
        """The page."""
        return self.folder / "report.html"

    @property
    def files(self) -> tuple[Path, ...]:
        """All that was written, the page first."""
        return (self.html, *(self.folder / n for n in ("report.md", "effects.csv", "runs.csv")))


def write_report(folder: str | Path) -> StudyReport:
    """Derive runs.csv, effects.csv, report.md and report.html from a study's folder.

    Works on an incomplete study. Raises ``StudyError`` with one line where there is no run.
    """
    runs = read_study(folder)
    effects = effects_table(runs.table, runs.description, runs.metrics)
    content = texts(runs, effects)
    text = render("report.md.j2", content)
    page = render("report.html.j2", content | pictures(runs, effects))
    ledger = Ledger(folder)
    ledger.write("runs.csv", to_csv(runs.table))
    ledger.write("effects.csv", to_csv(effects))
    ledger.write("report.md", text)
    ledger.write("report.html", page)
    told = [incomplete(runs), terminal(effects, runs.table, runs.description)]
    verdicts = "\n".join(filter(None, told))
    return StudyReport(runs.table, effects, verdicts, note(text), Path(folder))


def note(report: str) -> str:
    """The part of a report.md that fits a tracking store's description."""
    text = report.partition(NOTE_ENDS)[0].strip() + "\n"
    if len(text) <= NOTE_LENGTH:
        return text
    return text[:NOTE_LENGTH].rpartition("\n")[0] + "\n\n(shortened; see report.md)\n"


def render(template: str, content: dict[str, Any]) -> str:
    """A template with its content; every string is escaped unless it is marked as markup."""
    return _environment(".html" in template).get_template(template).render(content)


def _environment(html: bool) -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    def as_markdown(value: object) -> object:
        return value if isinstance(value, Markup) else escaped(value)

    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=html,
        finalize=None if html else as_markdown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )

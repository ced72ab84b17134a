"""The report as one page: no script, no network, readable on a phone and on paper."""

from __future__ import annotations

import re
from pathlib import Path

from rnn_regexp.ablation.verdicts import kind
from rnn_regexp.report.document import Document
from rnn_regexp.report.latex_text import slug

TEMPLATES = Path(__file__).parent / "templates"


def html(document: Document) -> str:
    """The whole report; every string is escaped, the drawings alone are markup."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(verdict_kind=_kind, minus=_minus, slug=slug)
    return environment.get_template("page.html.j2").render(document=document)


def _kind(cell: str) -> str:
    """The kind of the verdict in a cell, which may say more behind a semicolon."""
    return kind(cell.partition(";")[0])


def _minus(cell: str) -> str:
    """A cell of numbers: every minus a real one, a dash where there is no number."""
    return "–" if cell == "-" else re.sub(r"-(?=[\d.])", "−", cell)

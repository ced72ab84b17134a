r"""The report as LaTeX to ``\input``: tables with booktabs, figures as PDF."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from rnn_regexp.report.document import (
    NUMBER,
    VERDICT,
    Chapter,
    Code,
    Column,
    Document,
    Figure,
    Findings,
    Pairs,
    Panels,
    Part,
    Section,
    Table,
    Text,
)
from rnn_regexp.report.latex_text import PREAMBLE, latex, latex_number, slug

LONG = 40  # rows; a longer table may break across pages
FLOAT = 6  # panels on one float
HEAD = r"""% Written by rnn-regexp report; \input this file.
% Needs \usepackage[T1]{fontenc} and \usepackage{booktabs,graphicx,longtable,textcomp}.
% Figures are in the folder \reportfigures; where that is not beside your main file:
%   \newcommand{\reportfigures}{path/to/figures}
\providecommand{\reportfigures}{figures}
"""
# A table wider than the column is made to fit, a narrower one stays as it is.
FITTED = r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%"


def tex(document: Document) -> str:
    """The whole report; sections become subsections of the paper that has it."""
    lines = [HEAD + PREAMBLE]
    if len(document.sections) > 1:
        lines += _parts(document.preface, "")
    for section in document.sections:
        lines += _section(section)
    return "\n".join(lines) + "\n"


def _section(section: Section) -> Iterator[str]:
    name = slug(section.name)
    yield rf"\subsection*{{{latex(section.title)}}}\label{{sec:{name}}}"
    yield f"{latex(section.about)}\n"
    yield from _parts(section.lead, name)
    for chapter in section.chapters:
        yield from _chapter(chapter, name)


def _chapter(chapter: Chapter, study: str) -> Iterator[str]:
    """The parts; under a heading only where there is text, since floats move away from it."""
    if any(isinstance(part, (Text, Findings, Pairs, Code)) for part in chapter.parts):
        yield rf"\subsubsection*{{{latex(chapter.title)}}}"
    yield from _parts(chapter.parts, study)


def _parts(parts: Iterable[Part], study: str) -> Iterator[str]:
    for part in parts:
        if not getattr(part, "folded", "") and getattr(part, "in_print", True):
            yield from _part(part, study)


def _part(part: Part, study: str) -> Iterable[str]:
    if isinstance(part, Text):
        return [f"{_text(part)}\n"]
    if isinstance(part, Findings):
        named = ((latex(name), latex(text)) for name, text in part.items)
        return _itemized(rf"\textbf{{{name}}}: {text}" for name, text in named)
    if isinstance(part, Pairs):
        told = (f"{latex(key)}: {latex(value)}" for key, value in part.items.items())
        return ["; ".join(told) + ".\n"]
    if isinstance(part, Code):
        return [rf"\begin{{flushleft}}\ttfamily {latex(part.text)}\end{{flushleft}}"]
    if isinstance(part, Table):
        return _table(part, study)
    figures = part.figures if isinstance(part, Panels) else (part,)
    return _figures(figures, part.caption, study)


def _text(part: Text) -> str:
    return rf"\textbf{{{latex(part.text)}}}" if part.role == "warning" else latex(part.text)


def _itemized(items: Iterable[str]) -> Iterator[str]:
    lines = [rf"  \item {item}" for item in items]
    if lines:
        yield from (r"\begin{itemize}", *lines, r"\end{itemize}")


def _table(table: Table, study: str) -> Iterator[str]:
    form = "l" + "".join("r" if column.holds == NUMBER else "l" for column in table.columns[1:])
    heads = " & ".join(latex(column.head) for column in table.columns)
    label = rf"\caption{{{latex(table.title)}}}\label{{tab:{study}-{table.name}}}"
    top = [r"\toprule", rf"{heads} \\", r"\midrule"]
    body = list(_body(table))
    if sum(len(group.rows) for group in table.groups) > LONG:
        yield from (r"{\scriptsize", rf"\begin{{longtable}}{{@{{}}{form}@{{}}}}")
        yield from (rf"{label}\\", *top, r"\endhead", *body)
        yield from (r"\bottomrule", r"\end{longtable}}")
    else:
        yield from (r"\begin{table}[htbp]", r"\centering\small", label, FITTED)
        yield from (rf"\begin{{tabular}}{{@{{}}{form}@{{}}}}", *top, *body)
        yield from (r"\bottomrule", r"\end{tabular}}", r"\end{table}")


def _body(table: Table) -> Iterator[str]:
    for place, group in enumerate(table.groups):
        if group.head:
            if place:
                yield r"\addlinespace"
            note = rf" \texttt{{{latex(group.note)}}}" if group.note else ""
            head = rf"\textbf{{{latex(group.head)}}}{note}"
            yield rf"\multicolumn{{{len(table.columns)}}}{{@{{}}l@{{}}}}{{{head}}} \\"
        for row in group.rows:
            yield " & ".join(map(_cell, row.cells, table.columns)) + r" \\"


def _cell(cell: str, column: Column) -> str:
    """What a cell says; a verdict without its remark, for which the text has room."""
    if column.holds == NUMBER:
        return latex_number(cell)
    return latex(re.sub(r" \([^)]*\)", "", cell) if column.holds == VERDICT else cell)


def _figures(figures: tuple[Figure, ...], caption: str, study: str) -> Iterator[str]:
    for first in range(0, len(figures), FLOAT):
        yield from _float(figures[first : first + FLOAT], caption, study)


def _float(figures: tuple[Figure, ...], caption: str, study: str) -> Iterator[str]:
    yield from (r"\begin{figure}[htbp]", r"\centering")
    for figure in figures:
        width = r"\linewidth" if figure.size == "wide" else r"0.49\linewidth"
        title = "" if figure.size == "wide" else rf"\footnotesize {latex(figure.title)}\\"
        path = rf"\reportfigures/{figure.name}.pdf"
        yield rf"\begin{{minipage}}[t]{{{width}}}\centering{title}"
        yield rf"\includegraphics[width=\linewidth]{{{path}}}\end{{minipage}}"
    words = caption or figures[0].title
    label = rf"\label{{fig:{study}-{figures[0].name}}}"
    yield from (rf"\caption{{{latex(words)}}}{label}", r"\end{figure}")

"""The report as Markdown that any viewer shows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from rnn_regexp.report.document import (
    NUMBER,
    Chapter,
    Code,
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

NOTE_LENGTH = 7000  # characters; a tracking store's description holds 8000
NOTE_ENDS = "\n## "  # the note is what stands before the first chapter


def markdown(document: Document) -> str:
    """The whole report; figures are files beside it."""
    if len(document.sections) == 1:
        return "\n".join(_section(document.sections[0], 1))
    lines = [f"# {escaped(document.title)}", "", *_parts(document.preface)]
    for section in document.sections:
        lines += _section(section, 2)
    return "\n".join(lines)


def note(report: str) -> str:
    """The part of a report.md that fits a tracking store's description: no figures, no chapters.

    Such a page shows the first lines only, and has a heading of its own: the title is a line of
    text, and nothing stands between it and the verdicts.
    """
    title, _, text = report.partition(NOTE_ENDS)[0].partition("\n\n")
    about, _, text = text.partition("\n\n")
    text = re.sub(r"^!\[.*\n+", "", text, flags=re.MULTILINE).strip()
    text = re.sub(r"<details>.*?</details>\s*", "", text, flags=re.DOTALL).strip()
    text = f"**{title.removeprefix('# ')}**\n\n{text}\n\n{about}\n"
    if len(text) <= NOTE_LENGTH:
        return text
    return text[:NOTE_LENGTH].rpartition("\n")[0] + "\n\n(shortened; see report.md)\n"


def table_lines(table: Table) -> list[str]:
    """A table, the heads of its groups as first column."""
    named = any(group.head for group in table.groups)
    heads = [*([table.subject] if named else []), *(column.head for column in table.columns)]
    rules = ["---:" if column.holds == NUMBER else "---" for column in table.columns]
    lines = [_line(map(escaped, heads)), _line([*(["---"] if named else []), *rules])]
    for group in table.groups:
        for row in group.rows:
            cells = [*([group.head] if named else []), *row.cells]
            lines.append(_line(map(escaped, cells)))
    return lines


def escaped(text: object) -> str:
    """Text that Markdown shows as it is, in a table's cell as well."""
    text = " ".join(str(text).split())
    text = re.sub(r"([\\`*|#~$]|(?<!\w)_|_(?!\w)|\](?=[(\[:]))", r"\\\1", text)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _section(section: Section, level: int) -> Iterator[str]:
    yield from (f"{'#' * level} {escaped(section.title)}", "")
    yield from (escaped(section.about), "")
    yield from _parts(section.lead)
    for chapter in section.chapters:
        yield from _chapter(chapter, level + 1)


def _chapter(chapter: Chapter, level: int) -> Iterator[str]:
    yield from (f"{'#' * level} {escaped(chapter.title)}", "")
    yield from _parts(chapter.parts)


def _parts(parts: Iterable[Part]) -> Iterator[str]:
    for part in parts:
        lines = list(_part(part))
        folded = getattr(part, "folded", "")
        if folded:
            lines = ["<details>", f"<summary>{escaped(folded)}</summary>", "", *lines, "</details>"]
        yield from (*lines, "")


def _part(part: Part) -> Iterable[str]:
    if isinstance(part, Text):
        text = escaped(part.text)
        return [f"**{text}**" if part.role == "warning" else text]
    if isinstance(part, Findings):
        return [f"- **{escaped(name)}**: {escaped(told)}" for name, told in part.items]
    if isinstance(part, Pairs):
        return [f"- {escaped(key)}: {escaped(value)}" for key, value in part.items.items()]
    if isinstance(part, Code):
        return ["    " + " ".join(part.text.split())]
    if isinstance(part, Table):
        return table_lines(part)
    if isinstance(part, Panels):
        return [*map(_image, part.figures), "", escaped(part.caption)]
    return [_image(part), "", escaped(part.caption)]


def _image(figure: Figure) -> str:
    words = re.sub(r"([\[\]])", r"\\\1", escaped(f"{figure.title}: {figure.alt}"))
    return f"![{words}](figures/{figure.name}.svg)"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"

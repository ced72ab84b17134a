"""A report before it has a form: chapters made of texts, tables and figures.

``html``, ``markdown`` and ``latex`` give the same document its three forms.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import ClassVar

TEXT, LEVEL, NUMBER, VERDICT = "text", "level", "number", "verdict"  # what a column holds


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    kind: ClassVar[str] = "text"
    text: str
    role: str = ""  # headline, warning or note


@dataclass(frozen=True)
class Findings:
    """What is found about each subject, a sentence each."""

    kind: ClassVar[str] = "findings"
    items: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Pairs:
    """Names and values; a long list is folded away under its title."""

    kind: ClassVar[str] = "pairs"
    items: dict[str, str]
    folded: str = ""


@dataclass(frozen=True)
class Code:
    """Words to type."""

    kind: ClassVar[str] = "code"
    text: str


@dataclass(frozen=True)
class Column:
    """A column's head and what its cells hold."""

    head: str
    holds: str = TEXT


@dataclass(frozen=True)
class Row:
    """Cells as they are shown; the row of a baseline is set back."""

    cells: tuple[str, ...]
    is_baseline: bool = False


@dataclass(frozen=True)
class Group:
    """Rows about one subject."""

    head: str
    rows: tuple[Row, ...]
    note: str = ""  # said beside the head


@dataclass(frozen=True)
class Table:
    """Rows in groups; ``subject`` is what the heads of the groups are, such as *factor*."""

    kind: ClassVar[str] = "table"
    name: str  # a label for references
    title: str
    columns: tuple[Column, ...]
    groups: tuple[Group, ...]
    subject: str = "factor"
    folded: str = ""  # the words under which a page hides it
    in_print: bool = True  # whether the LaTeX has it


@dataclass(frozen=True)
class Figure:
    """A drawing with what it says to somebody who does not see it."""

    kind: ClassVar[str] = "figure"
    name: str  # of its files
    title: str
    svg: str  # for a page, without prolog
    pdf: bytes
    alt: str
    caption: str = ""
    numbers: Table | None = None  # where no other table has what it shows
    size: str = "panel"  # panel, tall or wide


@dataclass(frozen=True)
class Panels:
    """Figures side by side, with one caption."""

    kind: ClassVar[str] = "panels"
    figures: tuple[Figure, ...]
    caption: str = ""


Part = Text | Findings | Pairs | Code | Table | Figure | Panels


@dataclass(frozen=True)
class Chapter:
    """Parts under a heading."""

    title: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Section:
    """A study: its question, what answers it at once, and the chapters behind the answer."""

    name: str
    title: str
    about: str  # a line under the title
    lead: tuple[Part, ...]
    chapters: tuple[Chapter, ...]


@dataclass(frozen=True)
class Document:
    """One or more studies under one title."""

    title: str
    sections: tuple[Section, ...]
    preface: tuple[Part, ...] = field(default=())  # of several studies

    @property
    def figures(self) -> list[Figure]:
        """Every figure, in order."""
        parts = [*self.preface, *(part for s in self.sections for part in parts_of(s))]
        return list(_figures(parts))


def parts_of(section: Section) -> Iterator[Part]:
    """All parts of a study's section, in order."""
    yield from section.lead
    for chapter in section.chapters:
        yield from chapter.parts


def _figures(parts: Iterable[Part]) -> Iterator[Figure]:
    for part in parts:
        if isinstance(part, Figure):
            yield part
        elif isinstance(part, Panels):
            yield from part.figures

"""What stands before the sections of a report on several studies."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence

from rnn_regexp.ablation.merging import difference
from rnn_regexp.ablation.runs_table import StudyRuns
from rnn_regexp.report.document import Findings, Part, Section, Text


def told_apart(studies: Sequence[StudyRuns]) -> list[StudyRuns]:
    """The studies, those of one name numbered."""
    names, seen = Counter(own.description.name for own in studies), Counter[str]()
    found = []
    for own in studies:
        name = own.description.name
        seen[name] += 1
        new = f"{name}-{seen[name]}" if names[name] > 1 else name
        description = dataclasses.replace(own.description, name=new)
        found.append(dataclasses.replace(own, description=description))
    return found


def preface(studies: Sequence[StudyRuns], sections: Sequence[Section]) -> tuple[Part, ...]:
    """What each of them found, and why they are not one: in what each differs from the first."""
    first, *others = studies
    found = tuple((own.name, _headline(own)) for own in sections)
    told = tuple(
        (own.description.name, f"differs from {first.description.name}: {difference(first, own)}")
        for own in others
    )
    about = (
        "Studies of one definition are pooled; these differ, and each has a section of its own:"
        " comparisons, corrections and intervals hold within a section."
    )
    return Findings(found), Text(about), Findings(told)


def _headline(section: Section) -> str:
    texts = [part for part in section.lead if isinstance(part, Text)]
    return next((part.text for part in texts if part.role == "headline"), "")

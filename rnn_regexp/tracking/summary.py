"""What a study's summary run carries: effects as metrics, definition and report as files."""

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rnn_regexp.tracking.entries import allowed

SHOWN = ("estimate", "ci_low", "ci_high")
DEFINITION = ("study.yaml", "plan.csv")  # with them, the runs can be read back as a study
TUNING = "tuning.csv"  # of studies that have nuisance settings
REPORT = ("report.html", "report.md", "report.tex", "effects.csv", "runs.csv")
FIGURES = "figures"


def effect_metrics(
    effects: Iterable[Mapping[str, Any]], metric: str | None = None
) -> dict[str, float]:
    """``effect/dropout.rate:0.25/estimate`` and so on; of ``metric``, or of the first row's."""
    values: dict[str, float] = {}
    for row in effects:
        metric = metric or row["metric"]
        if row["metric"] == metric:
            name = allowed(f"effect/{row['factor']}={row['level']}")
            numbers = {f"{name}/{column}": _number(row[column]) for column in SHOWN}
            values.update({key: value for key, value in numbers.items() if math.isfinite(value)})
    return values


def attachments(folder: Path) -> dict[Path, str]:
    """The files of a study's folder that its summary holds: path -> folder among the artifacts."""
    files = [folder / name for name in (*REPORT, *DEFINITION, TUNING)]
    found = {path: "" for path in files if path.exists()}
    return found | dict.fromkeys(sorted((folder / FIGURES).glob("*.*")), FIGURES)


def _number(cell: Any) -> float:
    """A cell of a table or of its CSV, where an absent number is an empty text."""
    return math.nan if cell in (None, "") else float(cell)

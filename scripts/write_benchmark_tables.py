"""Write the tables of docs/ that stand below a comment with the CSV file they are made of.

Usage: ``python -m scripts.write_benchmark_tables``.  ``<!-- from width.csv, without hidden -->``
stands above that file of docs/benchmarks without the column hidden; ``<!-- from recurrence.csv,
by size -->`` above a summary: a row for each cell and size.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"
PAGES = [DOCS / "benchmarks/README.md", DOCS / "benchmarks/recurrence.md", DOCS / "operations.md"]
_MADE = re.compile(r"(<!-- from (\S+\.csv)(?:, (without|by) ([^>]+))? -->\n\n)(?:\|.*\n)*")
_BY_SIZE = (
    "cell, hidden, ours (ms), torch (ms), **ours / torch**, **noise / plain**, loop / ours,"
    " per gate: noise / plain, loop / ours, MiB: ours, torch, loop"
)
Row = dict[str, str]


def page(path: Path) -> str:
    """The page's whole text, with its tables made anew."""
    return _MADE.sub(lambda found: found[1] + _table(*found.groups()[1:]), path.read_text("utf-8"))


def _table(name: str, how: str | None, what: str | None) -> str:
    rows = read(DOCS / "benchmarks" / name)
    if how == "by":
        return "".join(_lines(_BY_SIZE.split(", "), by_size(rows)))
    left_out = what.split(", ") if what else []
    kept = [column for column in rows[0] if column not in left_out]
    return "".join(_lines(kept, ([_text(row[column]) for column in kept] for row in rows)))


def read(path: Path) -> list[Row]:
    """The rows by column, below a first line of remarks if there is one."""
    lines = path.read_text("utf-8").splitlines()
    return list(csv.DictReader(lines[lines[0].startswith("#") :]))


def _lines(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    rows = list(rows)
    ruler = ["---:" if _is_number(text) else "---" for text in rows[0]]
    for row in (header, ruler, *rows):
        yield f"| {' | '.join(row)} |\n"


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"-?[\d.,]+", text))


def _text(value: str) -> str:
    return f"{int(value):,}" if value.isdigit() else value


def by_size(rows: Sequence[Row]) -> Iterator[list[str]]:
    """Of each cell and size the plain figures, and how far those with noise range."""
    for (cell, hidden), own in groupby(rows, key=lambda row: (row["cell"], row["hidden"])):
        plain, *noisy = own
        tied = [row for row in noisy if row["noise"] != "h per gate"]
        gated = next(
            (row for row in noisy if row["noise"] == "h per gate"), dict.fromkeys(plain, "")
        )
        ratios = ("ours/plain", "loop/ours")
        yield [
            *(cell, hidden, plain["ours_ms"], plain["torch_ms"], plain["ours/torch"]),
            *(_range([float(row[ratio]) for row in tied]) for ratio in ratios),
            *(gated[ratio] for ratio in ratios),
            *(plain[f"{rival}_MiB"] for rival in ("ours", "torch", "loop")),
        ]


def _range(values: list[float]) -> str:
    return f"{min(values):.2f}–{max(values):.2f}"


if __name__ == "__main__":
    for path in PAGES:
        path.write_text(page(path), encoding="utf-8")

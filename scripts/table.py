"""The table of a benchmark: its rows printed as they are measured, then all of them as CSV."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

Row = Sequence[object]


def named(rows: Iterable[Mapping[str, object]]) -> list[Row]:
    """A row of names, then those of values; each is printed when it is there, name by name."""
    table: list[Row] = []
    for row in rows:
        print(", ".join(f"{name} {value}" for name, value in row.items()), flush=True)
        table += [list(row.values())] if table else [list(row), list(row.values())]
    return table


def aligned(rows: Iterable[Row], width: int) -> list[Row]:
    """The rows, each printed when it is there, in columns of ``width`` characters."""
    table: list[Row] = []
    for row in rows:
        print("".join(f"{text:>{width}}" for text in row), flush=True)
        table.append(row)
    return table


def write(path: str | Path | None, table: Iterable[Row], note: str = "") -> None:
    """All rows as CSV, below a line ``# note``; nothing where no file is asked for."""
    if path is None:
        return
    with open(path, "w", newline="") as file:
        if note:
            file.write(f"# {note}\n")
        csv.writer(file, lineterminator="\n").writerows(table)

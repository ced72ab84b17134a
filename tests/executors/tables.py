"""The table of one small study, as each of several executors leaves it."""

import csv
from pathlib import Path

from rnn_regexp.app import main

FACTOR = "+study.factors.rate={key: regularizers.dropout.rate, levels: [0, 0.5]}"
STUDY = ("ablate", FACTOR, "study.seeds=3", "dataset=digits", "model.hidden=4")
HOW = ("training=smoke", "tracking=off", "executor.width=2")


def tables(folder: Path, *executors: list[str]) -> list[list[dict[str, str]]]:
    """Rows of ``runs.csv`` without the seconds they took; ``folder`` is the present one."""
    found = []
    for number, words in enumerate(executors):
        assert main([*STUDY, *HOW, *words, f"study.name=s{number}"]) == 0
        with (folder / f"outputs/s{number}/runs.csv").open(encoding="utf-8", newline="") as file:
            found.append([{**row, "seconds": ""} for row in csv.DictReader(file)])
    return found

"""Feeds random input to whatever reads a user's: each is accepted, or refused with a line.

Usage: ``python -m scripts.fuzz [--inputs 100000] [--seed 0] [--only texts,series] [--csv FILE]``.
Anything else, a traceback or ten seconds without an answer, is shown with the smallest input that
hypothesis finds for it, and the exit code is 1; the other targets are fuzzed all the same.
"""

import argparse
import contextlib
import csv
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis import strategies as st

from rnn_regexp.errors import REFUSED
from scripts.fuzzed import targets

LONGEST = 10  # seconds for one input
SHARES = {
    "overrides": 0.27,
    "studies": 0.03,
    "yaml": 0.03,
    "texts": 0.2,
    "series": 0.2,
    "tables": 0.08,
    "ledgers": 0.09,
    "events": 0.1,
}


@dataclass
class Tally:
    """What became of the inputs of one target."""

    target: str
    inputs: int = 0
    accepted: int = 0
    refused: int = 0
    defects: int = 0
    slowest_seconds: float = 0.0
    seconds: float = 0.0


class Hang(BaseException):
    """An input that is not answered in time."""


def fuzz(
    name: str,
    strategy: st.SearchStrategy[Any],
    reads: Callable[[Any], None],
    size: int,
    number: int,
) -> Tally:
    """Read ``size`` inputs; what is neither acceptance nor refusal is printed and counted."""
    tally, begin = Tally(name), time.perf_counter()

    @seed(number)
    @settings(
        max_examples=size,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
    )
    @given(strategy)
    def run(value: Any) -> None:
        answer_in_time(reads, value, tally)

    try:
        run()
    except (Exception, Hang):
        tally.defects = 1
        traceback.print_exc()
    tally.seconds = time.perf_counter() - begin
    return tally


def answer_in_time(reads: Callable[[Any], None], value: Any, tally: Tally) -> None:
    """Read one input; what is raised says which it was."""
    start = time.perf_counter()
    try:
        with in_time():
            answer(reads, value, tally)
    except BaseException as error:
        error.add_note(f"{tally.target}: {value!r}")
        raise
    finally:
        tally.slowest_seconds = max(tally.slowest_seconds, time.perf_counter() - start)


def answer(reads: Callable[[Any], None], value: Any, tally: Tally) -> None:
    """Read one input; a refusal says something, in lines that are no traceback."""
    tally.inputs += 1
    try:
        reads(value)
        tally.accepted += 1
    except REFUSED as error:
        if not str(error).strip() or "Traceback" in str(error):
            raise AssertionError(f"refused with {str(error)!r}") from error
        tally.refused += 1


@contextlib.contextmanager
def in_time() -> Iterator[None]:
    """Raise ``Hang`` where the block takes too long."""

    def hang(*_: object) -> None:
        raise Hang(f"no answer within {LONGEST} s")

    before = signal.signal(signal.SIGALRM, hang)
    signal.alarm(LONGEST)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def tallies(only: Sequence[str], inputs: int, number: int) -> Iterator[Tally]:
    """Fuzz each target with its share of the inputs."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        known = targets(Path(folder))
        for name in only:
            yield fuzz(name, *known[name], max(1, round(inputs * SHARES[name])), number)


def rounded(tally: Tally) -> dict[str, object]:
    """A line of the table of results."""
    return {
        name: round(own, 2) if isinstance(own, float) else own for name, own in vars(tally).items()
    }


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default=",".join(SHARES))
    parser.add_argument("--csv")
    options = parser.parse_args(words)
    rows = []
    for tally in tallies(options.only.split(","), options.inputs, options.seed):
        rows.append(rounded(tally))
        print(", ".join(f"{name} {own}" for name, own in rows[-1].items()), flush=True)
    write(rows, options.csv)
    return 1 if any(row["defects"] for row in rows) else 0


def write(rows: Sequence[dict[str, object]], path: str | None) -> None:
    """Keep the table of results, where that is asked for."""
    if path:
        with open(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, rows[0], lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    sys.exit(main())

"""Fuzzes as ``fuzz`` does, with inputs that atheris chooses for the new code they reach.

Usage: ``python -m scripts.fuzz_guided [--seconds 120] [--seed 0] [--only texts] [--csv FILE]``.
Needs the package atheris. libFuzzer changes the bytes from which hypothesis builds an input, and
keeps those that reach a new edge of ``GUIDING``. Each target has a process and so many seconds
of its own, and ends with its first defect; the exit code is then 1.
"""

import argparse
import contextlib
import importlib
import json
import os
import random
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from scripts.fuzz import Tally

GUIDING = ["rnn_regexp", "hydra", "omegaconf", "yaml"]  # packages of which every edge is counted
LONGEST_INPUT = 4096  # bytes
FIRST = 100  # inputs that are there when the search begins
OPTIONS = ("-timeout=86400", "-len_control=0", "-verbosity=0", f"-max_len={LONGEST_INPUT}")


def guide(
    strategy: "SearchStrategy[Any]",
    reads: Callable[[Any], None],
    tally: "Tally",
    seconds: float,
    end: Callable[[], NoReturn],
    corpus: Path,
) -> None:
    """Search from the inputs in ``corpus`` until the time is over or a defect is found."""
    from hypothesis import HealthCheck, given, settings

    from scripts.fuzz import answer_in_time

    atheris = guiding_package()

    @settings(database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(strategy)
    def run(value: Any) -> None:
        answer_in_time(reads, value, tally)

    driven: Any = run  # what hypothesis adds to a test is unknown to its types
    one, begin = driven.hypothesis.fuzz_one_input, time.perf_counter()

    def read(buffer: bytes) -> None:
        try:
            one(buffer)
        except BaseException:
            tally.defects = 1
            traceback.print_exc()
        tally.seconds = time.perf_counter() - begin
        if tally.defects or tally.seconds > seconds:
            end()

    atheris.Setup([sys.argv[0], *OPTIONS, f"-artifact_prefix={corpus}/", str(corpus)], read)
    atheris.Fuzz()


def guiding_package() -> ModuleType:
    """atheris; without it the script ends with a line."""
    try:
        return importlib.import_module("atheris")
    except ImportError:
        sys.exit("this needs the package atheris: pip install atheris")


def apart(work: Callable[[Callable[[], NoReturn]], None]) -> int:
    """Do ``work`` in a process of its own, which libFuzzer takes over; returns its exit code."""
    if child := os.fork():
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    def end() -> NoReturn:
        sys.stdout.flush()
        os._exit(0)

    try:
        work(end)
    finally:
        os._exit(1)


def tallies(options: argparse.Namespace) -> Iterator["Tally"]:
    """What was found in each target."""
    atheris = guiding_package()
    with atheris.instrument_imports(include=GUIDING):
        from scripts.fuzz import SHARES, Tally
        from scripts.fuzzed import targets

    dice = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as temporary, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        folder = Path(temporary)
        known, found = targets(folder), folder / "found.json"
        for name in options.only.split(",") if options.only else SHARES:
            corpus = seeds(folder / name, dice)
            yield Tally(**fuzz(name, known[name], options.seconds, corpus, found))


def fuzz(
    name: str,
    target: "tuple[SearchStrategy[Any], Callable[[Any], None]]",
    seconds: float,
    corpus: Path,
    found: Path,
) -> dict[str, Any]:
    """The tally of one target; a process that crashed is a defect."""
    from scripts.fuzz import Tally

    def work(end: Callable[[], NoReturn]) -> None:
        tally = Tally(name)

        def tell() -> NoReturn:
            found.write_text(json.dumps(vars(tally)))
            end()

        guide(*target, tally, seconds, tell, corpus)

    found.unlink(missing_ok=True)
    code = apart(work)
    with contextlib.suppress(FileNotFoundError):
        tally: dict[str, Any] = json.loads(found.read_text())
        return tally
    print(f"{name}: the process ended with code {code}")
    return vars(Tally(name, defects=1))


def seeds(folder: Path, dice: random.Random) -> Path:
    """A folder of random bytes, from which the search begins."""
    folder.mkdir()
    for number in range(FIRST):
        (folder / f"{number}").write_bytes(dice.randbytes(dice.randint(1, LONGEST_INPUT)))
    return folder


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="")
    parser.add_argument("--csv")
    options = parser.parse_args()
    rows = []
    for tally in tallies(options):
        from scripts.fuzz import rounded, write

        rows.append(rounded(tally))
        print(", ".join(f"{name} {own}" for name, own in rows[-1].items()), flush=True)
    write(rows, options.csv)
    return 1 if any(row["defects"] for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())

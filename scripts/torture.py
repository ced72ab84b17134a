"""Kills studies at random moments and continues them: each ends with an undisturbed study's table.

Usage: ``python -m scripts.torture [--kills 100] [--seeds 8] [--seed 0] [--csv FILE]``. A study is
killed (SIGKILL, the whole process group) again and again until it ends by itself; the next one
begins, until all kills are made. Then come the other faults; see ``torture_faults``. Exits with 1
where a table differs, a run was trained twice without need, or MLflow shows anything twice; and
where a fault was never done, or no killed study went on from a checkpoint.
"""

import argparse
import csv
import itertools
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from scripts.tortured import Study, Table, Verdict, undisturbed

GOES_ON = ("kill -9", "SIGTERM")  # faults behind which there are checkpoints
EXECUTORS = ("local", "processes")


def kills(folder: Path, reference: Table, count: int, dice: random.Random) -> Verdict:
    """Kill ``count`` times, over as many studies as it takes; the sum of what was found."""
    total, made, number, kinds = Verdict("kill -9"), 0, 0, itertools.cycle(range(3))
    while made < count:
        study = Study(folder / f"kills-{number}", EXECUTORS[number % len(EXECUTORS)])
        while made < count and kill(study, dice, next(kinds)):
            made += 1
        total += study.finish(reference)
        number += 1
        print(f"{made:4} kills, {number} studies: {total.problems or 'equal'}", flush=True)
    total.faults = made
    return total


def kill(study: Study, dice: random.Random, kind: int) -> bool:
    """Start or continue a study and kill its process group; False where it ended before that.

    By ``kind`` when there is a checkpoint, a moment after more runs are recorded, or at any time.
    """
    study.begin()
    if kind == 0:
        study.wait_for_checkpoint()
    elif kind == 1:
        study.wait_for_runs(dice.randint(1, 4))
        time.sleep(dice.uniform(0, 0.3))
    else:
        time.sleep(dice.uniform(0, study.usual_seconds))
    return study.send(signal.SIGKILL) and study.wait() == -signal.SIGKILL


def done(verdict: Verdict) -> Verdict:
    """The verdict, which is bad where there was nothing to judge."""
    if not verdict.faults:
        verdict.problems.append("the fault was never done")
    elif verdict.fault in GOES_ON and not verdict.resumed:
        verdict.problems.append("no checkpoint was gone on from")
    return verdict


def tables(words: Sequence[str]) -> Iterator[Verdict]:
    from scripts.torture_faults import FAULTS

    options = parse(words)
    dice = random.Random(options.seed)
    Study.seeds, Study.times = options.seeds, options.times
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        reference = undisturbed(folder / "undisturbed")
        print(f"undisturbed: {len(reference)} runs", flush=True)
        if options.kills:
            yield done(kills(folder, reference, options.kills, dice))
        for name in options.faults:
            begin = time.perf_counter()
            verdict = done(FAULTS[name](folder / name, reference, dice))
            print(f"{verdict.fault}: {time.perf_counter() - begin:.0f} s", flush=True)
            yield verdict


def parse(words: Sequence[str]) -> argparse.Namespace:
    from scripts.torture_faults import FAULTS

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=8, help="of each study's three variants")
    parser.add_argument("--times", type=int, default=5, help="of each other fault")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--csv")
    parser.add_argument("--faults", nargs="*", default=list(FAULTS), choices=list(FAULTS))
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> int:
    words = sys.argv[1:] if words is None else words
    begin, found = time.perf_counter(), list[Verdict]()
    for verdict in tables(words):
        found.append(verdict)
        print("  ".join(f"{value!s:>12}" for value in verdict.row().values()), flush=True)
        write(parse(words).csv, [own.row() for own in found])  # now: it takes long to come by
    bad = [own.fault for own in found if own.problems]
    print(f"torture: {time.perf_counter() - begin:.0f} s, {', '.join(bad) or 'nothing lost'}")
    return 1 if bad else 0


def write(path: str | None, rows: Sequence[dict[str, object]]) -> None:
    """Keep the table of results, where that is asked for."""
    if path:
        with open(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, rows[0], lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())

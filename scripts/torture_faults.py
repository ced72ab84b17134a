"""What else can happen to a study: signals, full disks, clocks that jump, files cut short.

Each function does its harm to studies in ``folder``, continues them and says what it found. Where
this machine does not let it (a small disk of its own needs root), it says so aloud.
"""

import contextlib
import os
import random
import resource
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from scripts.tortured import Study, Table, Verdict


def sigterm(folder: Path, reference: Table, dice: random.Random) -> Verdict:
    """A scheduler that wants its machine back: the study ends by itself, with code 143."""
    total = Verdict("SIGTERM")
    study = Study(folder / "study")
    for number in range(Study.times):
        study.begin()
        study.wait_for_runs(dice.randint(1, 3))
        study.wait_for_checkpoint()
        if study.send(signal.SIGTERM, group=number % 2 == 0):
            begin, code = time.monotonic(), study.wait(30)
            if code not in (143, 0):
                total.problems.append(f"exit code {code} after {time.monotonic() - begin:.0f} s")
            total.faults += code == 143
    return total + study.finish(reference)


def worker_crash(folder: Path, reference: Table, dice: random.Random) -> Verdict:
    """Workers that crash: their cohorts are trained again, and the study knows no failed run."""
    return _harm_workers("worker crashes (SIGSEGV)", folder, reference, dice, signal.SIGSEGV)


def worker_hang(folder: Path, reference: Table, dice: random.Random) -> Verdict:
    """Workers that stand still: ended after the time limit, and trained again."""
    limit = max(3.0, Study.usual_seconds)  # where others compute too, a start takes longer
    words = (f"executor.time_limit={limit:.0f}", "executor.retries=9")
    return _harm_workers("worker hangs", folder, reference, dice, signal.SIGSTOP, *words)


def worker_killed(folder: Path, reference: Table, dice: random.Random) -> Verdict:
    """Workers killed as by a system out of memory: halved, so equal but for rounding."""
    return _harm_workers("worker killed", folder, reference, dice, signal.SIGKILL, rounded=True)


def out_of_memory(folder: Path, reference: Table, dice: random.Random) -> Verdict:
    """Workers that get no more memory for a while: halved, so equal but for rounding."""
    total = Verdict("out of memory")
    study = Study(folder / "study", "processes", "executor.retries=9")
    os.environ["MALLOC_MMAP_THRESHOLD_"] = "4096"  # the workers' tensors come from the system
    try:
        study.begin()
    finally:
        del os.environ["MALLOC_MMAP_THRESHOLD_"]
    for _ in range(Study.times):
        study.wait_for_runs(dice.randint(1, 3))
        if workers := study.workers():
            total.faults += _starve(dice.choice(workers), study)
    if code := study.wait():
        total.problems.append(f"exit code {code}: {study.said()[-1000:]}")
    if not total.faults:
        total.problems.append("no worker noticed")
    return total + study.finish(reference, rounded=True)


def _starve(pid: int, study: Study) -> bool:
    """Let a worker have no new memory until a cohort has failed for it; whether one has."""
    before, deadline = _lost(study), time.monotonic() + 20
    with contextlib.suppress(ProcessLookupError):
        usual = resource.prlimit(pid, resource.RLIMIT_AS, (1 << 20, resource.RLIM_INFINITY))
        while _lost(study) == before and time.monotonic() < deadline and study.alive():
            time.sleep(0.05)
        resource.prlimit(pid, resource.RLIMIT_AS, usual)
    return _lost(study) > before


def _lost(study: Study) -> int:
    return sum(own["event"] == "lost" for own in study.ledger.events())


def _harm_workers(
    name: str,
    folder: Path,
    reference: Table,
    dice: random.Random,
    number: int,
    *words: str,
    rounded: bool = False,
) -> Verdict:
    total = Verdict(name)
    study = Study(folder / "study", "processes", *(words or ("executor.retries=9",)))
    study.begin()
    for _ in range(Study.times):
        study.wait_for_runs(dice.randint(1, 3))
        workers = study.workers()
        if workers:
            os.kill(dice.choice(workers), number)
            total.faults += 1
    if code := study.wait():
        total.problems.append(f"exit code {code}: {study.said()[-1000:]}")
    return total + study.finish(reference, rounded)


def two_controllers(folder: Path, reference: Table, dice: random.Random) -> Verdict:
    """The second is refused; one that waits takes over from the first, which is killed."""
    total = Verdict("two controllers")
    first, second = Study(folder / "study"), Study(folder / "study-2")
    second.folder, second.ledger = first.folder, first.ledger
    for _ in range(Study.times):
        first.begin()
        first.wait_for_runs(1)
        if not first.alive() or not first.send(signal.SIGSTOP):
            break
        second.begin()
        if (code := second.wait()) != 2 or "is in use by process" not in second.said():
            total.problems.append(f"the second ended with code {code}")
        second.begin("study.if_running=wait")
        time.sleep(dice.uniform(0, 2))
        first.send(signal.SIGKILL)
        first.wait()
        second.wait_for_runs(1)
        second.send(signal.SIGKILL)
        second.wait()
        total.faults += 1
    return total + first.finish(reference)


def cut_short(folder: Path, reference: Table, dice: random.Random) -> Verdict:
    """Files that a crash of the machine left truncated, or empty."""
    total = Verdict("truncated files")
    study = Study(folder / "study")
    for _ in range(Study.times):
        study.begin()
        study.wait_for_runs(dice.randint(3, 6))
        study.send(signal.SIGKILL)
        study.wait()
        files = [path for path in study.ledger.folder.rglob("*") if path.is_file()]
        for path in dice.sample(files, min(4, len(files))):
            study.damaged |= {path.stem} if path.parent.name == "runs" else set()
            os.truncate(path, dice.randrange(path.stat().st_size + 1))
            total.faults += 1
    return total + study.finish(reference)


def cut_width(folder: Path, reference: Table, dice: random.Random) -> Verdict:
    """The note of a cohort's width is cut short: measured anew, so equal but for rounding."""
    total = Verdict("truncated width.txt")
    study = Study(folder / "study", "processes", "executor.width=0")
    path = study.ledger.write("width.txt", "2\n")
    for _ in range(Study.times):
        study.begin()
        study.wait_for_runs(1)
        study.send(signal.SIGKILL)
        study.wait()
        os.truncate(path, 0)
        total.faults += 1
    return total + study.finish(reference, rounded=True)


def clock_jumps(folder: Path, reference: Table, dice: random.Random) -> Verdict:
    """A system clock that is set back and forth by up to a day while the study runs."""
    folder.mkdir(parents=True)
    (folder / "sitecustomize.py").write_text(
        "import random, time\n"
        "true, jump = time.time, random.Random(0)\n"
        "time.time = lambda: true() + jump.choice((0, -86400, -3, 3, 86400))\n"
    )
    study, path = Study(folder / "study"), os.environ.get("PYTHONPATH", "")
    os.environ["PYTHONPATH"] = f"{folder}{os.pathsep}{path}"  # the workers'; ours is a fork
    true = time.time
    time.time = lambda: true() + dice.choice((0, -86400, -3, 3, 86400))
    try:
        verdict = Verdict("clock jumps", faults=1) + study.finish(reference)
    finally:
        os.environ["PYTHONPATH"], time.time = path, true
    times = [own.seconds for own in study.ledger.results()]
    if not all(0 <= own < 3600 for own in times):
        verdict.problems.append(f"seconds of a run between {min(times)} and {max(times)}")
    return verdict


def full_disk(folder: Path, reference: Table, dice: random.Random) -> Verdict:
    """A disk that is full after some runs: one line, and everything goes on when there is room."""
    total, study = Verdict("full disk", faults=1), Study(folder / "study")
    if not _mount("-t", "tmpfs", "-o", "size=1100k", "tmpfs", str(study.folder)):
        return total + _skipped()
    try:
        study.begin()
        total += _refused(study)
        _mount("-o", "remount,size=100m", str(study.folder))
        return total + study.finish(reference)
    finally:
        subprocess.run(["umount", "--lazy", str(study.folder)], check=False)


def read_only(folder: Path, reference: Table, dice: random.Random) -> Verdict:
    """A folder that becomes read-only while the study runs."""
    total, study = Verdict("read-only folder", faults=1), Study(folder / "study")
    study.begin()
    study.wait_for_runs(3)
    place = str(study.folder / "outputs")  # covered by itself: what is open stays as it is
    try:
        if not (_mount("--bind", place, place) and _made_read_only(place)):
            study.wait()
            return total + _skipped()
        total += _refused(study)
    finally:
        subprocess.run(["umount", "--lazy", place], capture_output=True, check=False)
    return total + study.finish(reference)


def _made_read_only(place: str) -> bool:
    """Whether a mount became read-only; the system refuses while a file is being written."""
    deadline = time.monotonic() + 20
    while not (there := _mount("-o", "remount,bind,ro", place)) and time.monotonic() < deadline:
        time.sleep(0.001)
    return there


def _refused(study: Study) -> Verdict:
    """What is wrong where a study does not end by itself, with one line and code 2."""
    code, found = study.wait(), Verdict("")
    if code != 2 or "Traceback" in study.said():
        found.problems.append(f"exit code {code}: {study.said()[-1000:]}")
    return found


def _skipped() -> Verdict:
    return Verdict("", problems=["skipped: nothing can be mounted here; run it as root"])


def _mount(*words: str) -> bool:
    return subprocess.run(["mount", *words], capture_output=True, check=False).returncode == 0


FAULTS: dict[str, Callable[[Path, Table, random.Random], Verdict]] = {
    own.__name__: own
    for own in (
        sigterm,
        worker_crash,
        worker_hang,
        worker_killed,
        out_of_memory,
        two_controllers,
        cut_short,
        cut_width,
        clock_jumps,
        full_disk,
        read_only,
    )
}

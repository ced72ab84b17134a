"""Peak memory of this process and all its descendants, sampled from Linux's /proc."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

EVERY = 0.25  # seconds


class Peak:
    """The most that was seen, in MB; memory that processes share counts once."""

    def __init__(self) -> None:
        self.megabytes = 0
        self.over = threading.Event()

    def watch(self, root: int) -> None:
        """Sample until it is over."""
        while not self.over.wait(EVERY):
            self.megabytes = max(self.megabytes, sum(map(proportional, family(root))) >> 10)


@contextmanager
def watched() -> Iterator[Peak]:
    """The peak while a block runs."""
    peak = Peak()
    thread = threading.Thread(target=peak.watch, args=(int(Path("/proc/self").readlink().name),))
    thread.start()
    try:
        yield peak
    finally:
        peak.over.set()
        thread.join()


def family(root: int) -> set[int]:
    """A process and its descendants."""
    parents = dict(filter(None, map(_with_parent, Path("/proc").glob("[0-9]*"))))
    found, more = {root}, {root}
    while more:
        more = {pid for pid, parent in parents.items() if parent in more} - found
        found |= more
    return found


def _with_parent(process: Path) -> tuple[int, int] | None:
    try:
        fields = (process / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None  # it ended meanwhile
    return int(process.name), int(fields[1])


def proportional(pid: int) -> int:
    """Kilobytes that a process holds, its share of what others hold too."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)

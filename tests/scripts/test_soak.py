"""The soak sees what grows, and no more."""

import mmap
import os
import time
from pathlib import Path

from scripts.soak import Sample, problems, sample


def made_up(minute: int, **changed: float) -> Sample:
    """A sample that jitters as a process does, behind a warm-up of ten minutes."""
    warm = min(minute, 10)
    flat = {"rss_mb": 500.0 + warm * 9 + minute % 3, "open_files": 9 + minute % 4, "threads": 4}
    return {"minute": minute, "runs": 100 * minute, "sqlite_mb": minute, **flat, **changed}


def test_what_stays_is_no_problem() -> None:
    assert problems([made_up(minute) for minute in range(60)]) == []


def test_each_leak_is_seen() -> None:
    leaks = {
        "rss_mb": [made_up(minute, rss_mb=500 + minute) for minute in range(60)],
        "open_files": [made_up(minute, open_files=9 + minute // 20) for minute in range(60)],
        "threads": [made_up(minute, threads=4 + minute // 30) for minute in range(60)],
    }
    for name, samples in leaks.items():
        (said,) = problems(samples)
        assert said.startswith(f"{name} grew by ")


def test_a_sample_is_of_this_process(tmp_path: Path) -> None:
    (tmp_path / "outputs/soak/runs").mkdir(parents=True)
    (tmp_path / "outputs/soak/runs/a.json").touch()
    before = sample(tmp_path, time.monotonic())
    handle = os.open(tmp_path, os.O_RDONLY)
    block = mmap.mmap(-1, 64 << 20)  # pages of its own, not those that were freed before
    block[::4096] = b"x" * len(block[::4096])
    after = sample(tmp_path, time.monotonic())
    os.close(handle)
    assert after["open_files"] == before["open_files"] + 1
    assert after["rss_mb"] - before["rss_mb"] > 50
    assert before["runs"] == 1

"""Every kernel compiles, for the oldest devices that it is for, and fits their shared memory."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("triton", reason="Triton is not installed: its kernels are not compiled")

FITS = 99 * 1024  # bytes that a program can have on every device from compute capability 8.0 on


@pytest.mark.slow
def test_kernels_compile(tmp_path: Path):
    environment = {n: v for n, v in os.environ.items() if n != "TRITON_INTERPRET"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.recurrence.compiled", "80"],
        env=environment | {"TRITON_CACHE_DIR": str(tmp_path)},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    shared = dict(line.rsplit(": ", 1) for line in done.stdout.splitlines())
    assert len(shared) == 20
    assert all(int(own) <= FITS for own in shared.values()), shared

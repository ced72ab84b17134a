"""What a step frees stays with the process: the next step fetches no new pages for it."""

import subprocess
import sys

import pytest

KEPT = "from rnn_regexp.allocator import keep_freed_memory; keep_freed_memory()"
FETCHED = """
import ctypes, resource
libc = ctypes.CDLL(None)
libc.malloc.restype, size = ctypes.c_void_p, 20 << 20
def step():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    blocks = [ctypes.c_void_p(libc.malloc(size)) for _ in range(8)]
    for block in blocks:
        ctypes.memset(block, 1, size)
    for block in blocks:
        libc.free(block)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
print([step() for _ in range(4)][-1])
"""


def fetched(code: str) -> int:
    return int(subprocess.check_output([sys.executable, "-c", code], text=True))


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")
def test_what_a_step_frees_the_next_one_takes():
    assert fetched(FETCHED) > 30_000  # of 40,960 pages
    assert fetched(KEPT + FETCHED) < 1000

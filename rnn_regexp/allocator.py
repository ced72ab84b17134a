"""What the process does with memory that it has freed.

A step of training frees what it saved for its gradient, hundreds of megabytes in a wide cohort,
and the next step needs as much.  glibc gives back what is free at the end of its heap, and fetching
and clearing new pages then costs up to a third of the step.
"""

import ctypes
import sys
from functools import cache

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of mallopt(3), in bytes
_KEPT, _SINGLE = 2**31 - 1, 32 << 20  # the most that either may be


@cache
def keep_freed_memory() -> None:
    """Let this process keep up to 2 GiB that it has freed, in blocks of less than 32 MiB.

    Larger blocks still go back one by one.  Without glibc nothing happens.
    """
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(_TRIM_THRESHOLD, _KEPT)
        libc.mallopt(_MMAP_THRESHOLD, _SINGLE)

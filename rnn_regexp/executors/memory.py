"""How much memory may still be taken: of a device, of the machine, of this process's groups.

SLURM, Kubernetes and systemd bound a job by a control group, of version 1 or 2: it ends where it
takes more, whatever else the machine has.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import torch

_PROC, _GROUPS = Path("/proc"), Path("/sys/fs/cgroup")
_NAMES = (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes"))


def free_memory(device: torch.device) -> int:
    """Bytes that are free on a device."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info()[0])
    return min([_of_machine(), *_of_groups()])


def _of_machine() -> int:
    """With what the files that are kept in memory would make room for."""
    found = re.search(r"MemAvailable:\s+(\d+) kB", _read(_PROC / "meminfo"))
    if found:
        return int(found[1]) << 10
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _of_groups() -> Iterator[int]:
    """What each group that this process is in leaves, where it has a bound."""
    for line in _read(_PROC / "self/cgroup").splitlines():
        _, kinds, path = line.split(":", 2)
        if kinds not in ("", "memory"):
            continue
        top = _GROUPS / kinds
        own = top / path.strip("/")
        for group in (own, *own.parents):
            if group.is_relative_to(top):
                yield from _left(group)


def _left(group: Path) -> Iterator[int]:
    for limit, usage in _NAMES:
        bound, used = _read(group / limit).strip(), _read(group / usage).strip()
        if bound.isdigit() and used.isdigit():
            kept = re.search(r"^(?:total_)?inactive_file (\d+)", _read(group / "memory.stat"), re.M)
            yield max(0, int(bound) - int(used) + (int(kept[1]) if kept else 0))


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""

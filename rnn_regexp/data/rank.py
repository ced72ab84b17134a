"""Shuffles without a generator: the same order on every machine and under every hash seed."""

import hashlib
from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

Item = TypeVar("Item")


def rank(*parts: str) -> int:
    """A number in [0, 2**64) that depends on the texts alone and is spread evenly."""
    return int.from_bytes(hashlib.sha256("\0".join(parts).encode()).digest()[:8], "big")


def interleave(
    items: Iterable[Item], key: Callable[[Item], int], group: Callable[[Item], Hashable]
) -> list[Item]:
    """The items ordered by ``key``, each group's first ones before any group's second ones.

    So every prefix holds the groups in equal parts, until the smallest one is used up.
    """
    seen: Counter[Hashable] = Counter()
    placed = []
    for item in sorted(items, key=key):
        placed.append((seen[group(item)], item))
        seen[group(item)] += 1
    return [item for _, item in sorted(placed, key=lambda pair: pair[0])]

"""Where the levels of a factor stand on an axis: numbers at their place, others side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

OFF, LIMITLESS = "off", "none"  # labels: the technique is absent; there is no limit
LEAST_RATIO = 4.0  # between the largest and the smallest number of a logarithmic axis
TWO_APART = 10.0  # the same, where two numbers are all there is


@dataclass(frozen=True)
class Doses:
    """The place of each level, in the levels' order."""

    places: tuple[float, ...]
    joined: tuple[int, ...]  # levels that are numbers on the axis, by rising number
    scale: str  # linear, log or names

    @property
    def breaks(self) -> list[float]:
        """Where the axis is broken: between its numbers and what stands apart."""
        inside = [self.places[i] for i in self.joined]
        apart = [place for place in self.places if place not in inside] if inside else []
        low = [place for place in apart if place < min(inside)]
        high = [place for place in apart if place > max(inside)]
        below = [(max(low) + min(inside)) / 2] if low else []
        return below + ([(min(high) + max(inside)) / 2] if high else [])


def doses(levels: Sequence[str]) -> Doses:
    """Places of the levels; no limit is beyond every number, off and a logarithm's zero below."""
    values = [_value(level) for level in levels]
    known = [value for value in values if value is not None]
    finite = sorted({value for value in known if math.isfinite(value)})
    if len(known) < len(levels) or len(finite) < 2:
        return Doses(tuple(map(float, range(len(levels)))), (), "names")
    log = asks_for_logarithm(finite)
    numbers = [value for value in finite if value > 0 or not log]
    scaled = np.log10(numbers) if log else np.array(numbers, dtype=float)
    step = float(np.median(np.diff(scaled))) if len(scaled) > 1 else 1.0
    below = [value for value in sorted(set(known)) if value < numbers[0]]
    place = dict(zip(numbers, scaled.tolist(), strict=True))
    place |= {value: scaled[0] - step * (len(below) - i) for i, value in enumerate(below)}
    place[math.inf] = scaled[-1] + step
    joined = sorted((i for i in range(len(levels)) if known[i] in numbers), key=lambda i: known[i])
    return Doses(tuple(float(place[v]) for v in known), tuple(joined), "log" if log else "linear")


def asks_for_logarithm(values: Sequence[float]) -> bool:
    """Whether sorted numbers are spread more evenly by ratio than by difference."""
    positive = np.array([value for value in values if value > 0])
    if values[0] < 0 or len(positive) < 2:
        return False
    ratio = positive[-1] / positive[0]
    if len(positive) == 2:
        return bool(ratio >= TWO_APART)
    differences, ratios = np.diff(positive), np.diff(np.log(positive))
    uneven = [gaps.std() / gaps.mean() for gaps in (ratios, differences)]
    return bool(ratio >= LEAST_RATIO and uneven[0] < uneven[1])


def _value(level: str) -> float | None:
    if level in (OFF, LIMITLESS):
        return -math.inf if level == OFF else math.inf
    try:
        value = float(level)
    except ValueError:
        return None
    return value if math.isfinite(value) else None

"""Numbers of the report's own tables."""

import math
from collections.abc import Iterable


def significant(value: float, digits: int = 4) -> str:
    """``0.02134``, ``91.25``; a dash where there is no number."""
    return f"{value:.{digits}g}" if math.isfinite(value) else "-"


def alike(values: Iterable[float]) -> list[str]:
    """Numbers with as many decimals as tell them apart: three digits of their range."""
    values = list(values)
    finite = [value for value in values if math.isfinite(value)]
    spread = (max(finite) - min(finite) or abs(finite[0]) or 1.0) if finite else 1.0
    digits = min(6, max(0, 2 - math.floor(math.log10(spread))))
    return [f"{value:z.{digits}f}" if math.isfinite(value) else "-" for value in values]


def duration(seconds: float) -> str:
    """``42 s``, ``3 min 20 s``, ``2 h 5 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"

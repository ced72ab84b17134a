"""Numbers of the report's own tables."""

import math


def significant(value: float, digits: int = 4) -> str:
    """``0.02134``, ``91.25``; a dash where there is no number."""
    return f"{value:.{digits}g}" if math.isfinite(value) else "-"


def percent(part: float) -> str:
    """A fraction as a whole percentage."""
    return f"{100 * part:.0f} %" if math.isfinite(part) else "-"


def duration(seconds: float) -> str:
    """``42 s``, ``3 min 20 s``, ``2 h 5 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"

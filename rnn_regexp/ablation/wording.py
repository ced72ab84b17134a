"""Numbers and names as a reader meets them: short factor names, sensible digits, sentences."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from rnn_regexp.ablation.contrasts import each
from rnn_regexp.ablation.description import Description
from rnn_regexp.ablation.metrics import MIN, phrase
from rnn_regexp.ablation.verdicts import DIVERGED, HELPS, HURTS, UNDECIDED, kind

if TYPE_CHECKING:
    import pandas as pd

MOST_DECIMALS = 6


def short_names(keys: Sequence[str]) -> dict[str, str]:
    """``regularizers.dropout.rate`` -> ``dropout.rate`` where no other factor is called so."""
    short = {key: ".".join(key.split(".")[-2:]) for key in keys}
    taken = Counter(short.values())
    return {key: name if taken[name] == 1 else key for key, name in short.items()}


def spoken(name: str) -> str:
    """``weight_decay.coefficient`` -> ``weight decay coefficient``."""
    return name.replace(".", " ").replace("_", " ")


def decimals(effects: pd.DataFrame) -> int:
    """Decimals that give the typical half-width of an interval two significant digits."""
    half = ((effects["ci_high"] - effects["ci_low"]) / 2).dropna()
    half = half[half > 0]
    return min(MOST_DECIMALS, _two_digits(float(half.median()) if len(half) else 0.01))


def change(row: Any, digits: int, turned: bool = False) -> tuple[str, str]:
    """Estimate and interval of a contrast: with their sign, or ``turned`` as the size of a loss.

    Takes more than ``digits`` decimals where those would show nothing but zeros.
    """
    sign = -1 if turned else 1
    low, high = sorted((sign * row.ci_low, sign * row.ci_high))
    width = (high - low) / 2 if high > low else abs(row.estimate)
    if 0 < width < 10**-digits:
        digits = _two_digits(width)
    return number(sign * row.estimate, digits), interval(low, high, digits)


def number(value: float, digits: int) -> str:
    """Fixed decimals without a negative zero; a dash where there is no number."""
    if math.isnan(value):
        return "-"
    return f"{value:z.{digits}f}" if digits <= MOST_DECIMALS else f"{value:.1e}"


def signed(text: str) -> str:
    """A number that is written out, with a plus where it is positive."""
    return text if text[0] == "-" or not any(c in "123456789" for c in text) else f"+{text}"


def probability(value: float) -> str:
    """A p-value: three decimals, ``<0.001`` below them, a dash where there is none."""
    return "-" if math.isnan(value) else "<0.001" if value < 0.0005 else f"{value:.3f}"


def interval(low: float, high: float, digits: int) -> str:
    """``[0.10, 0.24]``, or nothing where there is no interval."""
    return "" if math.isnan(low) else f"[{number(low, digits)}, {number(high, digits)}]"


def enumeration(items: Iterable[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    items = list(items)
    return " and ".join(filter(None, [", ".join(items[:-1]), *items[-1:]]))


def _two_digits(width: float) -> int:
    return max(0, 1 - math.floor(math.log10(width)))


def sentence(rows: pd.DataFrame, study: Description, digits: int) -> str:
    """What the levels of one factor do to the primary metric, the clear findings first.

    ``rows`` are the factor's rows of the effects table for that metric.
    """
    clauses = [
        clause
        for name, say in (
            (HELPS, _moves),
            (HURTS, _moves),
            ("same", _same),
            (UNDECIDED, _undecided),
            (DIVERGED, _diverged),
        )
        if (clause := say([r for r in each(rows) if kind(r.verdict) == name], study, digits))
    ]
    text = "; ".join(clauses)
    return f"{text}." if text else "no level to compare."


def headline(effects: pd.DataFrame, study: Description) -> str:
    """Which levels help and which hurt, over all factors."""
    if not study.factors:
        return "The runs differ in nothing but their seed: there is nothing to compare."
    names = short_names([factor.key for factor in study.factors])
    parts = []
    for verb, word in ((HELPS, "better"), (HURTS, "worse")):
        rows = [row for row in each(effects) if row.verdict == verb]
        levels = [f"{spoken(names[row.factor])} {row.level}" for row in rows]
        if levels:
            parts.append(f"{word.capitalize()} than the baseline: {enumeration(levels)}.")
    left = sum(kind(text) == UNDECIDED for text in effects["verdict"])
    if left:
        parts.append(
            f"{left} of {len(effects)} comparisons {'is' if left == 1 else 'are'} undecided."
        )
    return " ".join(parts) or f"None of {len(effects)} comparisons shows a difference."


def _moves(rows: list[Any], study: Description, digits: int) -> str:
    if not rows:
        return ""
    better = rows[0].verdict == HELPS
    falls = better == (study.goal == MIN)
    verb = f"{rows[0].verdict if len(rows) == 1 else rows[0].verdict.removesuffix('s')}"
    sizes = enumeration(" ".join(change(row, digits, turned=not better)) for row in rows)
    levels = enumeration(row.level for row in rows)
    moved = f"{phrase(study.primary)} {'falls' if falls else 'rises'} by {sizes}"
    return f"{levels} {verb}: {moved} against {rows[0].baseline_level}"


def _same(rows: list[Any], study: Description, digits: int) -> str:
    """Levels of equal verdict together: all are within the margin, or all are identical."""
    by_verdict: dict[str, list[Any]] = {}
    for row in rows:
        by_verdict.setdefault(row.verdict, []).append(row)
    return "; ".join(
        f"{enumeration(row.level for row in group)} {'makes' if len(group) == 1 else 'make'}"
        f" {text} against {group[0].baseline_level}"
        for text, group in by_verdict.items()
    )


def _undecided(rows: list[Any], study: Description, digits: int) -> str:
    if not rows:
        return ""
    details = (f"{row.level} {row.verdict.removeprefix(UNDECIDED).strip()}" for row in rows)
    return f"undecided against {rows[0].baseline_level}: {', '.join(details)}"


def _diverged(rows: list[Any], study: Description, digits: int) -> str:
    if not rows:
        return ""
    return f"{enumeration(row.level for row in rows)} diverged in every run"

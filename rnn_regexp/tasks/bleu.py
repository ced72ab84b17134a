"""BLEU by sacrebleu: counts that add up over sentences, and the score of their totals.

Post 2018, A Call for Clarity in Reporting BLEU Scores.  sacrebleu is imported where it is used.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any


def counts(written: Sequence[str], references: Sequence[str]) -> list[int]:
    """n-grams of ``written`` found in their reference, then all (n = 1 to 4), and both lengths."""
    found = _metric().corpus_score(list(written), [list(references)])
    return [*found.counts, *found.totals, found.sys_len, found.ref_len]


def score(totals: Sequence[float]) -> float:
    """Corpus BLEU (0 to 100) of the sums of ``counts`` (10,) over a corpus."""
    found = [round(total) for total in totals]
    metric = _metric()
    scored = metric.compute_bleu(found[:4], found[4:8], *found[8:], metric.smooth_method)
    return float(scored.score)


def signature() -> str:
    """How the score was computed, as papers quote it."""
    counts(["a"], ["a"])  # before, it does not know the number of references
    return str(_metric().get_signature())


@cache
def _metric() -> Any:
    from sacrebleu.metrics.bleu import BLEU

    return BLEU(lowercase=True)

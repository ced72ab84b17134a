"""How much of the variance each factor accounts for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from rnn_regexp.ablation.contrasts import each
from rnn_regexp.ablation.description import Description
from rnn_regexp.ablation.metrics import phrase
from rnn_regexp.ablation.wording import short_names, spoken
from rnn_regexp.report.canvas import BLUE, GREY, INK, Drawing, canvas, drawn
from rnn_regexp.report.document import (
    LEVEL,
    NUMBER,
    Chapter,
    Column,
    Figure,
    Group,
    Row,
    Table,
    Text,
)
from rnn_regexp.report.verdict_table import cut

if TYPE_CHECKING:
    import pandas as pd

MOST_BARS = 20


def variance(shares: pd.DataFrame, study: Description) -> Chapter | None:
    """Bars and a table; None where fewer than two factors share the variance."""
    if len(study.factors) < 2 or shares.empty or not np.isfinite(shares["share"]).any():
        return None
    rows, names = each(shares), _names(shares, study)
    drawing = _drawing(rows, names)
    told = ", ".join(f"{name} {_percent(row.share)}" for row, name in zip(rows, names, strict=True))
    figure = Figure(
        name="variance",
        title="Shares of the variance",
        svg=drawing.svg,
        pdf=drawing.pdf,
        alt=f"Shares of the variance of {phrase(study.primary)}: {told}.",
        caption=f"Share of the variance of {phrase(study.primary)} over all runs that finished,"
        f" with {100 * (1 - study.alpha):g} % bootstrap intervals over seeds. Grey: the seed, and"
        " what neither factors nor pairs of them account for.",
        size="wide",
    )
    about = (
        "A share depends on the levels chosen: a factor tried over a wider range has a larger one."
    )
    return Chapter("Shares of the variance", (Text(about, "note"), figure, _table(rows, names)))


def _names(shares: pd.DataFrame, study: Description) -> list[str]:
    short = short_names([factor.key for factor in study.factors])
    return [
        " × ".join(spoken(short.get(key, key)) for key in (row.factor, row.other) if key)
        for row in each(shares)
    ]


def _drawing(rows: list[Any], names: list[str]) -> Drawing:
    """The largest terms, and always the last two: seed and rest."""
    kept = [*range(len(rows) - 2)[: MOST_BARS - 2], len(rows) - 2, len(rows) - 1]
    with canvas(4.6, 0.6 + 0.24 * len(kept)) as (figure, axes):
        for place, i in enumerate(kept):
            row, residual = rows[i], i >= len(rows) - 2
            axes.barh(-place, row.share, height=0.62, color=GREY if residual else BLUE)
            if math.isfinite(row.share_low):
                ends = (row.share_low, row.share_high)
                axes.plot(ends, (-place, -place), color=INK, linewidth=1.2)
        axes.set_yticks([-place for place in range(len(kept))], [cut(names[i], 30) for i in kept])
        axes.tick_params(axis="y", length=0)
        axes.set_xlim(0, 1)
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
        return drawn(figure)


def _table(rows: list[Any], names: list[str]) -> Table:
    lines = tuple(
        Row(
            (
                name,
                str(row.df),
                _interval(row.share, row.share_low, row.share_high),
                _interval(row.omega2, row.omega2_low, row.omega2_high),
            )
        )
        for row, name in zip(rows, names, strict=True)
    )
    heads = ("df", "share [interval]", "without what chance alone gives")
    columns = (Column("source", LEVEL), *(Column(head, NUMBER) for head in heads))
    return Table("variance", "Shares of the variance, type II", columns, (Group("", lines),))


def _interval(share: float, low: float, high: float) -> str:
    ends = f" [{100 * low:.0f}, {100 * high:.0f}]" if math.isfinite(low) else ""
    return f"{_percent(share)}{ends}" if math.isfinite(share) else "-"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if math.isfinite(share) else "unknown"

"""Drawings in the report's style, as SVG that stands inside a page and as PDF for print.

Text stays text; colours are told apart by everyone, and shapes say the same again.
"""

from __future__ import annotations

import io
import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito (2008): distinct with any colour vision.
BLUE, VERMILLION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
SKY, ORANGE = "#56B4E9", "#E69F00"
INK, GREY, LIGHT = "#1A1A1A", "#6B6B6B", "#BDBDBD"
SERIES = (INK, BLUE, VERMILLION, GREEN, PURPLE, SKY, ORANGE)
PANEL = (4.0, 2.6)  # inches; two stand side by side, one fills a phone
# Goes with a paper's text, and is embedded three times as fast as DejaVu, whose tables are large.
PRINTED = ["STIXGeneral", "DejaVu Sans"]
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "rnn_regexp",
    "pdf.fonttype": 42,  # outlines that every publisher takes
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "axes.edgecolor": GREY,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.w_pad": 0.1,
}


@dataclass(frozen=True)
class Drawing:
    """A finished drawing."""

    svg: str  # an ``<svg>`` element without prolog, metadata and ids that pages repeat
    pdf: bytes


@contextmanager
def sheet(width: float, height: float) -> Iterator[Figure]:
    """An empty figure in the report's style; leaves the program's own style as it was."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with rc_context(STYLE), warnings.catch_warnings():
        # The viewer's fonts draw the text; the one named here only measures it.
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        figure = Figure(figsize=(width, height))
        FigureCanvasSVG(figure)
        yield figure


@contextmanager
def canvas(width: float, height: float) -> Iterator[tuple[Figure, Axes]]:
    """A figure of one axes."""
    with sheet(width, height) as figure:
        yield figure, figure.add_subplot()


def drawn(figure: Figure) -> Drawing:
    """The figure in both formats; the same figure gives the same bytes."""
    from matplotlib import rc_context

    text, pages = io.StringIO(), io.BytesIO()
    nothing: dict[str, Any] = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(text, format="svg", metadata=nothing, transparent=True)
    figure.set_layout_engine("none")  # the places are found
    # It tells of every table of a font that it cuts down, and Hydra shows what is told.
    logging.getLogger("fontTools").setLevel(logging.WARNING)
    with rc_context({"font.sans-serif": PRINTED}):
        figure.savefig(pages, format="pdf", metadata={"CreationDate": None})
    return Drawing(_element(text.getvalue()), pages.getvalue())


def _element(text: str) -> str:
    element = text[text.index("<svg") :]
    element = re.sub(r'<g id="[^"]*"', "<g", element)
    element = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", element, count=1)
    return re.sub(r'(<svg[^>]*?) height="[^"]*"', r'\1 aria-hidden="true"', element, count=1)


def standalone(svg: str, title: str, words: str) -> str:
    """A drawing as a file of its own: with its size, and with words for who does not see it."""
    width, height = re.findall(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)[0]
    size = f' width="{width}pt" height="{height}pt" role="img"'
    told = f"<title>{escape(title)}</title><desc>{escape(words)}</desc>"
    head, _, rest = svg.partition(">")
    head = head.replace(' aria-hidden="true"', size)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{head}>{told}{rest}'

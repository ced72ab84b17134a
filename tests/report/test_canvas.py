"""Drawings in both formats."""

import logging

import pytest

from rnn_regexp.report.canvas import Drawing, canvas, drawn


def drawing() -> Drawing:
    with canvas(2, 1) as (figure, axes):
        axes.set_title("a title")
        axes.plot([0, 1], [1, 0])
        return drawn(figure)


def test_the_same_figure_gives_the_same_bytes():
    assert drawing() == drawing()
    assert drawing().pdf.startswith(b"%PDF")
    assert "a title" in drawing().svg


def test_nothing_is_told_while_fonts_are_embedded(caplog: pytest.LogCaptureFixture):
    logging.getLogger("fontTools").setLevel(logging.NOTSET)
    with caplog.at_level(logging.INFO):
        drawing()
    assert caplog.records == []

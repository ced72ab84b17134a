"""Drawings, and what making them leaves behind."""

import logging

import pytest

from rnn_regexp.report.canvas import canvas, drawn


def test_drawing_says_nothing_where_a_program_listens(caplog: pytest.LogCaptureFixture) -> None:
    """Hydra shows the user whatever is logged as information."""
    with caplog.at_level(logging.INFO), canvas(2, 2) as (figure, axes):
        axes.set_title("a word")
        assert drawn(figure).pdf.startswith(b"%PDF")
    assert [own.getMessage() for own in caplog.records] == []

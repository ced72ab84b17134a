"""A benchmark's rows are printed when they are there and stand in its CSV file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts import table


def test_named_rows_are_printed_one_by_one(capsys: pytest.CaptureFixture[str]):
    def rows() -> Iterator[dict[str, object]]:
        yield {"model": "GRU", "ms": 1.5}
        assert capsys.readouterr().out == "model GRU, ms 1.5\n"
        yield {"model": "LSTM", "ms": 2}

    assert table.named(rows()) == [["model", "ms"], ["GRU", 1.5], ["LSTM", 2]]
    assert capsys.readouterr().out == "model LSTM, ms 2\n"
    assert table.named([]) == []


def test_rows_are_printed_in_columns(capsys: pytest.CaptureFixture[str]):
    rows = [("cell", "ms"), ("gru", 0.25)]
    assert table.aligned(iter(rows), 6) == rows
    assert capsys.readouterr().out == "  cell    ms\n   gru  0.25\n"


def test_a_file_holds_a_note_and_all_rows(tmp_path: Path):
    path = tmp_path / "table.csv"
    table.write(str(path), [("what", "figure"), ("a, b", 1.5)])
    assert path.read_bytes() == b'what,figure\n"a, b",1.5\n'
    table.write(path, [("what",)], note="a machine, 2 cores")
    assert path.read_bytes() == b"# a machine, 2 cores\nwhat\n"
    table.write(None, [("what",)])

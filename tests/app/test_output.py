"""Output that nobody reads any more."""

import os
from pathlib import Path

import pytest

from rnn_regexp.app.output import lasting


def test_a_stream_is_silent_once_its_reader_has_left() -> None:
    ours, theirs = os.pipe()
    with os.fdopen(theirs, "w") as raw:
        stream = lasting(raw)
        print("first", file=stream, flush=True)
        assert os.read(ours, 100) == b"first\n"
        os.close(ours)
        for _ in range(3):
            print("second", file=stream, flush=True)
        assert stream.fileno() == raw.fileno()
        assert not stream.isatty()


def test_a_terminal_that_is_gone_is_a_reader_that_left() -> None:
    ours, theirs = os.openpty()
    with os.fdopen(theirs, "w") as raw:
        os.close(ours)
        print("anyone?", file=lasting(raw), flush=True)


def test_a_full_disk_is_no_reader_that_left() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with pytest.raises(OSError, match="No space left"), Path("/dev/full").open("w") as raw:
        print("kept?", file=lasting(raw), flush=True)

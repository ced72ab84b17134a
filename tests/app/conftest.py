import logging
import os
from pathlib import Path

import pytest

from rnn_regexp.app import main


class Shell:
    """Runs commands in this process, in a folder of their own."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    def __call__(self, *words: str) -> tuple[int, str, str]:
        """Exit code, standard output, standard error."""
        self.capsys.readouterr()
        loggers = [logging.getLogger(name) for name in (None, "hydra")]
        before = [list(logger.handlers) for logger in loggers]
        code = main(list(words))
        for logger, handlers in zip(loggers, before, strict=True):
            logger.handlers = handlers  # Hydra's write to this test's output
        out, err = self.capsys.readouterr()
        return code, out, err


@pytest.fixture
def shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["rnn-regexp"])
    monkeypatch.setenv("COLUMNS", os.environ.get("COLUMNS", "100"))
    return Shell(capsys)

"""The made-up studies: one factor at a time as in ``tests.ablation``, and a factorial one."""

import io
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from rnn_regexp.ablation.runs_table import StudyRuns, read_study
from tests.ablation.conftest import made_up, make_study, written_study
from tests.report.made_up import write_factorial

__all__ = ["made_up", "make_study", "written_study"]


@pytest.fixture(scope="session")
def factorial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the factorial study; not to be changed."""
    return write_factorial(tmp_path_factory.mktemp("studies") / "together")


@pytest.fixture(scope="session")
def factorial_runs(factorial: Path) -> StudyRuns:
    return read_study(factorial)


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Saves no time on what a test looks at, and much on what it does not: the drawings."""

    def save(self: Figure, file: io.IOBase, format: str, **_: object) -> None:
        svg = '<svg width="1pt" height="1pt" viewBox="0 0 1 1"></svg>'
        file.write(svg if format == "svg" else b"%PDF")

    monkeypatch.setattr(Figure, "savefig", save)

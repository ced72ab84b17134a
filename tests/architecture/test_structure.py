"""``scripts/check_structure.py`` accepts this repository and refuses each fault it knows."""

import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
LONG_FUNCTION = "def long():\n" + "    print()\n" * 50


def check(root: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(REPOSITORY / "scripts/check_structure.py"), str(root)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_this_repository_has_the_shape():
    result = check(REPOSITORY)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("name", "source", "fault"),
    [
        ("rnn_regexp/a.py", LONG_FUNCTION, "rnn_regexp/a.py:1: long has 51 lines, allowed are 50"),
        ("rnn_regexp/a.py", "x = 1\n" * 301, "rnn_regexp/a.py: 301 lines, allowed are 300"),
        ("rnn_regexp/a/b/c.py", "", "rnn_regexp/a/b/c.py: a module stands at most one folder"),
        ("rnn_regexp/a/utils.py", "", "named after its concept, not 'utils'"),
        ("hydra_plugins/__init__.py", "", "shared with other Hydra plugins"),
        ("scripts/a.py", "def f():\n" + "    print()\n" * 10, "median function: 11 lines"),
    ],
)
def test_refuses(tmp_path: Path, name: str, source: str, fault: str):
    path = tmp_path / name
    path.parent.mkdir(parents=True)
    path.write_text(source)
    result = check(tmp_path)
    assert result.returncode == 1
    assert fault in result.stdout


def test_accepts_what_stays_within_the_limits(tmp_path: Path):
    path = tmp_path / "rnn_regexp/room/concept.py"
    path.parent.mkdir(parents=True)
    path.write_text("def f():\n" + "    print()\n" * 9 + "x = 1\n" * 290)
    assert check(tmp_path).returncode == 0

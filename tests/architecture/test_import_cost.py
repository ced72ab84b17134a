"""What is asked for often starts without the heavy libraries it does not need."""

import re
import subprocess
import sys

import pytest

HEAVY = {"torch", "mlflow", "pandas", "scipy", "matplotlib"}


def loaded_by(*arguments: str) -> set[str]:
    """Top-level modules that ``python ARGUMENTS`` imports."""
    command = [sys.executable, "-X", "importtime", *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[-300:]
    return set(re.findall(r"\| +(\w+)$", result.stderr, re.MULTILINE))


@pytest.mark.parametrize(
    ("arguments", "unwanted"),
    [
        (("-c", "import rnn_regexp"), HEAVY | {"hydra"}),
        (("-c", "import hydra_plugins.rnn_regexp"), HEAVY),
        (("-m", "rnn_regexp", "--help"), HEAVY),
        (("-c", "import rnn_regexp.ablation.design"), {"torch", "mlflow", "hydra"}),
        (("-c", "import rnn_regexp.ablation.statistics"), {"torch", "mlflow", "hydra"}),
        (("-c", "import rnn_regexp.report.write"), {"torch", "mlflow", "hydra"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_does_not_load(arguments: tuple[str, ...], unwanted: set[str]):
    assert loaded_by(*arguments) & unwanted == set()


def test_a_loaded_library_is_seen():
    assert "torch" in loaded_by("-c", "import rnn_regexp.noise")

"""The contracts of import-linter hold, and each breaks when a forbidden import is planted."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
LINT = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"


def lint(root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", LINT], cwd=root, capture_output=True, text=True, check=False
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The packages and their contracts, free to be spoilt."""
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    for package in ("rnn_regexp", "hydra_plugins"):
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(REPOSITORY / package, tmp_path / package, ignore=ignore)
    return tmp_path


def test_contracts_are_kept():
    result = lint(REPOSITORY)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("module", "planted", "contract"),
    [
        ("fields.py", "import rnn_regexp.ledger", "A module imports only from"),
        ("ledger.py", "def f():\n    import rnn_regexp.tracking", "A module imports only from"),
        ("__main__.py", "import hydra_plugins.rnn_regexp", "The package does not know"),
        ("tracking/store.py", "import omegaconf", "Hydra and OmegaConf stay"),
        ("training/loop.py", "def f():\n    import mlflow.tracking", "MLflow stays"),
        ("data/table.py", "import pandas", "pandas and SciPy stay"),
        ("data/digits.py", "from torchtext.data import utils", "torchtext stays"),
        ("data/text.py", "import sklearn.datasets", "scikit-learn stays"),
        ("ablation/statistics.py", "def f():\n    import torch", "start without torch"),
        ("report/section.py", "import rnn_regexp.noise", "start without torch"),
    ],
)
def test_planted_import_breaks_its_contract(copy: Path, module: str, planted: str, contract: str):
    path = copy / "rnn_regexp" / module
    path.write_text(f"{path.read_text()}\n\n{planted}\n")
    result = lint(copy)
    assert result.returncode == 1
    broken = [line for line in result.stdout.splitlines() if "BROKEN" in line]
    assert [contract in line for line in broken] == [True]


def test_a_new_module_must_be_given_a_floor(copy: Path):
    (copy / "rnn_regexp/attic.py").touch()
    result = lint(copy)
    assert result.returncode == 1
    assert "rnn_regexp.attic" in result.stdout

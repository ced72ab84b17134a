"""The built wheel, installed in an environment of its own, ablates in an empty directory."""

import os
import site
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
OUTPUTS = ("study.yaml", "plan.csv", "runs.csv", "effects.csv", "report.html", "report.tex")

pytestmark = pytest.mark.slow


def run(*command: str | Path, cwd: Path) -> str:
    words = [str(word) for word in command]
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    result = subprocess.run(words, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    return result.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built by way of the source distribution: both hold all that is needed."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, cwd=REPOSITORY)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ``bin`` folder of a new environment: the wheel, and this one's libraries behind it."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    run(
        *(sys.executable, "-m", "pip", "--python", folder / "bin/python"),
        *("install", "-qq", "--no-deps", "--no-index", wheel),
        cwd=folder,
    )
    # A plain path line, unlike site.addsitedir, leaves the .pth files over there unread, and with
    # them the editable installation of this repository.
    libraries = next(folder.glob("lib/python*/site-packages")) / "libraries.pth"
    libraries.write_text("\n".join(site.getsitepackages()))
    return folder / "bin"


def test_every_configuration_file_travels(wheel: Path):
    shipped = set(zipfile.ZipFile(wheel).namelist())
    conf = {path.relative_to(REPOSITORY) for path in (REPOSITORY / "conf").rglob("*.yaml")}
    assert conf
    assert {f"rnn_regexp/{path.as_posix()}" for path in conf} <= shipped
    assert "hydra_plugins/rnn_regexp/__init__.py" in shipped
    assert "hydra_plugins/__init__.py" not in shipped


def test_wheel_ablates_in_an_empty_directory(environment: Path, tmp_path: Path):
    where = (
        "import rnn_regexp, hydra_plugins.rnn_regexp as p; print(rnn_regexp.__file__, p.__file__)"
    )
    imported = run(environment / "python", "-c", where, cwd=tmp_path).split()
    assert [Path(path).is_relative_to(environment.parent) for path in imported] == [True, True]

    words = ("ablate", "study=four_knobs", "training=smoke")
    run(environment / "rnn-regexp", *words, cwd=tmp_path)
    written = tmp_path / "outputs/four_knobs"
    assert {name for name in OUTPUTS if (written / name).stat().st_size} == set(OUTPUTS)

"""Nothing that is read can run code: no pickle, no eval, no loader that would build objects."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from rnn_regexp.ablation.runs_table import read_study
from rnn_regexp.app import main
from rnn_regexp.errors import BadInput

REPOSITORY = Path(__file__).parents[2]
MODULES = {
    "pickle",
    "cPickle",
    "dill",
    "cloudpickle",
    "shelve",
    "marshal",
    "joblib",
    "importlib.abc",
}
CALLS = {"eval", "exec", "compile", "__import__"}
LOADERS = {
    ("torch", "load"),
    ("torch", "save"),
    ("yaml", "load"),
    ("yaml", "unsafe_load"),
    ("yaml", "full_load"),
    ("np", "load"),
    ("numpy", "load"),
    ("pandas", "read_pickle"),
    ("pd", "read_pickle"),
    ("utils", "instantiate"),
    ("hydra", "instantiate"),
}


def faults(source: str) -> Iterator[str]:
    """What a module does that could run what it reads."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (own.name for own in node.names if own.name in MODULES)
        if isinstance(node, ast.ImportFrom) and node.module in MODULES:
            yield node.module
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield from {node.func.id} & CALLS
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            pair = (node.value.id, node.attr)
            yield from {".".join(pair)} if pair in LOADERS else ()


def test_the_sources_have_none_of_them() -> None:
    files = [
        own
        for room in ("rnn_regexp", "hydra_plugins")
        for own in REPOSITORY.glob(f"{room}/**/*.py")
    ]
    assert len(files) > 200
    found = {str(own): [*faults(own.read_text(encoding="utf-8"))] for own in files}
    assert {name: own for name, own in found.items() if own} == {}


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from joblib import load",
        "eval(text)",
        "torch.load(path)",
        "yaml.load(text)",
    ],
)
def test_each_of_them_would_be_seen(source: str) -> None:
    assert [*faults(source)]


def test_a_study_file_that_names_code_is_refused(tmp_path: Path) -> None:
    folder, witness = tmp_path / "study", tmp_path / "witness"
    (folder / "runs").mkdir(parents=True)
    (folder / "runs/a.json").write_text(
        '{"run_id": "a", "seed": 0, "status": "finished", "experiment": {}}'
    )
    (folder / "plan.csv").write_text("run_id,variant,seed\na,baseline,0\n")
    (folder / "study.yaml").write_text(f"name: !!python/object/apply:os.mkdir [{witness}]\n")
    with pytest.raises(BadInput, match="could not determine a constructor"):
        read_study(folder)
    assert not witness.exists()


def test_a_choice_of_the_users_that_names_code_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["rnn-regexp"])
    (tmp_path / "mine/model").mkdir(parents=True)
    witness = tmp_path / "witness"
    choice = {
        "defaults": ["/schema/model/gru@_here_", "_self_"],
        "_target_": "os.mkdir",
        "path": str(witness),
    }
    (tmp_path / "mine/model/evil.yaml").write_text(yaml.safe_dump(choice))
    assert main(["train", "--config-dir", "mine", "model=evil"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert "_target_" in said or "path" in said
    assert not witness.exists()

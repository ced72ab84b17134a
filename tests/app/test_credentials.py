"""A password in an address is refused before anything repeats it: on the terminal or in a file."""

from pathlib import Path

import pytest

PASSWORD = "s3cret"
ADDRESS = f"http://me:{PASSWORD}@127.0.0.1:9"
SERVER = ("dataset=digits", "training=smoke", "model.hidden=4", "tracking=server")
FACTOR = "+study.factors.rate={key: regularizers.dropout.rate, levels: [0, 0.5]}"
STUDY = ("ablate", FACTOR, "study.name=s", "study.seeds=1", *SERVER)
COMMANDS = {
    "train": ("train", *SERVER),
    "multirun": ("train", "-m", "seed=0,1", *SERVER),
    "ablate": STUDY,
    "plan_only": (*STUDY, "study.plan_only=true"),
    "shown": ("train", "--cfg", "job", *SERVER),
}
SPELLED = {
    "plain": f"tracking.uri={ADDRESS}",
    "swept": f"tracking.uri=http://127.0.0.1:9,{ADDRESS}",
    "first": f"tracking.uri={ADDRESS},http://127.0.0.1:9",
    "escaped": f"tracking.uri=http\\://me\\:{PASSWORD}@127.0.0.1\\:9",
    "with a slash": f"tracking.uri=http://me:{PASSWORD}/word@127.0.0.1:9",
    "in the query": f"tracking.uri=postgresql://127.0.0.1/mlflow?user=me&password={PASSWORD}",
    "from the environment": "tracking.uri=${oc.env:OURS}",
    "not to be read": f"tracking.uri=[{ADDRESS}",
    "of another key": f"tracking.url={ADDRESS}",
}


@pytest.fixture(autouse=True)
def _variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OURS", ADDRESS)


def refused(ended: tuple[int, str, str], key: str, folder: Path) -> None:
    code, out, err = ended
    assert (code, out) == (2, "")
    assert err.startswith(f"error: {key} carries a name or password, which would stand in")
    assert err.count("\n") == 1
    assert PASSWORD not in err
    assert not list(folder.iterdir())


@pytest.mark.parametrize("spelled", SPELLED)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_password_on_the_command_line(command: str, spelled: str, shell, tmp_path: Path) -> None:
    word = SPELLED[spelled]
    refused(shell(*COMMANDS[command], word), word.partition("=")[0], tmp_path)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_password_in_a_file_of_the_users(
    command: str, shell, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("mine") / "tracking/shared.yaml"
    file.parent.mkdir()
    schema = "defaults: [/schema/tracking/server@_here_, _self_]"
    file.write_text(f"{schema}\nuri: {ADDRESS}\n")
    first, *words = COMMANDS[command]
    rest = [word for word in words if word != "tracking=server"]
    mine = ("--config-dir", str(file.parents[1]), *rest, "tracking=shared")
    refused(shell(first, *mine), "tracking.uri", tmp_path)


def test_words_that_cannot_be_told_apart_are_not_repeated(shell, tmp_path: Path) -> None:
    """What stands behind Hydra's options would be listed as unrecognized."""
    words = ("train", "seed=0", "--config-dir", str(tmp_path), f"tracking.uri={ADDRESS}")
    refused(shell(*words), "tracking.uri", tmp_path)

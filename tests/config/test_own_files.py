"""A user's YAML that cannot be read is refused at once, in one line that names the file."""

import time
from pathlib import Path

import pytest

from rnn_regexp.config import CONF, ConfigError
from rnn_regexp.config.overrides import Places, check
from rnn_regexp.config.own_files import refuse_unreadable

BOMB = "a: &a [x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefghi", "bcdefghij", strict=True)
)
FAULTS = {
    BOMB: "*a: aliases are not read; ${...} refers to a value (line 2)",
    "a: &a [*a]": "*a: aliases are not read; ${...} refers to a value (line 1)",
    "a: " + "[" * 3000: "nested more than 50 levels deep (line 1)",
    "!!set {}": "expected keys and values",
    "a: [": "not valid YAML: expected the node content, but found '<stream end>' (line 1)",
    "a: 1\na: 2": "not valid YAML: found duplicate key a (line 2)",
    "? [a]": "not valid YAML: found unhashable key (line 1)",
    "a: !!python/name:os.system": "not valid YAML: could not determine a constructor for the tag"
    " 'tag:yaml.org,2002:python/name:os.system' (line 1)",
    "a: " + "1" * 5000: "not valid YAML: Exceeds the limit (4300 digits)",
    "a: \0": "not valid YAML: unacceptable character #x0000",
}


def mine(folder: Path, text: str) -> Path:
    path = folder / "mine/study/own.yaml"
    path.parent.mkdir(parents=True)
    path.write_bytes(text.encode("latin-1"))
    return path


def refusal(folder: Path) -> str:
    with pytest.raises(ConfigError) as found:
        refuse_unreadable(folder, ["study"])
    return str(found.value)


@pytest.mark.parametrize("text", FAULTS, ids=lambda text: text[:12])
def test_what_cannot_be_read_is_one_line_with_the_file(text: str, tmp_path: Path) -> None:
    path, start = mine(tmp_path, text), time.process_time()
    said = refusal(tmp_path / "mine")
    assert said.startswith(f"{path}: {FAULTS[text]}")
    assert "\n" not in said
    assert time.process_time() - start < 1  # whatever it stands for


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = mine(tmp_path, "\xff")
    assert refusal(tmp_path / "mine").startswith(f"{path}: not valid YAML: 'utf-8' codec can't")


def test_an_anchor_that_nothing_refers_to_and_a_folder_of_no_group_are_no_fault(
    tmp_path: Path,
) -> None:
    mine(tmp_path, "a: &a 1\n---\n"[:7])
    (tmp_path / "mine/notes").mkdir()
    (tmp_path / "mine/notes/own.yaml").write_text(BOMB)
    refuse_unreadable(tmp_path / "mine", Places().groups())


def test_what_hydra_takes_for_sound_and_breaks_on(tmp_path: Path) -> None:
    lines = ["defaults:", "  - override /regularizers: [dropout]", "  - a word /optimizer: adam"]
    path = mine(tmp_path, "# @package _global_\n" + "\n".join(lines))
    refuse_unreadable(tmp_path / "mine", ["study"])
    with pytest.raises(ConfigError) as found:
        check(["study=own"], Places((path.parents[1],)), False)
    assert str(found.value).startswith("study=own: Hydra cannot compose this with")
    assert "\n" not in str(found.value)


def test_what_ships_is_read() -> None:
    refuse_unreadable(CONF, Places().groups())

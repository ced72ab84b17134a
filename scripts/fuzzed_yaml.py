"""What ``fuzz`` feeds to the reader of a user's own YAML files: studies, aliases, and nonsense."""

import itertools
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from rnn_regexp.ablation.stages import make_plan
from rnn_regexp.commands.ablate import check as check_study
from rnn_regexp.commands.width import ANY
from rnn_regexp.config import CONF, to_config
from rnn_regexp.config.overrides import Places, check
from rnn_regexp.config.own_files import refuse_unreadable
from rnn_regexp.config.resolve import Resolver, read
from rnn_regexp.experiment import metrics_of

WORDS = ["dataset=digits", "model.hidden=4", "study=own"]
SOUND = "factors:\n  rate: {key: optimizer.lr, levels: [1e-3, 1e-2], baseline: 1e-3}\nseeds: 3\n"
LETTERS = "abel &*:-[]{},?!|>'\"%@`#<\\\n\t09.~$ü"
ODD = (
    "&a [x]",
    "*a",
    "&a [*a]",
    "&b [*a, *a, *a, *a]",
    "<<: *a",
    "!!python/object:os.system x",
    "!!int x",
    "!!set {a}",
    "!!binary ?",
    "1" * 5000,
    "[" * 3000,
    "{a: " * 300,
    "${study}",
    "${",
    "???",
    "{key: optimizer.lr, levels: [1e-3, 1e-2]}",
    "{start: 3, stop: verdict}",
    "null",
    "9e999",
    "0x",
    "99:99",
    "2020-13-45",
)


def own_yaml() -> st.SearchStrategy[bytes]:
    """Studies with lines and letters of another's, lines of YAML, and bytes."""
    ships = [own.read_text(encoding="utf-8") for own in sorted(CONF.glob("study/*.yaml"))]
    whole = st.sampled_from(ships) | st.just(SOUND)
    key = st.sampled_from("name factors seeds design metric compare nuisance defaults a b".split())
    value = st.sampled_from(ODD) | st.text(LETTERS, max_size=8)
    line = st.builds("{}: {}".format, key, value) | st.builds("  {}: {}".format, key, value) | value
    lines = st.lists(line, max_size=6).map("\n".join)
    place = st.integers(0, 400)
    changed = st.builds(_changed, whole, place, value | line, st.integers(0, 9))
    own = whole | changed | lines.map(SOUND.__add__)
    return (own | lines | st.just(bomb())).map(str.encode) | st.binary(max_size=40)


def _changed(text: str, place: int, put: str, left_out: int) -> str:
    return text[:place] + put + text[place + left_out :]


def bomb() -> str:
    """Nine levels of aliases: 400 million values."""
    names = itertools.pairwise("abcdefghij")
    lines = [f"{own}: &{own} [{', '.join([f'*{other}'] * 9)}]" for other, own in names]
    return "\n".join(["a: &a [x]", *lines])


def read_own_yaml(folder: Path, content: bytes) -> None:
    """As ``ablate --config-dir mine study=own study.plan_only=true`` does."""
    mine = folder / "mine"
    (mine / "study").mkdir(parents=True, exist_ok=True)
    (mine / "study/own.yaml").write_bytes(content)
    refuse_unreadable(mine, ["study"])
    places: Any = Places((mine,))
    study, resolve = to_config(check(WORDS, places, False)[0]).study, Resolver(WORDS, places)
    check_study(study, metrics_of(resolve({})))
    make_plan(study, resolve, read, ANY)

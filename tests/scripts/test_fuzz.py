"""Random input is accepted or refused with a line; a fuzzer that sees neither says so."""

import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import strategies as st

from rnn_regexp.errors import BadInput
from scripts import fuzz, fuzz_guided


@pytest.mark.slow
def test_what_users_type_and_store_is_never_answered_with_a_traceback() -> None:
    found = list(fuzz.tallies(list(fuzz.SHARES), inputs=400, number=7))
    assert [own.defects for own in found] == [0] * len(fuzz.SHARES)
    assert {own.target for own in found if not own.accepted} == set()
    assert {own.target for own in found if not own.refused} == {"events"}


def _fails(value: int) -> None:
    raise KeyError(value)


def _says_nothing(value: int) -> None:
    raise BadInput(" ")


def _hangs(value: int) -> None:
    time.sleep(60)


@pytest.mark.parametrize("reads", [_fails, _says_nothing, _hangs])
def test_the_fuzzer_sees_what_is_neither(
    reads: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(fuzz, "LONGEST", 1)
    tally = fuzz.fuzz("numbers", st.just(7), reads, 1, 0)
    assert tally.defects == 1
    assert "numbers: 7" in capsys.readouterr().err


@pytest.mark.parametrize(("reads", "defects"), [(_fails, 1), (abs, 0)])
def test_the_guided_fuzzer_sees_it_too(
    reads: Callable[[int], None], defects: int, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("atheris", reason="atheris is not installed")
    corpus = fuzz_guided.seeds(tmp_path / "corpus", random.Random(0))
    target = (st.integers(0, 9), reads)
    found = fuzz_guided.fuzz("numbers", target, 0.5, corpus, tmp_path / "found.json")
    assert found["defects"] == defects
    assert ("KeyError" in capfd.readouterr().err) == bool(defects)


def test_without_atheris_it_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "atheris", None)
    monkeypatch.setattr(sys, "argv", ["fuzz_guided"])
    with pytest.raises(SystemExit, match="needs the package atheris"):
        fuzz_guided.main()

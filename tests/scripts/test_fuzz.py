"""Random input is accepted or refused with a line; a fuzzer that sees neither says so."""

import time
from collections.abc import Callable

import pytest
from hypothesis import strategies as st

from rnn_regexp.errors import BadInput
from scripts import fuzz


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

"""Signals that ask to end: the first is answered, the second Ctrl-C ends at once."""

import os
import signal

import pytest

from rnn_regexp.interruption import ENDING, Terminated, gently, terminable

pytestmark = pytest.mark.usefixtures("listening")


def handlers() -> list[object]:
    return [signal.getsignal(own) for own in ENDING]


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_the_first_signal_is_an_exception_with_its_exit_code(number: int, code: int) -> None:
    before = handlers()
    with pytest.raises(Terminated) as end, terminable():
        os.kill(os.getpid(), number)
    assert end.value.exit_code == code
    assert handlers() == before


@pytest.mark.parametrize("number", ENDING)
def test_a_block_comes_to_its_end_before_the_signal_is_answered(number: int) -> None:
    steps: list[str] = []

    def work() -> None:
        with gently(lambda: steps.append("asked")) as asked:
            os.kill(os.getpid(), number)
            assert asked == [number]
            steps.append("done")
        steps.append("too far")

    with pytest.raises(Terminated) as end, terminable():
        work()
    assert steps == ["asked", "done"]
    assert end.value.exit_code == 128 + number


@pytest.mark.parametrize("first", ENDING)
def test_a_second_ctrl_c_ends_at_once_and_other_signals_do_not(first: int) -> None:
    steps: list[str] = []

    def work() -> None:
        with gently() as asked:
            for number in (first, signal.SIGTERM, signal.SIGHUP):
                os.kill(os.getpid(), number)
            steps.append("going on")
            assert asked == [first]
            os.kill(os.getpid(), signal.SIGINT)
            steps.append("too far")

    with pytest.raises(KeyboardInterrupt), terminable():
        work()
    assert steps == ["going on"]


def test_what_nohup_ignores_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with terminable(), gently() as asked:
            os.kill(os.getpid(), signal.SIGHUP)
        assert asked == []
    finally:
        signal.signal(signal.SIGHUP, before)

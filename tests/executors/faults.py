"""Runs that break on purpose, so many times, in whichever process trains them."""

import ctypes
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from rnn_regexp.data.sequences import Dataset, SequenceData
from rnn_regexp.fields import per_run, volatile
from rnn_regexp.training.schedules import Constant, Moment
from tests.training.tiny import sentences


def segfault() -> None:
    ctypes.string_at(0)


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def hang() -> None:
    time.sleep(600)


def part() -> None:
    """Close all pipes and live on."""
    os.closerange(3, 256)
    hang()


def fail() -> None:
    raise ValueError("no such gate")


def exhaust() -> None:
    raise RuntimeError("[enforce fail] . DefaultCPUAllocator: can't allocate memory")


FAULTS = {own.__name__: own for own in (segfault, kill, hang, part, fail, exhaust)}


@dataclass
class Faulty(Constant):
    """A schedule that does ``fault`` at the third step, as often as ``counter`` has bytes."""

    fault: str = per_run("")
    counter: str = volatile("")

    def factor(self, at: Moment) -> float:
        if self.fault and at.step == 2 and self._wanted():
            FAULTS[self.fault]()
        return super().factor(at)

    def _wanted(self) -> bool:
        left = Path(self.counter).stat().st_size
        os.truncate(self.counter, max(0, left - 1))
        return left > 0


@dataclass
class Tiny(Dataset):
    """Data that a fresh process has at once."""

    def load(self) -> SequenceData:
        return sentences(train=48)

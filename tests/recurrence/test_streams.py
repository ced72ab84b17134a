"""cuDNN's runs fork from the current stream and join it again; streams are played by a log."""

import warnings
from contextlib import contextmanager

import pytest
import torch

from rnn_regexp.recurrence import native
from rnn_regexp.recurrence.cells import GRU, LSTM, Cell
from tests.recurrence.examples import close, example

HERE = "current"


class Stream:
    def __init__(self, name: str, log: list[tuple[str, ...]]) -> None:
        self.name, self.log = name, log

    def wait_stream(self, other: "Stream") -> None:
        self.log.append((self.name, "waits for", other.name))


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    log: list[tuple[str, ...]] = []
    current = Stream(HERE, log)
    sides = tuple(Stream(f"side {n}", log) for n in range(2))

    @contextmanager
    def on(stream: Stream):
        log.append((stream.name, "runs"))
        yield

    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: current)
    monkeypatch.setattr(torch.cuda, "stream", on)
    monkeypatch.setattr(native, "_streams", lambda device: sides)
    monkeypatch.setattr(torch.Tensor, "record_stream", lambda own, s: log.append((s.name, "keeps")))
    return log


@pytest.mark.parametrize("cell", [GRU, LSTM], ids=lambda cell: cell.name)
def test_every_run_is_computed_between_fork_and_join(cell: Cell, log: list[tuple[str, ...]]):
    own = example(cell, runs=3)
    starts = list(zip(*(s.split(1) for s in own.states[0])))
    runs = list(zip(own.inputs, starts, map(list, zip(*(w.unbind() for w in own.weights[0])))))
    found = native._side_by_side(cell, runs)
    close([output for output, _ in found], [native._one(cell, *run)[0] for run in runs], 0.0)
    sides = ("side 0", "side 1")
    assert log == [
        *((side, "waits for", HERE) for side in sides),
        ("side 0", "runs"),
        ("side 1", "runs"),
        ("side 0", "runs"),
        *((HERE, "waits for", side) for side in sides),
        *[(HERE, "keeps")] * (3 * (1 + cell.states)),
    ]


def test_a_run_alone_uses_one_stream(log: list[tuple[str, ...]]):
    own = example(GRU, runs=1)
    run = (own.inputs[0], own.states[0], [w[0] for w in own.weights[0]])
    native._side_by_side(GRU, [run])
    assert {entry[0] for entry in log} == {HERE, "side 0"}


def test_cudnn_multiplies_as_torch_does_and_does_not_warn(monkeypatch: pytest.MonkeyPatch):
    native._full_precision.cache_clear()
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    with native._cudnn():
        warnings.warn("RNN module weights are not part of single contiguous chunk", stacklevel=1)
    assert not torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = True  # the user's own choice
    with native._cudnn():
        assert torch.backends.cudnn.allow_tf32

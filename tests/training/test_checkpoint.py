"""A cohort that is cut short goes on from its checkpoint and ends with the same bits."""

from pathlib import Path
from unittest import mock

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save

from rnn_regexp import files as disk
from rnn_regexp.data.sequences import SequenceData
from rnn_regexp.files import WriteError
from rnn_regexp.regularizers.clip import Clip
from rnn_regexp.regularizers.dropout import Dropout
from rnn_regexp.regularizers.early_stopping import EarlyStopping
from rnn_regexp.regularizers.ema import Ema
from rnn_regexp.training import checkpoint as checkpoint_module
from rnn_regexp.training import loop
from rnn_regexp.training import steps as steps_module
from rnn_regexp.training.checkpoint import NEVER, STOP, Checkpoint, Stopped, identity_of
from rnn_regexp.training.cohort import Cohort
from rnn_regexp.training.optimizers import ASGD, SGD, Adam, AdamW, RMSprop
from rnn_regexp.training.record import Outcome, Record
from rnn_regexp.training.schedules import Cosine
from tests.training.tiny import cohort, run, stream, without_time

OPTIMIZERS = [Adam(0.2), AdamW(0.02), SGD(0.1, 0.9), RMSprop(0.01), ASGD(0.1, t0=2)]


class Cut(BaseException):
    """The process dies."""


def runs_of(optimizer: object, data: SequenceData | None = None) -> Cohort:
    """Of these the first ends early, the second diverges, and one's rate goes by the step."""
    gliding = run(Ema(0.9), optimizer=optimizer, seed=4)
    gliding.schedule = Cosine(warmup=0.3)
    return cohort(
        run(EarlyStopping(1), Ema(0.5), optimizer=optimizer, seed=1),
        run(Clip(1e-3), optimizer=type(optimizer)(1e200), seed=2),
        run(Dropout(0.5), Clip(0.5), optimizer=optimizer, seed=3),
        gliding,
        data=data,
        epochs=6,
        window=4,
    )


def cut_after(cohort: Cohort, checkpoint: Checkpoint, steps: int) -> None:
    """Train until so many steps are made, then die."""
    own = Record.step

    def dying(record: Record, *words: object) -> None:
        own(record, *words)
        dying.left -= 1
        if not dying.left:
            checkpoint.seconds = 0

    dying.left = steps
    written = Checkpoint.write

    def write(checkpoint: Checkpoint, record: Record) -> None:
        written(checkpoint, record)
        if dying.left <= 0:
            raise Cut

    with (
        mock.patch.object(Record, "step", dying),
        mock.patch.object(Checkpoint, "write", write),
        pytest.raises(Cut),
    ):
        loop.train(cohort, checkpoint=checkpoint)


def equal(found: list[Outcome], expected: list[Outcome]) -> bool:
    return all(
        (own.metrics, own.diverged_at, own.stopped_at, without_time(own))
        == (other.metrics, other.diverged_at, other.stopped_at, without_time(other))
        for own, other in zip(found, expected, strict=True)
    )


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda own: type(own).__name__)
@pytest.mark.parametrize("steps", [1, 3, 7, 11])
@pytest.mark.parametrize("data", [None, stream()], ids=["sentences", "stream"])
def test_it_ends_with_the_numbers_of_an_undisturbed_one(
    optimizer: object, steps: int, data: SequenceData | None, tmp_path: Path
):
    undisturbed = runs_of(optimizer, data)
    expected = loop.train(undisturbed)
    path = tmp_path / "folder" / "a.safetensors"
    cut_after(runs_of(optimizer, data), Checkpoint(path, "me"), steps)
    assert [own.name for own in path.parent.iterdir()] == ["a.safetensors"]
    again = runs_of(optimizer, data)
    counted: list[int] = []
    step = steps_module.step
    with mock.patch.object(steps_module, "step", lambda *words: counted.append(1) or step(*words)):
        found = loop.train(again, checkpoint=Checkpoint(path, "me"))
    assert equal(found, expected)
    assert torch.equal(again.weights.flat, undisturbed.weights.flat)
    total = max(own.history[-1]["step"] for own in expected if own.history)
    assert len(counted) == total - steps


def test_it_is_cut_three_times(tmp_path: Path):
    expected = loop.train(runs_of(Adam(0.2)))
    path = tmp_path / "a.safetensors"
    for steps in (2, 4, 5):
        cut_after(runs_of(Adam(0.2)), Checkpoint(path, "me"), steps)
    assert equal(loop.train(runs_of(Adam(0.2)), checkpoint=Checkpoint(path, "me")), expected)


def header(path: Path, **changed: str) -> bytes:
    """The file with another header."""
    with safe_open(path, "pt") as file:
        named = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return save(named, {**file.metadata(), **changed})


SPOIL = {
    "other": lambda path: path.read_bytes(),
    "short": lambda path: path.read_bytes()[:-7],
    "empty": lambda path: b"",
    "text": lambda path: b"not a checkpoint",
    "one bit": lambda path: path.read_bytes()[:-1] + bytes([path.read_bytes()[-1] ^ 1]),
    "cut record": lambda path: header(path, record='{"epochs": 1, "bat'),
    "another record": lambda path: header(path, record="[]"),
    "deep record": lambda path: header(path, record="[" * 200_000),
    "no digest": lambda path: header(path, digest=""),
}


@pytest.mark.parametrize("spoil", SPOIL)
def test_a_file_that_does_not_fit_is_as_good_as_none(spoil: str, tmp_path: Path):
    path = tmp_path / "a.safetensors"
    cut_after(runs_of(Adam(0.2)), Checkpoint(path, "me"), 4)
    path.write_bytes(SPOIL[spoil](path))
    own = Checkpoint(path, "you" if spoil == "other" else "me")
    assert equal(loop.train(runs_of(Adam(0.2)), checkpoint=own), loop.train(runs_of(Adam(0.2))))


def test_it_is_written_when_it_is_time_and_removed_at_the_end(tmp_path: Path):
    path = tmp_path / "a.safetensors"
    record = Record(runs_of(Adam(0.2)))
    Checkpoint(path, "me", seconds=1e9).write(record)
    assert not path.exists()
    own = Checkpoint(path, "me", seconds=0)
    own.write(record)
    assert path.exists()
    own.remove()
    own.remove()
    assert not path.exists()
    NEVER.write(record)
    NEVER.remove()


def test_a_folder_in_its_place_is_as_good_as_none(tmp_path: Path):
    path = tmp_path / "a.safetensors"
    path.mkdir()
    assert identity_of(path) == ""
    own = Checkpoint(path, "me", seconds=0)
    assert equal(loop.train(runs_of(Adam(0.2)), checkpoint=own), loop.train(runs_of(Adam(0.2))))
    assert path.is_file()


@pytest.mark.parametrize("every", [0, 1, 2])
def test_it_is_written_behind_every_so_many_epochs(every: int, tmp_path: Path):
    own = Checkpoint(tmp_path / "a.safetensors", "me", seconds=1e9, epochs=every)
    seen: list[tuple[int, int]] = []
    written = checkpoint_module._write
    record = Record(runs_of(Adam(0.2)))

    def note(*words: object) -> None:
        seen.append((record.epochs, record.batches))
        written(*words)

    with (
        mock.patch.object(loop, "Record", return_value=record),
        mock.patch.object(checkpoint_module, "_write", note),
    ):
        loop.train(record.cohort, checkpoint=own)
    assert seen == [(epoch, 0) for epoch in range(1, 7) if every and epoch % every == 0]


def test_who_goes_on_says_from_where(tmp_path: Path):
    path, told = tmp_path / "a.safetensors", []
    loop.train(runs_of(Adam(0.2)), checkpoint=Checkpoint(path, "me", resumed=told.append))
    assert told == []
    cut_after(runs_of(Adam(0.2)), Checkpoint(path, "me"), 4)
    loop.train(runs_of(Adam(0.2)), checkpoint=Checkpoint(path, "me", resumed=told.append))
    assert told == [1]


def test_a_disk_that_is_full_is_told_in_one_line_and_not_filled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(disk.os, "fsync", full)
    own = Checkpoint(tmp_path / "study/checkpoints/a.safetensors", "me", seconds=0)
    with pytest.raises(WriteError) as refusal:
        loop.train(runs_of(Adam(0.2)), checkpoint=own)
    assert str(refusal.value) == (
        f"output: cannot write to {tmp_path}/study (No space left on device);"
        " what is finished is kept, and when there is room, the same command goes on"
    )
    assert list(own.path.parent.iterdir()) == []


def test_what_a_killed_writer_left_goes_when_its_cohort_is_trained(tmp_path: Path):
    path = tmp_path / "a.safetensors"
    for name in (".a.safetensors.17", ".b.safetensors.17"):
        (tmp_path / name).write_bytes(b"half")
    Checkpoint(path, "me").restore(runs_of(Adam(0.2)), Record(runs_of(Adam(0.2))))
    assert [own.name for own in tmp_path.iterdir()] == [".b.safetensors.17"]


def test_asked_to_stop_it_writes_and_ends(tmp_path: Path):
    path = tmp_path / "a.safetensors"
    STOP.set()
    try:
        with pytest.raises(Stopped):
            loop.train(runs_of(Adam(0.2)), checkpoint=Checkpoint(path, "me"))
    finally:
        STOP.clear()
    expected = loop.train(runs_of(Adam(0.2)))
    assert equal(loop.train(runs_of(Adam(0.2)), checkpoint=Checkpoint(path, "me")), expected)

"""Half-trained cohorts on disk: a killed one goes on from its last checkpoint, bit for bit.

One safetensors file: weights, optimizer and regularizer state, the best weights and carried
states as tensors, histories as JSON in its header, and a digest of all that: what a crash of the
machine has damaged is not gone on from.  Noise needs none: it is keyed by the step.
"""

import contextlib
import dataclasses
import hashlib
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rnn_regexp.files import WriteError, cannot_write, torn, write_bytes
from rnn_regexp.training.cohort import Cohort
from rnn_regexp.training.record import Outcome, Record

STOP = threading.Event()  # set by whoever wants training to end soon and to go on another time


class Stopped(BaseException):
    """Training was asked to end and did, behind a checkpoint."""


class Checkpoint:
    """The file of one cohort, in a folder of the study's; written at most every ``seconds``.

    With ``epochs`` it is also written behind every so many of them; 0 for none.  ``resumed`` is
    told the number of epochs behind which training goes on.
    """

    def __init__(
        self,
        path: Path | None,
        identity: str = "",
        seconds: float = 60.0,
        epochs: int = 0,
        resumed: Callable[[int], None] = lambda epochs: None,
    ) -> None:
        self.path, self.identity = path, identity
        self.seconds, self.epochs, self.resumed = seconds, epochs, resumed
        self._written = time.monotonic()

    def write(self, record: Record) -> None:
        """Write, if it is time or the end; raises ``Stopped`` if training is to end.

        Raises ``WriteError`` with one line where the disk is full or the folder gone.
        """
        stop = STOP.is_set()
        if self.path and (stop or self._due(record)):
            _write(self.path, tensors(record), _header(record), self.identity)
            self._written = time.monotonic()
        if stop:
            raise Stopped

    def _due(self, record: Record) -> bool:
        closed = record.batches == 0 and self.epochs and record.epochs % self.epochs == 0
        return bool(closed) or time.monotonic() - self._written >= self.seconds

    def restore(self, cohort: Cohort, record: Record) -> Cohort:
        """Bring a fresh record to where training stood; returns the cohort that trains on.

        A file of other runs, a damaged one, or one that cannot be read is as good as none.
        """
        if self.path is None:
            return cohort
        with contextlib.suppress(OSError):
            for path in torn(self.path):  # by whoever trained this cohort before
                path.unlink(missing_ok=True)
        found = _read(self.path, self.identity)
        if found is None:
            return cohort
        own = _restore(cohort, record, *found)
        self.resumed(record.epochs)
        return own

    def remove(self) -> None:
        """Forget the file: its runs ended."""
        if self.path:
            self.path.unlink(missing_ok=True)


NEVER = Checkpoint(None)


def tensors(record: Record) -> dict[str, Tensor]:
    """Everything that training needs to go on, by name."""
    cohort = record.cohort
    named = {
        "weights": cohort.weights.flat.detach(),
        "optimizers": cohort.optimizers.state,
        "counts": cohort.optimizers.counts,
        "rows": record.rows,
        "best_loss": record.best_loss,
    }
    parts = {
        "tally": record.tally.tensors(),
        "regularizers": cohort.regularizers.state(),
        "best": record.best.tensors(),
        "last": record.last.tensors(),
        "states": _numbered(record.states),
    }
    return named | {f"{part}/{n}": own for part, inner in parts.items() for n, own in inner.items()}


def _numbered(states: Any) -> dict[str, Tensor]:
    """Carried states by layer, direction and place: ``0/1/0``."""
    return {
        f"{i}/{d}/{s}": own
        for i, layer in enumerate(states)
        for d, state in enumerate(layer)
        for s, own in enumerate(state)
    }


def _header(record: Record) -> str:
    text = {
        "epochs": record.epochs,
        "batches": record.batches,
        "outcomes": [dataclasses.asdict(own) for own in record.outcomes],
        "states": [[len(state) for state in layer] for layer in record.states],
    }
    return json.dumps(text)


def _write(path: Path, named: dict[str, Tensor], text: str, identity: str) -> None:
    """Put the file there whole or not at all."""
    from safetensors.torch import save

    own = {name: tensor.cpu().contiguous().clone() for name, tensor in named.items()}
    header = {"identity": identity, "record": text, "digest": _digest(text, own)}
    try:
        write_bytes(path, save(own, header))
    except OSError as error:
        raise WriteError(cannot_write(path.parents[1], error, going_on=True)) from None


def _digest(text: str, named: dict[str, Tensor]) -> str:
    """A hash of all that a checkpoint holds."""
    own = hashlib.sha256(text.encode())
    for name, tensor in sorted(named.items()):
        own.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        own.update(tensor.flatten().view(torch.uint8).numpy().data)
    return own.hexdigest()


def _read(path: Path, identity: str) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    from safetensors import SafetensorError, safe_open

    with contextlib.suppress(OSError, SafetensorError), safe_open(path, "pt") as file:
        header = file.metadata() or {}
        if header.get("identity") != identity:
            return None
        named = {name: file.get_tensor(name) for name in list(file.keys())}
        text = header.get("record", "")
        if header.get("digest") == _digest(text, named):
            return named, json.loads(text)
    return None


def identity_of(path: Path) -> str:
    """What a checkpoint is of; nothing where the file cannot be read."""
    from safetensors import SafetensorError, safe_open

    with contextlib.suppress(OSError, SafetensorError), safe_open(path, "pt") as file:
        return str((file.metadata() or {}).get("identity", ""))
    return ""


def _restore(
    cohort: Cohort, record: Record, named: dict[str, Tensor], text: dict[str, Any]
) -> Cohort:
    def part(name: str) -> dict[str, Tensor]:
        found = {key.partition("/") for key in named if key.startswith(f"{name}/")}
        return {inner: named[f"{name}/{inner}"].to(cohort.device) for _, _, inner in found}

    rows = named["rows"].tolist()
    own = cohort if len(rows) == cohort.runs else cohort.select(rows)
    record.follow(own, rows)
    with torch.no_grad():
        own.weights.flat.copy_(named["weights"])
    own.optimizers.state.copy_(named["optimizers"])
    own.optimizers.counts.copy_(named["counts"])
    own.regularizers.recall(part("regularizers"))
    parts = {"best": record.best.tensors(), "last": record.last.tensors()}
    for kept, tensors in (parts | {"tally": record.tally.tensors()}).items():
        for name, tensor in tensors.items():
            tensor.copy_(named[f"{kept}/{name}"])
    record.best_loss.copy_(named["best_loss"])
    record.made = record.tally.steps.tolist()
    record.epochs, record.batches = text["epochs"], text["batches"]
    record.outcomes = [Outcome(**own) for own in text["outcomes"]]
    carried = part("states")
    record.states = tuple(
        tuple(tuple(carried[f"{i}/{d}/{s}"] for s in range(count)) for d, count in enumerate(layer))
        for i, layer in enumerate(text["states"])
    )
    return own

"""Encoded data on disk, so that a large set is read and cut into tokens once.

An entry's name is a hash of the settings, the files' checksums, and the code and libraries that
encode; its content is checked against its digest. Of all entries the newest are kept.
"""

import contextlib
import hashlib
import importlib.metadata
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

import torch
from safetensors import SafetensorError
from torch import Tensor

from rnn_regexp.data.cache import folder, placed
from rnn_regexp.data.sequences import SequenceData, Split

LARGEST = 2 << 30  # bytes of all entries
SPLITS = ("train", "valid", "test")
UNREADABLE = (OSError, RuntimeError, ValueError, KeyError, TypeError, SafetensorError)


def kept(key: object, build: Callable[[], SequenceData]) -> SequenceData:
    """What ``build`` makes, from the cache if it made it before from the same ``key``."""
    name = hashlib.sha256(repr((key, _encoder())).encode()).hexdigest()[:16]
    with contextlib.suppress(*UNREADABLE):
        return _read(folder() / f"encoded-{name}.safetensors")
    data = build()
    with contextlib.suppress(OSError, RuntimeError):
        _write(folder() / f"encoded-{name}.safetensors", data)
        _forget_old(folder().glob("encoded-*.safetensors"))
    return data


@cache
def _encoder() -> str:
    """What encodes: the source of this room, and the libraries it uses."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    own = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    return repr((own, list(_versions())))


def _versions() -> Iterator[str]:
    for package in ("torchtext", "tokenizers", "numpy"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            yield f"{package} {importlib.metadata.version(package)}"


def _read(path: Path) -> SequenceData:
    """Raises ``ValueError`` for content that does not have its digest."""
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        header = file.metadata()
        tensors = {name: file.get_tensor(name) for name in list(file.keys())}
    parts: dict[str, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        part, _, field = name.partition("/")
        parts.setdefault(part, {})[field] = tensor
    told = json.loads(header["told"])
    data = SequenceData(
        **{split: Split(**_widened(parts[split])) for split in SPLITS},
        classes=tuple(told["classes"]),
        vocabulary=tuple(told["vocabulary"]),
        provenance=told["provenance"],
        task=told["task"],
        constants=parts.get("constants", {}),
        vectors=parts["other"]["vectors"] if "other" in parts else None,
    )
    if data.digest() != header["digest"]:
        raise ValueError(f"{path} is damaged")
    os.utime(path)  # used, so among the newest
    return data


def _write(path: Path, data: SequenceData) -> None:
    from safetensors.torch import save

    parts = {split: _narrowed(vars(getattr(data, split))) for split in SPLITS}
    parts["constants"] = data.constants
    parts["other"] = {} if data.vectors is None else {"vectors": data.vectors}
    tensors = {
        f"{part}/{name}": own.contiguous().clone()
        for part, fields in parts.items()
        for name, own in fields.items()
    }
    told = {name: getattr(data, name) for name in ("classes", "vocabulary", "provenance", "task")}
    with placed(path) as file:
        file.write(save(tensors, {"digest": data.digest(), "told": json.dumps(told)}))


def _narrowed(fields: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Token ids in two bytes where they fit: a quarter of the file."""
    ids = fields["inputs"]
    fits = ids.dtype is torch.int64 and int(ids.max()) < 1 << 15
    return {**fields, "inputs": ids.to(torch.int16) if fits else ids}


def _widened(fields: Mapping[str, Tensor]) -> dict[str, Tensor]:
    ids = fields["inputs"]
    return {**fields, "inputs": ids.to(torch.int64) if ids.dtype is torch.int16 else ids}


def _forget_old(entries: Iterable[Path]) -> None:
    room = LARGEST
    for path in sorted(entries, key=lambda path: path.stat().st_mtime, reverse=True):
        room -= path.stat().st_size
        if room < 0:
            path.unlink(missing_ok=True)

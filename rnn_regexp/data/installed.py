"""Data files that come inside an installed package: found without importing it."""

import contextlib
import hashlib
import importlib.metadata
import importlib.util
from pathlib import Path

from rnn_regexp.data.content import open_content
from rnn_regexp.data.sequences import DataError


class NotInstalled(DataError):
    """A package that a dataset is read from and that is not there."""


def folder(package: str, dataset: str) -> tuple[Path, str]:
    """Where a package lies and its version. Raises ``NotInstalled``."""
    found = find(package)
    if found is None:
        raise NotInstalled(f"dataset={dataset} needs {package}: pip install 'rnn-regexp[data]'")
    return found


def read(package: str, dataset: str, file: str) -> tuple[str, dict[str, str]]:
    """The text of a package's file, decompressed if it is ``.gz``, and what to record of it.

    Raises ``NotInstalled``, or ``DataError`` where this version has no such file.
    """
    root, version = folder(package, dataset)
    try:
        with open_content(root / file) as stream:
            raw = stream.read()
    except FileNotFoundError:
        raise DataError(f"dataset={dataset}: {package} {version} has no {file}") from None
    return raw.decode("utf-8"), {package: version, file: hashlib.sha256(raw).hexdigest()[:16]}


def find(package: str) -> tuple[Path, str] | None:
    """Where an installed package lies and its version, or None."""
    spec = importlib.util.find_spec(package)
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        version = importlib.metadata.version(package)
        if spec is not None and spec.submodule_search_locations:
            return Path(spec.submodule_search_locations[0]), version
    return None

"""Data files that come inside an installed package: found without importing it."""

import contextlib
import importlib.metadata
import importlib.util
from pathlib import Path

from rnn_regexp.data.sequences import DataError


class NotInstalled(DataError):
    """A package that a dataset is read from and that is not there."""


def folder(package: str, dataset: str) -> tuple[Path, str]:
    """Where a package lies and its version. Raises ``NotInstalled``."""
    found = find(package)
    if found is None:
        raise NotInstalled(f"dataset={dataset} needs {package}: pip install 'rnn-regexp[data]'")
    return found


def find(package: str) -> tuple[Path, str] | None:
    """Where an installed package lies and its version, or None."""
    spec = importlib.util.find_spec(package)
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        version = importlib.metadata.version(package)
        if spec is not None and spec.submodule_search_locations:
            return Path(spec.submodule_search_locations[0]), version
    return None

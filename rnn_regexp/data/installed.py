"""Data files that come inside an installed package: found without importing it."""

import contextlib
import importlib.metadata
import importlib.util
from pathlib import Path

from rnn_regexp.data.sequences import DataError


def folder(package: str, dataset: str) -> tuple[Path, str]:
    """Where a package lies and its version. Raises ``DataError`` if it is not installed."""
    found = find(package)
    if found is None:
        raise DataError(f"dataset={dataset} needs {package}: pip install 'rnn-regexp[data]'")
    return found


def find(package: str) -> tuple[Path, str] | None:
    """Where a package lies and its version, or None."""
    spec = importlib.util.find_spec(package)
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        version = importlib.metadata.version(package)
        if spec is not None and spec.submodule_search_locations:
            return Path(spec.submodule_search_locations[0]), version
    return None

"""``rnn-regexp data``: what datasets there are, and the files of those that are published."""

import argparse
import importlib.util
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from rnn_regexp.data import ALL, content, files, published
from rnn_regexp.data.files import FileDataset
from rnn_regexp.data.published import DataFile
from rnn_regexp.data.sequences import DataError, Dataset
from rnn_regexp.data.table import nearest
from rnn_regexp.fields import snake_case

EVERY = "all"
DATASETS: tuple[type[Dataset], ...] = ALL


def data(words: list[str]) -> int:
    """List, fetch or verify; returns the exit code, 2 if a file is missing or wrong."""
    options = _parser().parse_intermixed_args(words)
    root = published.root_of(options.root)
    if options.action == "list":
        print("\n".join([f"root: {root}", *listing(root)]))
        return 0
    work: Callable[[type[FileDataset], Path], Iterator[str]]
    work = get if options.action == "get" else check
    return _report(work, chosen(options.names), root)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("rnn-regexp data", description=__doc__.partition(": ")[2])
    parser.add_argument("action", choices=("list", "get", "check"))
    parser.add_argument("names", nargs="*", help=f"datasets, or {EVERY} (get, check)")
    parser.add_argument(
        "--root", help=f"the files' folder (default: ${published.ROOT}, else a cache)"
    )
    return parser


def _report(
    work: Callable[[type[FileDataset], Path], Iterator[str]],
    datasets: Iterable[type[FileDataset]],
    root: Path,
) -> int:
    wrong = 0
    for dataset in datasets:
        try:
            for line in work(dataset, root):
                print(line)
        except DataError as error:
            wrong += 1
            for line in str(error).splitlines():
                print(f"error: {line}", file=sys.stderr)
    return 2 if wrong else 0


def chosen(names: Sequence[str]) -> list[type[FileDataset]]:
    """The datasets with files that are called so. Raises ``DataError`` for an unknown name."""
    known = {snake_case(own.__name__): own for own in DATASETS if issubclass(own, FileDataset)}
    if not names:
        raise DataError(f"name datasets, or {EVERY}: {', '.join(known)}")
    for name in names:
        if name not in (*known, EVERY):
            hints = "; ".join([f"those with files: {', '.join(known)}", *nearest(name, known)])
            raise DataError(f"unknown dataset {name} ({hints})")
    return list(known.values()) if EVERY in names else [known[name] for name in names]


def listing(root: Path) -> Iterator[str]:
    """A line for each dataset: name, task, bytes to fetch, where it is, its licence."""
    yield f"{'dataset':22} {'task':15} {'size':>8}  {'data':22} licence"
    for own in DATASETS:
        size, licence = "", ""
        if issubclass(own, FileDataset):
            size, licence = megabytes(own.published), own.licence
        name = snake_case(own.__name__)
        yield f"{name:22} {own.task:15} {size:>8}  {_state(own, root):22} {licence}".rstrip()


def _state(dataset: type[Dataset], root: Path) -> str:
    package = dataset.package
    installed = bool(package) and importlib.util.find_spec(package) is not None
    if issubclass(dataset, FileDataset):
        count = len(dataset.published)
        there = sum(published.find(file, root) is not None for file in dataset.published)
        if there < count:
            return f"in {package}" if installed else f"{there} of {count} files"
        unsure = any(not file.hashes for file in dataset.published)
        return "present, no checksum" if unsure else "present"
    if hasattr(dataset, "path"):
        return "your own"
    return f"needs {package}" if package and not installed else "installed"


def megabytes(published: Sequence[DataFile]) -> str:
    """What is fetched, or else its content; an archive counts once."""
    whole = {file.url: file.archive_size for file in published if file.archive_size}
    parts = [file.size for file in published if not file.archive_size]
    least = "" if all(parts) else "> "
    return f"{least}{(sum(whole.values()) + sum(parts)) / 1e6:.1f} MB"


def get(dataset: type[FileDataset], root: Path) -> Iterator[str]:
    """Fetch what is missing, verify all. Raises ``DataError``."""
    for own in files.fetch(dataset.published, root, dataset.licence):
        yield f"{own.path}  sha256:{own.sha256[:16]}"


def check(dataset: type[FileDataset], root: Path) -> Iterator[str]:
    """Verify the files that are there, anew. Raises ``DataError`` for those that are wrong."""
    wrong = []
    for file in dataset.published:
        path = published.find(file, root)
        try:
            yield _checked(file, path) if path else f"missing  {root / file.name}"
        except DataError as error:
            wrong.append(str(error))
    if wrong:
        raise DataError("\n".join(wrong))


def _checked(file: DataFile, path: Path) -> str:
    content.digest(path, file.hashes, file.size)
    return f"{'ok' if file.hashes else 'unsure, no checksum is known':8} {path}"

"""First sentences of an installed package's docstrings, read with ``ast``, nothing imported.

A sentence is the first one of a docstring's first paragraph, in ASCII, 4 to 40 words long, without
headings or doctest prompts. One that names torch, SymPy or NetworkX gives its label away (8 % of
torch's do) and is left out; "Python" is no more frequent in Python than in torch and stays, and
so does markup: it is part of how a library writes.
"""

import ast
import contextlib
import gc
import importlib.metadata
import importlib.util
import platform
import re
import sys
import sysconfig
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from rnn_regexp.data.rank import rank
from rnn_regexp.data.sequences import DataError

PYTHON = "python"  # the standard library, as a package among the others
WORDS = range(4, 41)
NAMES = re.compile(r"torch|sympy|networkx", re.IGNORECASE)
NOT_PROSE = re.compile(r">>>|[-=*~^#+]{3}")  # doctest prompts, underlined headings
SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")
TESTS = {"test", "tests", "testing"}
# Several Linux distributions ship these apart from Python, or not at all.
OPTIONAL = {"distutils", "ensurepip", "idlelib", "lib2to3", "tkinter", "turtledemo"}
Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


class Sentence(NamedTuple):
    """A sentence and the file it stands in, relative to its package."""

    library: str
    module: str
    text: str


class Library(NamedTuple):
    """An installed package whose source can be read."""

    name: str
    root: Path
    version: str

    def sentences(self, enough: int) -> list[Sentence]:
        """The sentences of as many modules, in hash order, as give ``enough``, or of all.

        A module is read whole or not at all. Raises ``DataError`` if there is no sentence.
        """
        found: list[Sentence] = []
        with _fast_parsing():
            for module in sorted(self._modules(), key=lambda module: rank(self.name, module)):
                if len(found) >= enough:
                    break
                texts = dict.fromkeys(_texts((self.root / module).read_bytes()))
                found += [Sentence(self.name, module, text) for text in texts]
        if not found:
            raise DataError(
                f"dataset=docstrings: {self.name} {self.version} has no readable .py files "
                f"in {self.root}"
            )
        return found

    def _modules(self) -> Iterator[str]:
        for top in self.root.iterdir():
            if self.name == PYTHON and not _standard(top.stem):
                continue  # among them site-packages, which may be large
            for path in top.rglob("*.py") if top.is_dir() else [top]:
                module = path.relative_to(self.root)
                if path.suffix == ".py" and TESTS.isdisjoint(module.parts):
                    yield module.as_posix()


def find(name: str) -> Library:
    """Where a package lies and its version. Raises ``DataError`` if it is not installed."""
    if name == PYTHON:
        return Library(name, Path(sysconfig.get_path("stdlib")), platform.python_version())
    spec = importlib.util.find_spec(name)
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        version = importlib.metadata.version(name)
        if spec is not None and spec.submodule_search_locations:
            return Library(name, Path(spec.submodule_search_locations[0]), version)
    raise DataError(f"dataset=docstrings: {name} is not installed")


def _standard(module: str) -> bool:
    return module in sys.stdlib_module_names and module not in OPTIONAL


def _texts(source: bytes) -> Iterator[str]:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):  # a template, or newer syntax than this Python's
        return
    for node in _documented(tree):
        text = _first_sentence(ast.get_docstring(node, clean=False) or "")
        if text.isascii() and len(text.split()) in WORDS and not _unfit(text):
            yield text


def _documented(tree: ast.Module) -> Iterator[Documented]:
    """Every module, class and function; expressions, where there is none, are passed by."""
    pending: list[ast.AST] = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, Documented):
            yield node
        children = ast.iter_child_nodes(node)
        pending += [child for child in children if isinstance(child, ast.stmt | ast.excepthandler)]


def _first_sentence(docstring: str) -> str:
    paragraph = re.split(r"\n\s*\n", docstring.strip(), maxsplit=1)[0]
    return SENTENCE_END.split(" ".join(paragraph.split()), maxsplit=1)[0]


def _unfit(text: str) -> bool:
    return bool(NAMES.search(text) or NOT_PROSE.search(text))


@contextlib.contextmanager
def _fast_parsing() -> Iterator[None]:
    """Syntax trees hold no cycles: without the collector they take less than half the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes in other people's source
            yield
    finally:
        if collecting:
            gc.enable()

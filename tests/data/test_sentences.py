"""Sentences are read from source files, and nothing is run."""

import ast
import gc
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

from rnn_regexp.data import sentences
from rnn_regexp.data.sentences import PYTHON, Library
from rnn_regexp.data.sequences import DataError

SOURCE = '''
"""Reads things that were written. Then says more."""
raise RuntimeError("this file was run")

class Reader:
    """
    A reader of the things,
    e.g. of files.

    A second paragraph is not a summary.
    """
    def read(self):
        "Return the next thing there is"
        def inner():
            """Only functions inside of functions."""
    async def wait(self):
        """Wait until something has come! And so on."""
    if True:
        try:
            x = lambda: """a string which is no docstring"""
        except OSError:
            def rescue(self):
                """Save what can be saved."""

def a(): "Too few words"
def b(): "Words " + "and " * 50
def c(): """Not all of it is ASCII \N{EM DASH} so."""
def d(): """A torch.Tensor names where it comes from."""
def e(): """As SymPy does it with symbols."""
def f(): """Heading of the text
=============="""
def g(): """>>> print("one two three")"""
def h(): """Return the next thing there is"""
'''
FOUND = {
    "Reads things that were written.",
    "A reader of the things, e.g. of files.",
    "Return the next thing there is",
    "Only functions inside of functions.",
    "Wait until something has come!",
    "Save what can be saved.",
}


def package(root: Path, files: dict[str, str]) -> Library:
    for name, source in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, encoding="utf-8")
    return Library("package", root, "1.0")


def texts(library: Library, enough: int = 1000) -> list[str]:
    return [sentence.text for sentence in library.sentences(enough)]


def test_reads_first_sentences_of_docstrings(tmp_path: Path):
    found = texts(package(tmp_path, {"reader.py": SOURCE}))
    assert sorted(found) == sorted(FOUND)


@pytest.mark.parametrize(("words", "kept"), [(3, False), (4, True), (40, True), (41, False)])
def test_four_to_forty_words(tmp_path: Path, words: int, kept: bool):
    source = f'"""{" ".join(["word"] * words)}"""\n\ndef f():\n    """This one is always there."""'
    assert len(texts(package(tmp_path, {"a.py": source}))) == 1 + kept


def test_every_node_that_may_hold_a_docstring_is_visited():
    source = Path(ast.__file__).read_bytes()
    tree = ast.parse(source)
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    everywhere = {id(node) for node in ast.walk(tree) if isinstance(node, documented)}
    assert {id(node) for node in sentences._documented(tree)} == everywhere


def test_modules_and_what_is_passed_over(tmp_path: Path):
    one = '"""This module counts as one."""'
    found = package(
        tmp_path,
        {
            "a.py": one,
            "sub/b.py": one,
            "tests/c.py": one,
            "sub/testing/d.py": one,
            "sub/test/e.py": one,
            "notes.txt": one,
            "broken.py": one + "\ndef",
            "null.py": one + "\0",
        },
    ).sentences(1000)
    assert sorted(sentence.module for sentence in found) == ["a.py", "sub/b.py"]
    assert {sentence.library for sentence in found} == {"package"}


def test_a_module_is_read_whole_and_no_more_than_enough(tmp_path: Path):
    two = '"""First sentence of {0} here."""\ndef f():\n    """Second sentence of {0} here."""'
    library = package(tmp_path, {f"m{n}.py": two.format(n) for n in range(20)})
    everything = texts(library)
    assert len(everything) == 40
    assert texts(library, enough=5) == everything[:6]
    assert texts(library, enough=6) == everything[:6]


def test_the_order_of_the_file_system_is_of_no_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    sentence = '"""This is module {} of them."""'
    names = [f"{folder}{n}.py" for folder in ("", "a/", "b/") for n in range(9)]
    library = package(tmp_path, {name: sentence.format(name) for name in names})
    listings = {name: getattr(Path, name) for name in ("iterdir", "rglob")}
    found = []
    for backward in (False, True):
        for name, real in listings.items():

            def listing(*given: Any, real: Any = real, backward: bool = backward) -> list[Path]:
                return sorted(real(*given), reverse=backward)

            monkeypatch.setattr(Path, name, listing)
        found.append(texts(library, enough=9))
    assert found[0] == found[1]


def test_warnings_about_other_peoples_source_are_silent(tmp_path: Path):
    library = package(tmp_path, {"a.py": '"""One of the modules."""\nx = "\\d"'})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert texts(library) == ["One of the modules."]


def test_the_collector_is_left_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    library = package(tmp_path, {"a.py": "'One of the modules.'"})
    texts(library)
    assert gc.isenabled()
    gc.disable()
    texts(library)
    was_off = not gc.isenabled()
    gc.enable()
    assert was_off


def test_a_package_without_source(tmp_path: Path):
    (tmp_path / "a.pyc").write_bytes(b"")
    with pytest.raises(DataError) as error:
        texts(Library("package", tmp_path, "1.0"))
    assert str(error.value) == (
        f"dataset=docstrings: package 1.0 has no readable .py files in {tmp_path}"
    )


def test_finds_an_installed_package_without_importing_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    package(tmp_path / "shelf", {"__init__.py": SOURCE})
    (tmp_path / "shelf-2.5.dist-info").mkdir()
    (tmp_path / "shelf-2.5.dist-info/METADATA").write_text("Name: shelf\nVersion: 2.5\n")
    monkeypatch.syspath_prepend(tmp_path)
    found = sentences.find("shelf")
    assert found == Library("shelf", tmp_path / "shelf", "2.5")
    assert sorted(texts(found)) == sorted(FOUND)
    assert "shelf" not in sys.modules


@pytest.mark.parametrize("name", ["no_such_package", "rnn_regexp_no_metadata"])
def test_a_package_that_is_not_installed(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    package(tmp_path / "rnn_regexp_no_metadata", {"__init__.py": ""})
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(DataError) as error:
        sentences.find(name)
    assert str(error.value) == f"dataset=docstrings: {name} is not installed"


def test_pythons_own_modules(tmp_path: Path):
    library = package(
        tmp_path,
        {
            "json/decoder.py": '"""Belongs to the standard library."""',
            "site-packages/json/a.py": '"""Was installed into its folder."""',
            "idlelib/a.py": '"""Some systems ship it apart."""',
            "sitecustomize.py": '"""Belongs to this machine alone."""',
        },
    )
    assert texts(library._replace(name=PYTHON)) == ["Belongs to the standard library."]
    here = sentences.find(PYTHON)
    assert here.version == ".".join(map(str, sys.version_info[:3]))
    assert (here.root / "json/decoder.py").exists()

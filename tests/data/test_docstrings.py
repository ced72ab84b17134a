"""Sentence -> library: splits that share nothing, in equal parts, the same everywhere."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import torch

from rnn_regexp.data import Docstrings, sentences
from rnn_regexp.data import docstrings as room
from rnn_regexp.data.docstrings import LIBRARIES, split_of, wording
from rnn_regexp.data.sentences import Sentence
from rnn_regexp.data.sequences import DataError, SequenceData


@pytest.fixture
def splits(docstrings: SequenceData) -> dict[str, list[Sentence]]:
    return room.splits(room.pool([sentences.find(name) for name in LIBRARIES]))


def test_libraries_in_equal_parts(docstrings: SequenceData):
    assert docstrings.classes == ("networkx", "python", "sympy", "torch")
    assert docstrings.train.targets.bincount().tolist() == [500] * 4
    assert docstrings.valid.targets.bincount().tolist() == [200] * 4
    assert docstrings.test.targets.bincount().tolist() == [200] * 4


def test_no_wording_in_two_splits_or_with_two_labels(splits: dict[str, list[Sentence]]):
    found = [wording(sentence.text) for part in splits.values() for sentence in part]
    assert len(found) == len(set(found)) > 8000


def test_no_module_in_two_splits(splits: dict[str, list[Sentence]]):
    modules = [{sentence[:2] for sentence in part} for part in splits.values()]
    assert len(set().union(*modules)) == sum(map(len, modules))
    assert all(len(part) > 100 for part in modules)


def test_no_sentence_names_its_library(docstrings: SequenceData):
    for name in ("torch", "sympy", "networkx"):
        assert not [word for word in docstrings.vocabulary if name in word]


def test_a_sentence_that_crosses_is_dropped():
    modules = {split_of(Sentence("torch", f"{n}.py", "")): f"{n}.py" for n in range(99)}
    train, valid = modules["train"], modules["valid"]
    other = next(
        f"{n}.py" for n in range(99) if split_of(Sentence("sympy", f"{n}.py", "")) == "train"
    )
    pool = [
        Sentence("torch", train, "Return the norm of it."),
        Sentence("torch", valid, "Return the `norm` of it"),
        Sentence("torch", train, "Return the sum of it."),
        Sentence("sympy", other, "Return the sum of it."),
        Sentence("torch", train, "Return the mean of it."),
        Sentence("torch", train, "return the mean of it"),
    ]
    found = room.splits(pool)
    assert found == {"train": [pool[4]], "valid": [], "test": []}


def test_a_smaller_split_is_a_prefix_and_moves_no_other(docstrings: SequenceData):
    few = Docstrings(examples=403, test_examples=40)
    data = few.load()
    assert Counter(data.train.targets.bincount().tolist()) == {101: 3, 100: 1}
    assert words(data, 0) == words(docstrings, 0)
    assert torch.equal(data.valid.lengths, docstrings.valid.lengths)
    assert torch.equal(data.test.lengths, docstrings.test.lengths[:40])


def words(data: SequenceData, row: int) -> list[str]:
    length = data.train.lengths[row]
    return [data.vocabulary[token] for token in data.train.inputs[row, :length]]


def test_vocabulary_and_length_are_limits(docstrings: SequenceData):
    data = Docstrings(vocabulary=100, max_length=7).load()
    assert data.vocabulary == docstrings.vocabulary[:100]
    assert data.train.inputs.shape == (2000, 7)
    assert data.train.inputs.max() == 99
    assert int(data.provenance["truncated_texts"]) > 1000


def test_provenance_names_versions_and_text(docstrings: SequenceData):
    provenance = docstrings.provenance
    assert set(provenance) == {*LIBRARIES, "docstrings", "truncated_texts", "unknown_tokens"}
    assert provenance["torch"] == torch.__version__
    assert len(provenance["docstrings"]) == 16


def test_more_than_there_are(docstrings: SequenceData, splits: dict[str, list[Sentence]]):
    sizes = Counter(sentence.library for sentence in splits["train"])
    fewest = min(LIBRARIES, key=sizes.__getitem__)
    most = 4 * sizes[fewest]
    assert len(Docstrings(examples=most).load().train) == most
    with pytest.raises(DataError) as error:
        Docstrings(examples=most + 1).load()
    assert str(error.value) == (
        f"dataset.examples must be at most {most} ({fewest} has {most // 4} sentences there), "
        f"got {most + 1}"
    )


def test_reads_the_cache_and_no_source(docstrings: SequenceData, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sentences.Library, "sentences", None)
    assert Docstrings().load().digest() == docstrings.digest()


def test_the_cache_is_not_used_for_another_version(
    docstrings: SequenceData, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sentences.platform, "python_version", lambda: "3.99.0")
    monkeypatch.setattr(sentences.Library, "sentences", lambda self, enough: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        Docstrings().load()


def test_same_data_under_another_hash_seed_and_without_a_cache(
    docstrings: SequenceData, tmp_path: Path
):
    (tmp_path / "file").write_text("")
    program = "from rnn_regexp.data import Docstrings; print(Docstrings().load().digest())"
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env={**os.environ, "PYTHONHASHSEED": "7", "RNN_REGEXP_CACHE": str(tmp_path / "file/in")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.stdout.strip() == docstrings.digest(), result.stderr


def test_the_second_load_reads_no_source(docstrings: SequenceData, monkeypatch: pytest.MonkeyPatch):
    def refuse(*words: object, **named: object) -> None:
        raise AssertionError("sources are read again")

    monkeypatch.setattr("ast.parse", refuse)
    assert Docstrings().load().digest() == docstrings.digest()

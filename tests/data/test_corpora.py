"""Corpora of language models and translation: their published counts."""

from collections import Counter
from pathlib import Path

import pytest

from rnn_regexp.data import multi30k, ptb, tinyshakespeare, wikitext2
from rnn_regexp.data.corpora import words
from rnn_regexp.data.files import Present, check
from rnn_regexp.data.published import DataFile
from rnn_regexp.data.sequences import DataError


def present(files: tuple[DataFile, ...], root: str) -> list[Present]:
    return [check(file, Path(root)) for file in files]


def test_words_and_the_ends_of_lines():
    assert list(words(" a b \n\n = c = \n")) == "a b <eos> <eos> = c = <eos>".split()
    assert list(words("a\u2028b\nc")) == ["a", "b", "<eos>", "c", "<eos>"]


@pytest.mark.parametrize(
    ("files", "tokens", "types"),
    [
        (ptb.FILES, [929_589, 73_760, 82_430], 10_000),
        (wikitext2.FILES, [2_088_628, 217_646, 245_569], 33_278),
    ],
    ids=["ptb", "wikitext2"],
)
def test_tokens_and_vocabulary(
    data_root: str, files: tuple[DataFile, ...], tokens: list[int], types: int
):
    train, *others = (Counter(words(file.text())) for file in present(files, data_root))
    assert [own.total() for own in (train, *others)] == tokens
    assert len(train) == types
    assert all(own.keys() <= train.keys() for own in others)


def test_tinyshakespeare(data_root: str):
    (file,) = present(tinyshakespeare.FILES, data_root)
    assert len(file.text()) == 1_115_394
    assert len(set(file.text())) == 65


def test_multi30k(data_root: str):
    found = {own.path.name.removesuffix(".gz"): own for own in present(multi30k.FILES, data_root)}
    pairs = {split: multi30k.pairs(found, split, "de", "en") for split in multi30k.PARTS}
    assert {split: len(own) for split, own in pairs.items()} == {
        "train": 29_000, "valid": 1_014, "test": 1_000
    }  # fmt: skip
    assert pairs["test"][0] == (
        "Ein Mann mit einem orangefarbenen Hut, der etwas anstarrt.",
        "A man in an orange hat starring at something.",
    )
    assert all(left.strip() and right.strip() for own in pairs.values() for left, right in own)


def test_files_that_are_no_pairs(tmp_path: Path):
    found = {}
    for language, text in (("en", "a\nb\n"), ("de", "c\n")):
        path = tmp_path / f"val.{language}"
        path.write_text(text)
        found[path.name] = Present(DataFile(f"multi30k/{path.name}", ""), path, "")
    with pytest.raises(DataError) as error:
        multi30k.pairs(found, "valid", "en", "de")
    assert str(error.value) == (
        "multi30k/val.en and multi30k/val.de have 2 and 1 lines: they are no pairs"
    )

"""Subword tokens: learnt from train alone, the same each time, and read from a file."""

from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from rnn_regexp.data import TextCsv, subwords
from rnn_regexp.data.sequences import DataError, SequenceData
from rnn_regexp.data.text_settings import Labelled, TextSettings

TRAIN = ["low lower lowest"] * 5 + ["new newer newest wide wider widest"] * 5


def encode(test: str, **settings: object) -> SequenceData:
    rows = [Labelled(f"row {n}", text, "xy"[n % 2]) for n, text in enumerate(TRAIN)]
    other = [Labelled("row 1", test, "x")]
    splits = {"train": rows, "valid": rows[:2], "test": other}
    return TextSettings(**settings).encode(splits, {})  # type: ignore[arg-type]


def byte_pairs(words: Counter[str], merges: int) -> dict[str, list[str]]:
    """Sennrich et al. 2016, algorithm 1: ``merges`` times, the most frequent pair becomes one."""
    cut = {word: [word[0], *(f"##{letter}" for letter in word[1:])] for word in words}
    for _ in range(merges):
        pairs: Counter[tuple[str, str]] = Counter()
        for word, count in words.items():
            for pair in pairwise(cut[word]):
                pairs[pair] += count
        if not pairs:
            break
        (best, count), *others = pairs.most_common(2)
        assert all(count > other for _, other in others), "a tie decides nothing"
        for word, old in cut.items():
            cut[word] = []
            while old:
                joined = tuple(old[:2]) == best
                cut[word].append(old[0] + old[1].removeprefix("##") if joined else old[0])
                old = old[2 if joined else 1 :]
    return cut


def pieces(data: SequenceData) -> list[str]:
    length = data.test.lengths[0]
    return [data.vocabulary[token] for token in data.test.inputs[0, :length]]


class TestLearnt:
    @pytest.fixture(autouse=True)
    def _library(self) -> None:
        pytest.importorskip("tokenizers", reason="extra [hf] is not installed")

    def test_a_new_word_is_made_of_known_pieces(self):
        data = encode("Lowerest wideest!", tokenizer="subwords", vocabulary=22)
        assert "".join(pieces(data)).replace("##", "") == "lowerestwideest<unk>"  # no mark in train
        assert data.provenance["unknown_tokens"].startswith("train 0.0%, valid 0.0%")

    def test_the_vocabulary_is_no_larger_than_asked_for(self):
        for size in range(18, 40):
            assert len(encode("low", tokenizer="subwords", vocabulary=size).vocabulary) <= size

    def test_the_test_split_teaches_nothing(self):
        one, other = (encode(text, tokenizer="subwords") for text in ("low", "zebra zebra"))
        assert one.vocabulary == other.vocabulary
        assert one.train.inputs.equal(other.train.inputs)

    @pytest.mark.parametrize("merges", range(6))
    def test_pairs_are_joined_in_the_order_of_the_paper(self, merges: int):
        words = Counter({"abab": 7, "abc": 5, "cab": 4, "bbc": 2})
        text = " ".join(words.elements())
        pieces = {*"abc", "##a", "##b", "##c", "<pad>", "<unk>"}
        cut = subwords.train_subwords([text], len(pieces) + merges)
        assert {word: cut(word) for word in words} == byte_pairs(words, merges)

    def test_a_file(self, tmp_path: Path):
        import tokenizers

        made = tokenizers.Tokenizer(
            tokenizers.models.WordPiece({"[UNK]": 0, "low": 1, "##er": 2}, unk_token="[UNK]")
        )
        made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
        made.enable_truncation(1)
        made.enable_padding(length=9)
        path = tmp_path / "tokenizer.json"
        made.save(str(path))
        data = encode("lower new", tokenizer=str(path))
        assert data.vocabulary == ("<pad>", "<unk>", "low", "##er")
        assert pieces(data) == ["low", "##er", "<unk>"]
        assert "tokenizer tokenizer.json" in data.provenance

    def test_a_file_of_something_else(self, tmp_path: Path):
        path = tmp_path / "tokenizer.json"
        path.write_text("{}")
        with pytest.raises(DataError, match=rf"^dataset\.tokenizer: {path} is no tokenizer file: "):
            encode("low", tokenizer=str(path))


def test_without_the_library(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(__import__("sys").modules, "tokenizers", None)
    with pytest.raises(DataError) as error:
        encode("low", tokenizer="subwords")
    assert str(error.value) == (
        "dataset.tokenizer=subwords needs tokenizers: pip install 'rnn-regexp[hf]'"
    )


def test_a_name_that_is_none():
    with pytest.raises(DataError) as error:
        encode("low", tokenizer="subword")
    assert str(error.value) == (
        "dataset.tokenizer: no such file: subword "
        "(or one of: words, subwords; did you mean subwords?)"
    )


def test_vectors_give_the_rows_of_the_embedding(tmp_path: Path):
    path = tmp_path / "v.txt"
    path.write_text("low 1 2 3\nwide 4 5 6\n")
    data = encode("low", vectors=str(path))
    assert data.vectors is not None
    assert data.vectors.shape == (len(data.vocabulary), 3)
    assert data.vectors[data.vocabulary.index("wide")].tolist() == [4, 5, 6]
    assert data.provenance["vectors_found"] == "2 of 9 tokens (22.2%)"
    assert len(data.provenance["vectors v.txt"]) == 16
    assert data.digest() != encode("low").digest()


def test_vectors_that_are_not_there():
    with pytest.raises(DataError, match=r"^dataset\.vectors: no such file: glove\.txt$"):
        encode("low", vectors="glove.txt")


def test_a_text_without_a_token_is_named(tmp_path: Path):
    for text, what in ((" ", "empty text"), (";:", "no word in ';:'")):
        with pytest.raises(DataError) as error:
            encode(text)
        assert str(error.value) == f"row 1: {what}"


def test_own_texts_take_the_same_settings(tmp_path: Path):
    vectors = tmp_path / "v.txt"
    vectors.write_text("fine 1 2 3\n")
    lines = "".join(f"film {n} is fine,{n % 2}\n" for n in range(40))
    (tmp_path / "a.csv").write_text("text,label\n" + lines)
    data = TextCsv(path=str(tmp_path / "a.csv"), vectors=str(vectors)).load()
    assert data.vectors is not None
    assert data.vectors[data.vocabulary.index("fine")].tolist() == [1, 2, 3]

"""Multi30k: its published facts, two vocabularies of train alone, and texts as they were."""

from collections import Counter
from pathlib import Path

import pytest
import torch
from sacrebleu.metrics import BLEU

from rnn_regexp.commands.data import listing
from rnn_regexp.data import Multi30k, multi30k, parallel_texts
from rnn_regexp.data.multi30k import PARTS, Direction
from rnn_regexp.data.parallel_texts import joined
from rnn_regexp.data.sequences import DataError, SequenceData
from rnn_regexp.data.text import tokenize
from rnn_regexp.data.vectors import load_vectors

pytestmark = pytest.mark.usefixtures("offline")
SPLITS = ("train", "valid", "test")


@pytest.fixture(scope="module")
def data(data_root: str) -> SequenceData:
    return Multi30k(root=data_root).load()


def test_the_files_have_as_many_words_as_was_counted(data_root: str):
    found = Multi30k(root=data_root).present()
    counts = {
        split: tuple(
            sum(len(sentence.encode().split()) for sentence in side)
            for side in zip(*multi30k.pairs(found, split, "en", "de"))
        )
        for split in PARTS
    }
    assert counts == {
        "train": (345_020, 322_336), "valid": (12_167, 11_567), "test": (11_877, 10_905)
    }  # fmt: skip


def test_sizes_and_what_is_recorded(data: SequenceData):
    assert {split: len(getattr(data, split)) for split in SPLITS} == {
        "train": 28_999, "valid": 1_014, "test": 1_000
    }  # fmt: skip
    assert data.provenance["texts_in_two_splits_left_out"] == "1"
    assert data.task == "translate"
    assert len(data.vocabulary) == len(data.classes) == 8000
    assert data.vocabulary[:2] == ("<pad>", "<unk>")
    assert data.classes[:2] == ("</s>", "<unk>")
    assert data.provenance["de_unknown_tokens"] == "train 3.0%, valid 4.4%, test 3.7%"
    assert data.provenance["en_truncated_texts"] == data.provenance["de_truncated_texts"] == "0"


def texts(data: SequenceData, split: str) -> list[tuple[list[str], list[str], str]]:
    """Source words, target words and reference of each row; -1 and padding left out."""
    own, told = getattr(data, split), parallel_texts.sentences(data.constants["references"])
    return [
        (
            [data.vocabulary[i] for i in ids[:length]],
            [data.classes[i] for i in target[1:] if i >= 0],
            told[target[0]],
        )
        for ids, length, target in zip(
            own.inputs.tolist(), own.lengths.tolist(), own.targets.tolist()
        )
    ]


@pytest.mark.parametrize("direction", Direction)
def test_rows_are_pairs_that_were_published(data_root: str, direction: Direction):
    settings = Multi30k(root=data_root, direction=direction, vocabulary=20_000)
    data, found = settings.load(), settings.present()
    for split in SPLITS:
        published = Counter(multi30k.pairs(found, split, *direction.name.split("_")))
        rows = texts(data, split)
        references = {" ".join(right.split()) for _, right in published}
        assert all(reference in references for *_, reference in rows)
        pairs = {
            (tuple(tokenize(a)), tuple(tokenize(b)), " ".join(b.split())) for a, b in published
        }
        known = [own for own in rows if "<unk>" not in (*own[0], *own[1])]
        assert len(known) > 0.6 * len(rows)
        assert all((tuple(a), tuple(b[:-1]), text) in pairs for a, b, text in known)
        assert all(b.count("</s>") == 1 and b[-1] == "</s>" for _, b, _ in rows)


def test_vocabularies_are_those_of_train(data_root: str):
    settings = Multi30k(root=data_root, examples=200)
    data, found = settings.load(), settings.present()
    assert len(data.train) == 200
    for words, language, unknown in ((data.vocabulary, 0, 2), (data.classes, 1, 2)):
        train = {tuple(tokenize(p[language])) for p in multi30k.pairs(found, "train", "en", "de")}
        seen = {word for sentence in train for word in sentence}
        assert set(words[unknown:]) <= seen
        assert len(words) < 1500  # of 200 sentences, not of all
    told = {word for row in texts(data, "train") for word in row[0]}
    assert told == set(data.vocabulary[2:])


def test_fewer_examples_are_the_first_of_more(data_root: str):
    few, more = (Multi30k(root=data_root, examples=count).load() for count in (50, 90))
    told = [[row[2] for row in texts(own, "train")] for own in (few, more)]
    assert told[1][:50] == told[0]
    assert len(few.valid) == len(more.valid) == 1014


def test_long_sentences_are_cut_and_counted(data_root: str):
    data = Multi30k(root=data_root, max_length=10).load()
    assert data.train.inputs.shape[1] == 10
    assert data.train.targets.shape[1] == 1 + 10 + 1
    assert (data.train.targets[:, 1:] == 0).sum(dim=1).eq(1).all()  # an end mark each
    assert int(data.provenance["de_truncated_texts"]) > 1000


def test_words_put_together_again_are_nearly_the_text(data_root: str):
    """What the tokenizer drops, quotation marks, no model can write: it costs this much BLEU."""
    found = Multi30k(root=data_root).present()
    for language, at_least in (("en", 99.4), ("de", 99.4)):
        references = [own for own, _ in multi30k.pairs(found, "valid", language, "en")]
        written = [joined(tokenize(own)) for own in references]
        assert BLEU(lowercase=True).corpus_score(written, [references]).score > at_least


def test_subwords_leave_nothing_unknown(data_root: str):
    pytest.importorskip("tokenizers")
    data = Multi30k(root=data_root, tokenizer="subwords", vocabulary=2000).load()
    assert len(data.classes) <= 2000
    assert data.provenance["de_unknown_tokens"] == "train 0.0%, valid 0.0%, test 0.0%"
    rows = texts(data, "valid")
    written, references = [joined(own[1][:-1]) for own in rows], [own[2] for own in rows]
    assert BLEU(lowercase=True).corpus_score(written, [references]).score > 98


def test_vectors_are_the_sources(data_root: str, tmp_path: Path):
    path = tmp_path / "words.vec"
    path.write_text("dog 1 2 3\nwoman 4 5 6\n")
    data = Multi30k(root=data_root, examples=2000, vectors=str(path)).load()
    expected = load_vectors(str(path), data.vocabulary)
    torch.testing.assert_close(data.vectors, expected, equal_nan=True)  # German has neither word
    assert data.vectors[data.vocabulary.index("dog")].tolist() == [1, 2, 3]


def test_a_search_is_part_of_the_data(data_root: str):
    one, other = (Multi30k(root=data_root, examples=9, beam=beam).load() for beam in (1, 4))
    assert one.constants["beam"].tolist() == [1]
    assert other.constants["beam"].tolist() == [4]
    assert one.digest() != other.digest()


def test_a_sentence_without_words_is_named(data_root: str, tmp_path: Path):
    (tmp_path / "multi30k").mkdir()
    for name, file in Multi30k(root=data_root).present().items():
        text = file.text()
        lines = text.split("\n")
        if name == "val.de":
            lines[2] = " "
        (tmp_path / "multi30k" / name).write_text("\n".join(lines))
    with pytest.raises(DataError) as error:
        Multi30k(root=str(tmp_path)).load()
    assert "val.de" in str(error.value)  # its checksum is not the published one's


def test_it_is_listed(data_root: str):
    (line,) = (own for own in listing(Path(data_root)) if own.startswith("multi30k "))
    assert line.split()[:5] == ["multi30k", "translate", "4.2", "MB", "present"]

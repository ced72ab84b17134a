"""Streams of language models: vocabulary of train, published counts, tokens in order."""

import pytest

from rnn_regexp.data import DocstringsLm, Ptb, Tinyshakespeare
from rnn_regexp.data.running_text import running_text
from rnn_regexp.data.sequences import DataError, SequenceData, Split

TEXTS = {
    "train": "b a b c b a <unk> b".split(),
    "valid": "a d b".split(),
    "test": "c <pad>".split(),
}


def words(data: SequenceData, split: Split) -> list[str]:
    ids = [*split.inputs[0].tolist(), split.targets[0, -1].item()]
    return [data.vocabulary[token] for token in ids]


def test_words_come_by_their_frequency_in_train_and_unknown_ones_as_unk():
    data = running_text(TEXTS, None, {"file": "1"})
    assert data.vocabulary == ("<pad>", "<unk>", "b", "a", "c")
    assert words(data, data.train) == TEXTS["train"]
    assert words(data, data.valid) == ["a", "<unk>", "b"]
    assert words(data, data.test) == ["c", "<unk>"]  # only padding is 0
    assert data.provenance == {
        "file": "1", "tokens_train": "8", "tokens_valid": "3", "tokens_test": "2"
    }  # fmt: skip
    assert data.task == "language_model"


def test_a_smaller_vocabulary_keeps_the_most_frequent():
    data = running_text(TEXTS, 4, {})
    assert data.vocabulary == ("<pad>", "<unk>", "b", "a")
    assert words(data, data.train) == "b a b <unk> b a <unk> b".split()


def test_a_text_without_anything_to_predict_is_refused():
    with pytest.raises(DataError, match=r"^the text of valid has 1 tokens: at least 2 are needed$"):
        running_text({**TEXTS, "valid": ["a"]}, None, {})


@pytest.mark.parametrize("train", [["<unk>"] * 3, ["<unk>", "<pad>", "<unk>"]])
def test_a_text_of_nothing_but_unk_is_refused(train: list[str]):
    with pytest.raises(DataError, match=r"^the text of train holds no token but <unk>: there is"):
        running_text({**TEXTS, "train": train}, None, {})


def test_ptb_has_its_published_counts(data_root: str):
    data = Ptb(root=data_root).load()
    assert len(data.vocabulary) == 10_001  # and <pad>
    counts = [data.provenance[f"tokens_{split}"] for split in ("train", "valid", "test")]
    assert counts == ["929589", "73760", "82430"]
    assert words(data, data.train)[:6] == "aer banknote berlitz calloway centrust cluett".split()
    assert words(data, data.test)[-2:] == ["us", "<eos>"]
    limited = Ptb(root=data_root, vocabulary=1000).load()
    assert len(limited.vocabulary) == 1000


def test_tinyshakespeare_is_65_characters_in_order(data_root: str):
    data = Tinyshakespeare(root=data_root).load()
    assert len(data.vocabulary) == 67
    parts = ["".join(words(data, own)) for own in (data.train, data.valid, data.test)]
    assert sum(map(len, parts)) == 1_115_394
    assert parts[0].startswith("First Citizen:\nBefore we proceed any further")
    assert len(parts[1]) == len(parts[2]) == 55_770


def test_docstrings_are_running_text_of_whole_modules():
    data = DocstringsLm().load()
    assert len(data.vocabulary) == 3000
    train = words(data, data.train)
    assert 50_000 < len(train) < 200_000
    assert 0.03 < train.count("<eos>") / len(train) < 0.15
    assert train.count("<unk>") / len(train) < 0.1

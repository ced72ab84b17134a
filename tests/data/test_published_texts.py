"""AG News, TREC, SST-2 and IMDB: their published facts, and no text in two splits."""

import csv
import io
import tarfile
from collections import Counter
from pathlib import Path

import pytest

from rnn_regexp.data import AgNews, Imdb, Sst2, Trec
from rnn_regexp.data.ag_news import CLASSES, SAMPLE, TESTING, items
from rnn_regexp.data.files import check
from rnn_regexp.data.imdb import table
from rnn_regexp.data.published import find
from rnn_regexp.data.published_texts import PublishedTexts, Texts, separate
from rnn_regexp.data.sequences import DataError, SequenceData
from rnn_regexp.data.text_settings import Labelled
from rnn_regexp.data.trec import Labels

pytestmark = pytest.mark.usefixtures("offline")


def read(dataset: PublishedTexts) -> Texts:
    return dataset.read(dataset.present())


def sizes(texts: Texts) -> dict[str, int]:
    return {split: len(rows) for split, rows in texts.items()}


def classes(rows: list[Labelled]) -> Counter[str]:
    return Counter(own.label for own in rows)


def test_trec(data_root: str):
    coarse, fine = (read(Trec(root=data_root, labels=labels)) for labels in Labels)
    assert sizes(coarse) == sizes(fine) == {"train": 5452, "test": 500}
    assert classes(coarse["train"]) == {
        "ENTY": 1250, "HUM": 1223, "DESC": 1162, "NUM": 896, "LOC": 835, "ABBR": 86
    }  # fmt: skip
    assert classes(coarse["test"]) == {
        "DESC": 138, "NUM": 113, "ENTY": 94, "LOC": 81, "HUM": 65, "ABBR": 9
    }  # fmt: skip
    assert len(classes(fine["train"])) == 50
    assert len(classes(fine["test"])) == 42
    assert fine["train"][0] == Labelled(
        "row 1 of trec/train_5500.label",
        "How did serfdom develop in and then leave Russia ?",
        "DESC:manner",
    )


def test_trec_in_latin_1_as_published(data_root: str, tmp_path: Path):
    (tmp_path / "trec").mkdir()
    for name, file in Trec(root=data_root).present().items():
        (tmp_path / "trec" / name).write_bytes(file.text().encode("latin-1"))
    assert read(Trec(root=str(tmp_path))) == read(Trec(root=data_root))


def test_sst2(data_root: str):
    texts = read(Sst2(root=data_root))
    assert sizes(texts) == {"train": 6920, "valid": 872, "test": 1821}
    assert {split: classes(rows)["positive"] for split, rows in texts.items()} == {
        "train": 3610, "valid": 444, "test": 909
    }  # fmt: skip
    assert texts["valid"][0].text == "one long string of cliches ."
    assert texts["valid"][0].label == "negative"


def test_imdb(data_root: str):
    texts = read(Imdb(root=data_root))
    assert sizes(texts) == {"train": 25000, "test": 25000}
    bytes_of_text = {split: sum(len(own.text.encode()) for own in texts[split]) for split in texts}
    assert bytes_of_text == {"train": 33_132_823, "test": 32_350_685}
    for rows in texts.values():
        assert classes(rows) == {"positive": 12500, "negative": 12500}
    assert texts["train"][0].text.startswith("Story of a man who has unnatural feelings for a pig.")
    assert texts["train"][0].where == "row 2 of imdb/train.csv"


def test_ag_news(data_root: str):
    test = items(check(TESTING, Path(data_root)))
    assert classes(test) == dict.fromkeys(CLASSES, 1900)
    assert test[0].text.startswith("Fears for T N pension after talks Unions representing")
    assert test[0].label == "Business"
    assert not any("\\" in own.text for own in test)


def test_ag_news_subset(data_root: str):
    if find(SAMPLE, Path(data_root)) is None:
        pytest.skip(f"no {SAMPLE.name}")
    train = read(AgNews(root=data_root, subset=True))["train"]
    assert classes(train) == dict(zip(CLASSES, (4718, 4808, 4736, 4632)))
    data = AgNews(root=data_root, subset=True).load()
    assert "ag_news/train_subset.csv" in data.provenance
    assert "ag_news/train.csv" not in data.provenance


def test_without_the_training_file_a_subset_is_offered(data_root: str):
    if find(AgNews.published[0], Path(data_root)):
        pytest.skip("the training file is there")
    with pytest.raises(DataError) as error:
        AgNews(root=data_root).load()
    missing, hint = str(error.value).splitlines()
    assert missing.startswith(f"{data_root}/ag_news/train.csv is missing and cannot be fetched")
    assert hint == "dataset.subset=true learns from ag_news/train_subset.csv, which is there"


def imdb_archive(path: Path, rows: list[tuple[str, str, str, str]]) -> None:
    """The archive's layout: a file for each review, and others."""
    with tarfile.open(path, "w:gz") as tar:
        files = [
            (f"aclImdb/train/{'neg' if label == '0' else 'pos'}/{number}_{rating}.txt", text)
            for label, rating, number, text in rows
        ]
        others = [("aclImdb/train/unsup/0_0.txt", "none"), ("aclImdb/train/urls_neg.txt", "none")]
        for name, text in [*reversed(files), *others, ("aclImdb/test/neg/0_1.txt", "other")]:
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            tar.addfile(info, io.BytesIO(text.encode()))


def test_the_imdb_archive_becomes_the_table(data_root: str, tmp_path: Path):
    file = Imdb(root=data_root).present()["train.csv"]
    lines = file.text().split("\n")
    kept = [lines[0], *lines[1:300], *lines[12501:12800], ""]
    rows = [tuple(row) for row in csv.reader(kept[1:-1])]
    imdb_archive(tmp_path / "aclImdb.tar.gz", rows)  # type: ignore[arg-type]
    content = io.BytesIO()
    table("train")(tmp_path / "aclImdb.tar.gz", content)
    assert content.getvalue().decode() == "\n".join(kept)


def test_another_archive_is_refused(tmp_path: Path):
    imdb_archive(tmp_path / "a.tar.gz", [])
    with pytest.raises(DataError, match=r"^a\.tar\.gz holds no reviews in aclImdb/train$"):
        table("train")(tmp_path / "a.tar.gz", io.BytesIO())


@pytest.fixture(scope="module")
def trec(data_root: str) -> SequenceData:
    return Trec(root=data_root).load()


def test_splits_and_what_is_left_out(trec: SequenceData):
    assert len(trec.test) == 500
    left_out = int(trec.provenance["texts_in_two_splits_left_out"])
    assert left_out == 11
    assert len(trec.train) + len(trec.valid) == 5452 - left_out
    assert 0.09 < len(trec.valid) / 5452 < 0.11
    assert trec.provenance["trec/TREC_10.label"] == "033f22c028c2bbba"


def test_fewer_examples_are_a_prefix_and_change_no_other_split(data_root: str, trec: SequenceData):
    few = Trec(root=data_root, examples=60).load()
    assert few.train.targets.bincount().tolist() == [10] * 6
    assert few.train.targets.tolist() == trec.train.targets[:60].tolist()
    assert few.valid.targets.equal(trec.valid.targets)
    with pytest.raises(DataError, match=r"^dataset\.examples must be at most 4895, got 4896$"):
        Trec(root=data_root, examples=4896).load()


def labelled(*texts: str) -> list[Labelled]:
    return [Labelled(f"row {n}", text, "xy"[n % 2]) for n, text in enumerate(texts)]


def wordings(splits: Texts) -> dict[str, set[str]]:
    return {split: {own.text for own in rows} for split, rows in splits.items()}


def test_texts_of_two_splits_stay_in_the_last_one():
    official = {
        "train": labelled("a b", "A  B!", "c d", "e f", "g"),
        "valid": labelled("C, d", "h", "e"),
        "test": labelled("a-b", "E.", "z"),
    }
    splits, left_out = separate(official, 0.5)
    assert wordings(splits) == {
        "train": {"e f", "g"}, "valid": {"C, d", "h"}, "test": {"a-b", "E.", "z"}
    }  # fmt: skip
    assert left_out == 4


def test_a_drawn_validation_split_shares_no_text_with_train():
    train = labelled(*(f"text {n // 4}" for n in range(80)))
    splits, left_out = separate({"train": train, "test": labelled("z")}, 0.25)
    parts = wordings(splits)
    assert left_out == 0
    assert not parts["train"] & parts["valid"]
    assert {split: len(rows) for split, rows in splits.items()} == {
        "train": 60, "valid": 20, "test": 1
    }  # fmt: skip
    again, _ = separate({"train": train[::-1], "test": labelled("z")}, 0.25)
    assert wordings(again) == parts

"""The user's own file: what is read, how it is split, and what is said of a file at fault."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rnn_regexp.data import TextCsv
from rnn_regexp.data.sequences import DataError, SequenceData, Split

GOOD = "text,label\n" + "".join(
    f"film {n} is {'fine' if n % 2 else 'dull'},{'pos' if n % 2 else 'neg'}\n" for n in range(40)
)
SPLIT = (
    "text,label,part\na b,x,train\nb c,y,train\nd e,x,valid\ne f,y,valid\ng h,x,test\nh i,y,test\n"
)
Write = Callable[..., str]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    monkeypatch.chdir(tmp_path)

    def file(content: str | bytes, name: str = "reviews.csv") -> str:
        raw = content.encode() if isinstance(content, str) else content
        Path(name).write_bytes(raw)
        return name

    return file


def texts(data: SequenceData, split: Split) -> list[str]:
    return [
        " ".join(data.vocabulary[token] for token in row[:length])
        for row, length in zip(split.inputs, split.lengths, strict=True)
    ]


def refusal(**settings: object) -> str:
    with pytest.raises(DataError) as error:
        TextCsv(**settings).load()  # type: ignore[arg-type]
    assert "\n" not in str(error.value)
    return str(error.value)


def test_draws_fractions_of_each_class(write: Write):
    data = TextCsv(path=write(GOOD), valid_fraction=0.1, test_fraction=0.2).load()
    assert data.classes == ("neg", "pos")
    assert data.train.targets.bincount().tolist() == [14, 14]
    assert data.valid.targets.bincount().tolist() == [2, 2]
    assert data.test.targets.bincount().tolist() == [4, 4]


def test_labels_stay_with_their_texts(write: Write):
    data = TextCsv(path=write(GOOD)).load()
    for text, target in zip(texts(data, data.train), data.train.targets, strict=True):
        assert data.classes[target] == ("pos" if "fine" in text else "neg")


def test_the_order_of_the_rows_is_of_no_account(write: Write):
    header, *lines = GOOD.splitlines()
    forward = TextCsv(path=write(GOOD)).load()
    backward = TextCsv(path=write("\n".join([header, *reversed(lines)]))).load()
    assert forward.digest() == backward.digest()


def test_same_words_stay_together(write: Write):
    twins = "".join(f"Film {n % 20} is good!,{'neg' if n % 2 else 'pos'}\n" for n in range(60))
    twins += "".join(f"film {n}   is GOOD !,{'neg' if n % 2 else 'pos'}\n" for n in range(20))
    path = write("text,label\n" + twins)
    data = TextCsv(path=path, valid_fraction=0.26, test_fraction=0.23).load()
    assert len(data.train) + len(data.valid) + len(data.test) == 80
    assert {len(part) % 4 for part in (data.train, data.valid, data.test)} == {0}
    assert data.provenance["texts_in_two_splits"] == "0"


def test_split_column(write: Write):
    data = TextCsv(path=write(SPLIT), split_column="part").load()
    assert sorted(texts(data, data.train)) == ["a b", "b c"]
    assert (len(data.valid), len(data.test)) == (2, 2)
    assert data.provenance["texts_in_two_splits"] == "0"


@pytest.mark.parametrize("word", ["validation", "val", "dev", "Dev", " VALID "])
def test_split_names_have_synonyms(write: Write, word: str):
    data = TextCsv(path=write(SPLIT.replace(",valid", f",{word}")), split_column="part").load()
    assert (len(data.train), len(data.valid), len(data.test)) == (2, 2, 2)


def test_texts_in_two_splits_are_counted(write: Write):
    path = write(SPLIT + "A b,x,test\na  B,x,valid\nb c,y,dev\n")
    data = TextCsv(path=path, split_column="part").load()
    assert data.provenance["texts_in_two_splits"] == "2"


def test_a_split_that_is_not_named_is_drawn_from_train(write: Write):
    lines = [f"{line},train" for line in GOOD.splitlines()[1:]]
    lines += ["the end,pos,test", "no end,neg,test"]
    path = write("text,label,part\n" + "\n".join(lines))
    data = TextCsv(path=path, split_column="part", valid_fraction=0.2).load()
    assert (len(data.train), len(data.valid), len(data.test)) == (32, 8, 2)


def test_other_columns_and_limits(write: Write):
    content = GOOD.replace("text,label", "body, stars ")
    data = TextCsv(
        path=write(content), text_column="body", label_column="stars", vocabulary=5, max_length=2
    ).load()
    assert data.vocabulary[:2] == ("<pad>", "<unk>")
    assert len(data.vocabulary) == 5
    assert data.train.inputs.shape[1] == 2
    assert data.provenance["truncated_texts"] == "40"


def test_provenance_does_not_tell_the_folder(write: Write, tmp_path: Path):
    data = TextCsv(path=str(tmp_path / write(GOOD))).load()
    counts = {"texts_in_two_splits", "truncated_texts", "unknown_tokens"}
    assert set(data.provenance) == {"reviews.csv"} | counts


@pytest.mark.parametrize(
    ("content", "settings", "message"),
    [
        (
            GOOD,
            {"text_column": "txt"},
            (
                "dataset.text_column: no column 'txt' in reviews.csv "
                "(columns: text, label; did you mean text?)"
            ),
        ),
        (
            GOOD,
            {"label_column": "sentiment"},
            "dataset.label_column: no column 'sentiment' in reviews.csv (columns: text, label)",
        ),
        (
            SPLIT,
            {"split_column": "parts"},
            (
                "dataset.split_column: no column 'parts' in reviews.csv "
                "(columns: text, label, part; did you mean part?)"
            ),
        ),
        (
            "text,label\nfine,pos\ngood,pos\n",
            {},
            (
                "dataset.label_column: reviews.csv has only the class 'pos'; "
                "a classifier needs two or more"
            ),
        ),
        (GOOD + " ,pos\n", {}, "dataset.text_column: row 42 of reviews.csv: empty text"),
        (
            'text,label\n"two\nlines",pos\n\n"",pos\n',
            {},
            "dataset.text_column: row 5 of reviews.csv: empty text",
        ),
        (GOOD + ";:,pos\n", {}, "dataset.text_column: row 42 of reviews.csv: no word in ';:'"),
        (GOOD + "fine, \n", {}, "dataset.label_column: row 42 of reviews.csv has no label"),
        (
            SPLIT + "new,z,test\n",
            {"split_column": "part"},
            (
                "dataset.label_column: the class 'z' in row 8 of reviews.csv occurs in test "
                "and never in train"
            ),
        ),
        (
            SPLIT + "new,x,holdout\n",
            {"split_column": "part"},
            (
                "dataset.split_column: row 8 of reviews.csv says 'holdout'; allowed are "
                "train (or training), valid (or validation, val, dev), test (or testing)"
            ),
        ),
        (
            SPLIT.replace(",train", ",test"),
            {"split_column": "part"},
            "dataset.path: reviews.csv has too few rows, none is left for train",
        ),
        (
            "text,label\na,x\nb,y\n",
            {},
            "dataset.valid_fraction: reviews.csv has too few rows, none is left for valid",
        ),
        (
            GOOD,
            {"valid_fraction": 0.6, "test_fraction": 0.5},
            "dataset.valid_fraction + dataset.test_fraction must be below 1, got 0.6 + 0.5",
        ),
    ],
)
def test_refuses(write: Write, content: str | bytes, settings: dict[str, object], message: str):
    assert refusal(path=write(content), **settings) == message


def test_path_is_not_set():
    assert refusal() == (
        "dataset.path is not set: name a CSV or TSV file, as in dataset.path=reviews.csv"
    )

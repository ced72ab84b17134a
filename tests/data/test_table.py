"""CSV and TSV files: what is a row, and what is said of a file that cannot be read."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from rnn_regexp.data.sequences import DataError
from rnn_regexp.data.table import read_table

TEXT = "text,label\nwell done,pos\nnot so,neg\n"
ROWS = [["well done", "pos"], ["not so", "neg"]]
HINT = "(dataset.quoted=false reads quotation marks as they stand)"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(content: str | bytes, name: str = "reviews.csv") -> str:
    Path(name).write_bytes(content.encode() if isinstance(content, str) else content)
    return name


def refusal(path: str, delimiter: str | None = None) -> str:
    with pytest.raises(DataError) as error:
        read_table(path, delimiter, quoted=True)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    ("name", "convert", "delimiter"),
    [
        ("a.csv", lambda s: s.encode(), None),
        ("a.tsv", lambda s: s.replace(",", "\t").encode(), None),
        ("a.csv.gz", lambda s: gzip.compress(s.encode()), None),
        ("a.TSV.GZ", lambda s: gzip.compress(s.replace(",", "\t").encode()), None),
        ("a.txt", lambda s: s.replace(",", "\t").encode(), "tab"),
        ("a.txt", lambda s: s.replace(",", "\t").encode(), "\\t"),
        ("a.csv", lambda s: s.replace(",", ";").encode(), ";"),
        ("a.csv", lambda s: s.encode("utf-8-sig"), None),
        ("a.csv", lambda s: s.replace("\n", "\r\n").encode(), None),
        ("a.csv", lambda s: s.replace("text,label", " text, label ").encode(), None),
    ],
)
def test_formats(name: str, convert: Callable[[str], bytes], delimiter: str | None):
    table = read_table(write(convert(TEXT), name), delimiter, quoted=True)
    assert table.columns == ["text", "label"]
    assert table.rows == [(2, ROWS[0]), (3, ROWS[1])]


def test_rows_are_counted_as_an_editor_counts_them():
    content = 'text,label\n"one,\ntwo, ""three""",a\n\nfour,b\r\n"",c'
    table = read_table(write(content), None, quoted=True)
    assert table.rows == [(2, ['one,\ntwo, "three"', "a"]), (5, ["four", "b"]), (6, ["", "c"])]


def test_long_texts():
    long = "word " * 50_000
    assert read_table(write(TEXT + long + ",pos"), None, quoted=True).rows[2][1][0] == long


def test_quotation_marks_as_they_stand():
    path = write(TEXT + '"Yes" it was,pos\n')
    assert refusal(path) == f"dataset.path: row 4 of {path}: ',' expected after '\"' {HINT}"
    assert read_table(path, None, quoted=False).rows[2] == (4, ['"Yes" it was', "pos"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "reviews.csv is empty"),
        ("\n\n", "reviews.csv is empty"),
        ("text,label\n", "reviews.csv has a header and no rows"),
        ("text,text,label\na,b,c\n", "reviews.csv has two columns called 'text'"),
        (TEXT + "well, well,pos\n", "row 4 of reviews.csv has 3 fields, the header has 2"),
        (TEXT + '\n"open,pos\na,b\n', f"row 5 of reviews.csv: unexpected end of data {HINT}"),
        (
            TEXT.encode() + "café,pos\n".encode("latin-1"),
            f"reviews.csv is not UTF-8: byte 0xe9 at position {len(TEXT) + 3} (row 4)",
        ),
        (
            b"\xef\xbb\xbftext,label\ncaf\xe9,pos\n",
            "reviews.csv is not UTF-8: byte 0xe9 at position 17 (row 2)",
        ),
    ],
)
def test_refuses(content: str | bytes, message: str):
    assert refusal(write(content)) == f"dataset.path: {message}"


@pytest.mark.parametrize("delimiter", ["::", "", '"', "\n"])
def test_a_delimiter_is_one_character(delimiter: str):
    assert refusal(write(TEXT), delimiter) == (
        f"dataset.delimiter must be one character or tab, got {delimiter!r}"
    )


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("revews.csv", "no such file: revews.csv (did you mean reviews.csv?)"),
        ("./revews.csv", "no such file: ./revews.csv (did you mean reviews.csv?)"),
        ("data.json", "no such file: data.json"),
        ("dta/reviews.csv", "no such file: dta/reviews.csv (there is no folder dta)"),
        (".", ". is a folder, not a file"),
        ("reviews.csv/x", "cannot read reviews.csv/x: Not a directory"),
    ],
)
def test_no_such_file(path: str, message: str):
    write(TEXT)
    assert refusal(path) == f"dataset.path: {message}"


CUT_SHORT = gzip.compress(TEXT.encode())[:30]


@pytest.mark.parametrize("content", [TEXT.encode(), CUT_SHORT], ids=["plain", "cut"])
def test_not_compressed_or_cut_short(content: bytes):
    path = write(content, "a.csv.gz")
    assert refusal(path).startswith("dataset.path: cannot read a.csv.gz: ")

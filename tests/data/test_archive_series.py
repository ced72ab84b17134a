"""``.ts`` files of the UCR and UEA archive."""

import gzip
from pathlib import Path

import pytest

from rnn_regexp.data import JapaneseVowels, Ucr, installed
from rnn_regexp.data.archive_series import parse
from rnn_regexp.data.sequences import DataError
from rnn_regexp.data.ucr import UcrSet

HEADER = "# told of the set\n@problemName Two\n@classLabel true a b\n@data\n"


def test_channels_are_columns():
    first, second = parse(HEADER + "1,2,3:4,5,6:a\n\n-1e-1,0:7,8:b\n", "two.ts")
    assert first.values.tolist() == [[1, 4], [2, 5], [3, 6]]
    assert second.values.tolist() == [[-0.1, 7], [0, 8]]
    assert (first.label, second.label) == ("a", "b")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("1,2:a\n", "two.ts is no .ts file: it has no line @data"),
        (HEADER, "two.ts has no series behind @data"),
        (
            HEADER + "1,2:a\n3,?:b\n",
            "line 6 of two.ts, channel 1, step 2: '?', "
            "but a series must be complete to be classified",
        ),
        (
            HEADER + "1,2:NaN,4:a\n",
            "line 5 of two.ts, channel 2, step 1: 'NaN', "
            "but a series must be complete to be classified",
        ),
        (HEADER + "1,2:3,x:a\n", "line 5 of two.ts, channel 2, step 2: 'x' is no number"),
        (HEADER + "1,:3,4:a\n", "line 5 of two.ts, channel 1, step 2: '' is no number"),
        (HEADER + "1,2:3:a\n", "line 5 of two.ts has channels of 1 and of 2 steps"),
        (HEADER + "1,2:\n", "line 5 of two.ts has no class behind the last colon"),
        (HEADER + "1:2:a\n1:a\n", "two.ts has series of 1 and of 2 channels"),
    ],
)
def test_bad_lines(text: str, line: str):
    with pytest.raises(DataError) as error:
        parse(text, "two.ts")
    assert str(error.value) == line


@pytest.fixture
def package(data_root: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """sktime's folder with the published files in it."""
    for file in Ucr(problem=UcrSet.GunPoint).files():
        name = file.name.rpartition("/")[2]
        inside = tmp_path / "sktime" / "datasets" / "data" / "GunPoint" / name
        inside.parent.mkdir(parents=True, exist_ok=True)
        inside.write_bytes(gzip.decompress(Path(f"{data_root}/{file.name}.gz").read_bytes()))
    monkeypatch.setattr(installed, "find", lambda name: (tmp_path / name, "1.0"))
    (tmp_path / "empty").mkdir()
    return tmp_path


@pytest.mark.usefixtures("offline")
def test_sktimes_files_are_as_good(package: Path, data_root: str):
    found = Ucr(root=str(package / "empty")).load()
    assert found.digest() == Ucr(root=data_root).load().digest()
    assert found.provenance == Ucr(root=data_root).load().provenance


@pytest.mark.usefixtures("offline")
def test_another_content_in_sktime_is_refused(package: Path):
    path = package / "sktime/datasets/data/GunPoint/GunPoint_TEST.ts"
    path.write_text(path.read_text().replace("-0.6", "-0.7", 1))
    with pytest.raises(DataError, match=r"GunPoint_TEST\.ts is not what was published"):
        Ucr(root=str(package / "empty")).load()


@pytest.mark.usefixtures("package", "offline")
def test_a_set_that_sktime_does_not_bring_is_fetched(tmp_path: Path):
    with pytest.raises(DataError, match=r"ArrowHead_TRAIN\.ts is missing and cannot be fetched"):
        Ucr(root=str(tmp_path / "empty"), problem=UcrSet.ArrowHead).load()


@pytest.mark.parametrize("problem", UcrSet, ids=lambda own: own.name)
def test_ucr_facts(problem: UcrSet, data_root: str):
    data = Ucr(root=data_root, problem=problem, valid_fraction=0.0).load()
    found = (
        f"{len(data.train)} and {len(data.test):,}, {data.features}, "
        f"{data.train.inputs.shape[1]}, {len(data.classes)}"
    )
    assert found == problem.value
    assert set(data.test.lengths.tolist()) == {data.train.inputs.shape[1]}
    assert data.provenance["sequences_in_two_splits"] == "0"


def test_japanese_vowels_facts(data_root: str):
    data = JapaneseVowels(root=data_root, valid_fraction=0.0).load()
    assert data.train.targets.bincount().tolist() == [30] * 9
    assert data.test.targets.bincount().tolist() == [31, 35, 88, 44, 29, 24, 40, 50, 29]
    assert data.features == 12
    lengths = [*data.train.lengths.tolist(), *data.test.lengths.tolist()]
    assert (min(lengths), max(lengths)) == (7, 29)
    assert data.provenance["sequences_in_two_splits"] == "0"


def test_japanese_vowels_holds_out_six_of_thirty_of_each_speaker(data_root: str):
    data = JapaneseVowels(root=data_root).load()
    assert data.train.targets.bincount().tolist() == [24] * 9
    assert data.valid.targets.bincount().tolist() == [6] * 9

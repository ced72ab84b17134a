"""Surnames of mimesis and peptides of modlamp: planted ones, and the real where installed."""

import json
from pathlib import Path

import pytest

from rnn_regexp.data import AntimicrobialPeptides, Surnames, antimicrobial_peptides, surnames
from rnn_regexp.data.sequences import DataError, SequenceData
from rnn_regexp.data.surnames import LANGUAGES


def names_of(data: SequenceData) -> dict[str, str]:
    """Every sequence as text, with its class."""
    return {
        "".join(data.vocabulary[own] for own in row[:length]): data.classes[target]
        for split in (data.train, data.valid, data.test)
        for row, length, target in zip(split.inputs, split.lengths, split.targets)
    }


@pytest.fixture
def mimesis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package laid out as mimesis is, with twenty names to a language."""
    letters = "bcdfghjklmnpqrstvwxz"
    for language in LANGUAGES:
        own = [f"{letter.upper()}a{language}" for letter in letters]
        if language == "pl":
            own = {"male": [f"{name}ski" for name in own], "female": [f"{n}ska" for n in own]}
        plant(tmp_path, language, own)
    (tmp_path / "mimesis/__init__.py").touch()
    (tmp_path / "mimesis-9.9.dist-info").mkdir()
    (tmp_path / "mimesis-9.9.dist-info/METADATA").write_text("Name: mimesis\nVersion: 9.9\n")
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def plant(root: Path, language: str, names: object) -> None:
    path = root / "mimesis/datasets" / language / "person.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"surnames": names}), encoding="utf-8")


@pytest.mark.usefixtures("mimesis")
def test_names_of_one_language_with_mens_forms():
    found = names_of(Surnames().load())
    assert len(found) == 20 * len(LANGUAGES)
    assert found["Bacs"] == "cs"
    assert found["Baplski"] == "pl"
    assert "Baplska" not in found


def test_a_name_of_two_languages_is_left_out(mimesis: Path):
    plant(mimesis, "de", ["Martin", "MARTIN", "Maier", *[f"De{n}" for n in "abcdefgh"]])
    plant(mimesis, "fr", ["martin", "Morel", *[f"Fr{n}" for n in "abcdefgh"]])
    data = Surnames().load()
    found = {name.lower() for name in names_of(data)}
    assert "martin" not in found
    assert {"maier", "morel"} <= found
    assert data.provenance["names_left_out"] == "3"


def test_a_garbled_name_is_left_out(mimesis: Path):
    plant(mimesis, "da", ["JÃ¸rgensen", *[f"O'{n}al-By" for n in "abcdefghijklmnop"]])
    found = names_of(Surnames().load())
    assert "JÃ¸rgensen" not in found
    assert "O'fal-By" in found


def test_the_alphabet_comes_from_train(mimesis: Path):
    plant(mimesis, "no", [f"N{chr(letter)}" for letter in range(0x4E00, 0x4E00 + 100)])
    data = Surnames().load()
    used = {data.vocabulary[own] for row in data.train.inputs.tolist() for own in row if own}
    assert set(data.vocabulary) == used | {"<pad>", "<unk>"}


def test_another_layout_of_mimesis(mimesis: Path):
    (mimesis / "mimesis/datasets/fi/person.json").write_text('{"names": []}')
    with pytest.raises(DataError, match=r"this version of mimesis keeps no surnames in .*fi"):
        Surnames().load()


def test_peptides_in_both_classes_are_left_out_and_repeated_ones_count_once():
    pairs = [("ACD", "AMP"), ("ACD", "AMP"), ("CCC", "AMP"), ("CCC", "UniProt"), ("DD", "UniProt")]
    assert antimicrobial_peptides.unambiguous(pairs) == [("ACD", "AMP"), ("DD", "UniProt")]


def test_reads_modlamps_file(tmp_path: Path):
    path = tmp_path / "file.csv"
    path.write_text("3,1,UniProt,AMP\nGLWSK, 1\nMKRTY,0\n")
    assert antimicrobial_peptides.read(path) == [("GLWSK", "AMP"), ("MKRTY", "UniProt")]
    path.write_text("3,1,UniProt,AMP\nGLWSK, 2\n")
    with pytest.raises(DataError, match=r"file\.csv is not as expected"):
        antimicrobial_peptides.read(path)


def test_names_as_listed_by_mimesis():
    if surnames.installed.find("mimesis") is None:
        pytest.skip("surnames: the extra [data] is not installed")
    data = Surnames().load()
    found = names_of(data)
    assert (found["Adamec"], found["Aalto"], found["van Vught"]) == ("cs", "fi", "nl")
    assert len(found) > 15_000
    counts = data.test.targets.bincount().tolist()
    assert len(counts) == len(surnames.LANGUAGES)
    assert min(counts) > 20


def test_peptides_as_listed_in_modlamp():
    folder = antimicrobial_peptides.installed.find("modlamp")
    if folder is None:
        pytest.skip("antimicrobial_peptides: the extra [data] is not installed")
    pairs = antimicrobial_peptides.read(folder[0] / "data/AMPvsUniProt.csv")
    labels = [label for _, label in pairs]
    assert (labels.count("AMP"), labels.count("UniProt")) == (2600, 2600)
    assert len(set(pairs)) == 4664  # 22 peptides stand in both classes
    data = AntimicrobialPeptides().load()
    assert data.provenance["peptides_left_out"] == "580"
    assert data.provenance["unknown_letters"] == data.provenance["truncated_sequences"] == "0"

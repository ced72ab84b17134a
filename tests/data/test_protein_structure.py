"""Qian and Sejnowski's protein chains."""

import hashlib
import io
from collections import Counter
from pathlib import Path

import pytest
import torch

from rnn_regexp.data.files import check
from rnn_regexp.data.protein_structure import Chain, ProteinStructure, chains, residues
from rnn_regexp.data.sequences import DataError

FILES = ProteinStructure.published


def test_chains_as_published():
    text = "# told\n<>\nE _\nN h\nend\n<>\nA e\nP _\n<>\nG h\n<end>\n\n"
    assert list(residues(text)) == [Chain("EN", "_h"), Chain("AP", "e_"), Chain("G", "h")]


@pytest.mark.parametrize("row", ["AC\th", "AC\thx", "AC"])
def test_bad_rows(row: str):
    with pytest.raises(DataError, match=r"row 3 of own\.tsv: 2 residues and \d labels of h, e, _"):
        chains(f"sequence\tlabels\nA\th\n{row}\n", "own.tsv")


@pytest.mark.parametrize(
    ("number", "count", "labels"),
    [
        (0, 110, {"_": 9868, "h": 4601, "e": 3636}),
        (1, 17, {"_": 1923, "h": 849, "e": 748}),
    ],
)
def test_facts(data_root: str, number: int, count: int, labels: dict[str, int]):
    found = chains(check(FILES[number], Path(data_root)).text(), "file")
    assert len(found) == len({own.residues for own in found}) == count
    assert Counter("".join(own.structure for own in found)) == labels
    assert sum(labels.values()) == [18105, 3520][number]


@pytest.mark.parametrize("number", [0, 1])
def test_the_published_file_is_rewritten_to_the_known_content(
    data_root: str, tmp_path: Path, number: int
):
    found = chains(check(FILES[number], Path(data_root)).text(), "file")
    ends = ["end\n", "<end>\n", ""]
    text = "".join(
        "<>\n" + "".join(map("{} {}\n".format, *own)) + ends[at % 3] for at, own in enumerate(found)
    )
    (tmp_path / "published").write_text(f"# of 1988\n{text}\n")
    content = io.BytesIO()
    FILES[number].unpack(tmp_path / "published", content)
    assert (f"sha256:{hashlib.sha256(content.getvalue()).hexdigest()}",) == FILES[number].hashes


def test_a_label_for_each_residue(data_root: str):
    data = ProteinStructure(root=data_root).load()
    assert data.classes == ("helix", "sheet", "coil")
    judged = [int((split.targets >= 0).sum()) for split in (data.train, data.valid, data.test)]
    assert judged[0] + judged[1] == 18105
    assert judged[2] == 3520
    assert (len(data.train), len(data.valid), len(data.test)) == (94, 16, 17)
    assert data.test.targets[data.test.targets >= 0].bincount().tolist() == [849, 748, 1923]
    for split in (data.train, data.valid, data.test):
        inside = torch.arange(split.inputs.shape[1]) < split.lengths[:, None]
        assert torch.equal(split.targets >= 0, inside)
        assert torch.equal(split.inputs > 1, inside)  # no residue is unknown


def test_letters_and_labels_stay_together(data_root: str):
    data = ProteinStructure(root=data_root).load()
    first = chains(check(FILES[1], Path(data_root)).text(), "file")[0]
    row, tags = data.test.inputs[0], data.test.targets[0]
    assert "".join(data.vocabulary[own] for own in row if own) == first.residues
    names = {"h": "helix", "e": "sheet", "_": "coil"}
    assert [data.classes[own] for own in tags if own >= 0] == [names[c] for c in first.structure]


def test_no_chain_is_validated_that_is_trained_on(data_root: str):
    data = ProteinStructure(root=data_root, valid_fraction=0.5).load()
    rows = [{bytes(row[row > 0].numpy()) for row in own.inputs} for own in (data.train, data.valid)]
    assert [len(own) for own in rows] == [55, 55]
    assert not rows[0] & rows[1]

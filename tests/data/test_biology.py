"""DNA and proteins: published facts, and published files rewritten to the known contents."""

import csv
import gzip
import hashlib
import io
import tarfile
from collections import Counter
from pathlib import Path

import pytest

from rnn_regexp.data import Promoters, ProteinLocation, SpliceJunctions
from rnn_regexp.data.promoters import Genome, fasta
from rnn_regexp.data.published import DataFile
from rnn_regexp.data.sequences import SequenceData, Split


def table(root: str, name: str) -> list[dict[str, str]]:
    with gzip.open(f"{root}/{name}.gz", "rt") as stream:
        return list(csv.DictReader(stream))


def rewritten(file: DataFile, published: Path) -> None:
    """What ``unpack`` makes of a published file has the known checksum."""
    content = io.BytesIO()
    file.unpack(published, content)
    assert (f"sha256:{hashlib.sha256(content.getvalue()).hexdigest()}",) == file.hashes
    assert len(content.getvalue()) == file.size


def texts(data: SequenceData, split: Split) -> list[str]:
    return [
        "".join(data.vocabulary[own] for own in row[:length])
        for row, length in zip(split.inputs, split.lengths)
    ]


def every(data: SequenceData) -> Counter[tuple[str, str]]:
    return Counter(
        (text, data.classes[target])
        for split in (data.train, data.valid, data.test)
        for text, target in zip(texts(data, split), split.targets)
    )


def test_splice_facts(data_root: str):
    rows = table(data_root, "splice/splice.csv")
    assert Counter(row["label"] for row in rows) == {"EI": 767, "IE": 768, "N": 1655}
    assert len(rows) - len({row["sequence"] for row in rows}) == 185
    data = SpliceJunctions(root=data_root).load()
    plain = Counter(
        ("".join(own if own in "ACGT" else "<unk>" for own in row["sequence"]), row["label"])
        for row in rows
    )
    assert every(data) == plain
    assert data.provenance["unknown_letters"] == "60"
    assert sum(1 for row in rows if set(row["sequence"]) - set("ACGT")) == 15


def test_equal_splice_sequences_stand_in_one_split(data_root: str):
    data = SpliceJunctions(root=data_root).load()
    assert data.provenance["sequences_in_two_splits"] == "0"
    for split, share in ((data.valid, 0.15), (data.test, 0.15)):
        assert len(split) / 3190 == pytest.approx(share, abs=0.01)


def test_splice_as_published(data_root: str, tmp_path: Path):
    lines = ["label,instance_name,sequence\n"]
    for row in table(data_root, "splice/splice.csv"):
        lines.append(f"{row['label']},    {row['name']},{row['sequence']:>75}\n")
    (tmp_path / "splice.csv").write_text("".join(lines))
    rewritten(SpliceJunctions().files()[0], tmp_path / "splice.csv")


@pytest.mark.parametrize(
    ("genome", "counts", "length"),
    [
        (Genome.uci, (53, 53), 57),
        (Genome.ecoli, (3000, 839), 81),
        (Genome.arabidopsis, (2879, 1497), 251),
    ],
)
def test_promoter_facts(data_root: str, genome: Genome, counts: tuple[int, int], length: int):
    data = Promoters(root=data_root, genome=genome).load()
    assert data.classes == ("other", "promoter")
    found = Counter(label for (_, label), n in every(data).items() for _ in range(n))
    assert (found["other"], found["promoter"]) == counts
    assert {len(text) for text, _ in every(data)} == {length}
    assert data.provenance["unknown_letters"] == "0"
    assert data.provenance["sequences_in_two_splits"] == "0"


def test_uci_promoters_as_published(data_root: str, tmp_path: Path):
    lines = []
    for row in table(data_root, "promoters/promoters.csv"):
        tabs = "\t" if len(row["name"]) > 4 else "\t\t"
        lines.append(f"{row['label']},{row['name']},{tabs}{row['sequence']}\n")
    (tmp_path / "promoters.data").write_text("".join(lines))
    rewritten(Promoters(genome=Genome.uci).files()[0], tmp_path / "promoters.data")


@pytest.mark.parametrize(
    ("genome", "positive", "negative"),
    [
        (Genome.ecoli, "Ecoli_prom.fa", "Ecoli_non_prom.fa"),
        (Genome.arabidopsis, "Arabidopsis_tata.fa", "Arabidopsis_non_prom.fa"),
    ],
)
def test_promoters_as_published(
    data_root: str, tmp_path: Path, genome: Genome, positive: str, negative: str
):
    found = {"1": "", "0": ""}
    for row in table(data_root, f"promoters/{genome.value}.csv"):
        lines = (row["sequence"][at : at + 60] + "\n" for at in range(0, len(row["sequence"]), 60))
        found[row["label"]] += f">title of {len(found[row['label']])}\n{''.join(lines)}"
    with tarfile.open(tmp_path / "published.tar.gz", "w:gz") as tar:
        for name, text in ((negative, found["0"]), (positive, found["1"]), ("README", "read me")):
            info = tarfile.TarInfo(f"CNNPromoterData-b4d2/{name}")
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
    rewritten(Promoters(genome=genome).files()[0], tmp_path / "published.tar.gz")


def test_fasta_sequences_run_over_lines():
    assert list(fasta(">a\nAC\nGT\n\n>b c\n TT \n")) == ["ACGT", "TT"]


def test_protein_location_facts(data_root: str):
    data = ProteinLocation(root=data_root).load()
    assert data.classes == ("Cytoplasm", "Membrane", "Mitochondrion", "Nucleus")
    counts = [split.targets.bincount().tolist() for split in (data.train, data.valid, data.test)]
    assert counts == [[1804, 1801, 1794, 1812], [180, 177, 240, 180], [505, 506, 454, 506]]
    assert max(int(split.lengths.max()) for split in (data.train, data.valid, data.test)) == 600
    for name in ("unknown_letters", "truncated_sequences", "sequences_in_two_splits"):
        assert data.provenance[name] == "0"


def test_similar_proteins_do_not_cross_the_splits(data_root: str):
    clusters = [
        {row["cluster_id"] for row in table(data_root, f"protein_loc/{part}.csv")}
        for part in ("train", "val", "test")
    ]
    assert not clusters[0] & clusters[1]
    assert not clusters[0] & clusters[2]
    assert not clusters[1] & clusters[2]


def test_long_proteins_are_cut(data_root: str):
    data = ProteinLocation(root=data_root, max_length=100).load()
    assert data.train.inputs.shape == (7211, 100)
    assert int(data.provenance["truncated_sequences"]) > 7000

"""Multi30k: 31,014 descriptions of photographs in English and German, sentence by sentence.

Elliott et al. 2016, Multi30K: Multilingual English-German Image Descriptions; raw text, test 2016.
"""

from collections.abc import Mapping

from rnn_regexp.data.files import DataFile, Present
from rnn_regexp.data.partition import TEST, TRAIN, VALID
from rnn_regexp.data.sequences import DataError

FOLDER = (
    "https://raw.githubusercontent.com/multi30k/dataset/"
    "a3d2e0d26b56f3846f66a952536ffed4e401d05a/data/task1/raw"
)
LICENCE = "non-commercial research and educational use (Flickr30k)"
PARTS = {TRAIN: "train", VALID: "val", TEST: "test_2016_flickr"}
FILES = tuple(
    DataFile(f"multi30k/{name}", f"{FOLDER}/{name}.gz", (f"sha256:{sha256}",), size)
    for name, sha256, size in (
        ("train.en", "460a15fbd157e34a7a9957ee388c1ca247fe47af3ef25fb50442af6c274e0fc6", 1801238),
        ("train.de", "2c2b73fd2b548fbcde3a875e0a78d6ee94d498bfdee6bd3eae3945779e9ddf72", 2110398),
        ("val.en", "1f2a23d992769b5b3d209b0a10dd0b77c08cceb1f20dfb97ed0aafa49d107227", 63297),
        ("val.de", "660e09eb7e1da2f856ea13ee5ad3cf6d36b3d5b0b733c857e94c5747a3dfc660", 75981),
        (
            "test_2016_flickr.en",
            "399a4382932c1aadd3ceb9bef1008d388a64c76d4ae4e9d4728c6f4301cac182",
            62076,
        ),
        (
            "test_2016_flickr.de",
            "4be6b5b3236b79c25475c6bb829800a7ce559e9ba7a1f6c2394fe4d40be46d16",
            70649,
        ),
    )
)


def pairs(
    found: Mapping[str, Present], split: str, source: str, target: str
) -> list[tuple[str, str]]:
    """The sentences of a split in two of the languages ``en`` and ``de``.

    Raises ``DataError`` if one file has more lines than the other.
    """
    files = [found[f"{PARTS[split]}.{language}"] for language in (source, target)]
    left, right = (file.text().strip("\n").split("\n") for file in files)
    if len(left) != len(right):
        names = " and ".join(file.file.name for file in files)
        raise DataError(f"{names} have {len(left)} and {len(right)} lines: they are no pairs")
    return list(zip(left, right, strict=True))

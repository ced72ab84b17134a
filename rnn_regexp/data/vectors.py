"""Pretrained word vectors from a text file: GloVe's ``.txt``, fastText's ``.vec``, plain or .gz.

Only the lines of tokens that the vocabulary has are read as numbers, so a file of two million
vectors takes no more memory than those. torchtext reads them.
"""

import math
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from rnn_regexp.data.content import DAMAGE, open_content
from rnn_regexp.data.sequences import DataError
from rnn_regexp.data.text import SPECIALS, read_vectors


def load_vectors(path: str, vocabulary: Sequence[str]) -> Tensor:
    """Vectors (V, E) of the vocabulary's tokens; rows of tokens that the file lacks are NaN.

    The embedding of <pad> and <unk> is never in a file. Raises ``DataError`` for a file that is
    missing, no table of vectors, or has none of the tokens.
    """
    file = Path(path).expanduser()
    place = {token: row for row, token in enumerate(vocabulary) if token not in SPECIALS}
    lines = _lines(file, {token.encode() for token in place})
    if not lines:
        raise DataError(f"dataset.vectors: {path} has no token of the vocabulary")
    tokens, found = _parse(lines)
    vectors = torch.full((len(vocabulary), found.shape[1]), torch.nan)  # (V, E)
    vectors[[place[token] for token in tokens]] = found
    return vectors


def coverage(vectors: Tensor) -> str:
    """How many rows of the vocabulary have a vector, as it is recorded with a run."""
    found, rows = int((~vectors.isnan().any(dim=1)).sum()), len(vectors) - len(SPECIALS)
    return f"{found} of {rows} tokens ({found / rows:.1%})"


def _lines(file: Path, wanted: set[bytes]) -> list[bytes]:
    """The first line of each wanted token."""
    kept: dict[bytes, bytes] = {}
    width = 0
    try:
        with open_content(file) as stream:
            for row, line in enumerate(stream, start=1):
                token, _, numbers = line.partition(b" ")
                if row == 1 and len(numbers.split()) < 2:
                    continue  # a header: how many vectors, and of what size
                width = width or _width(numbers, file)
                if token in wanted and token not in kept:
                    kept[token] = _checked(line, width, f"row {row} of {file.name}")
    except DAMAGE as error:
        raise DataError(f"dataset.vectors: cannot read {file}: {error}") from None
    return list(kept.values())


def _width(numbers: bytes, file: Path) -> int:
    if (width := len(numbers.split())) < 3:  # fewer are a header to torchtext
        raise DataError(f"dataset.vectors: {file} is no text file of word vectors")
    return width


def _checked(line: bytes, width: int, where: str) -> bytes:
    try:
        numbers = [float(number) for number in line.split()[1:]]
    except ValueError:
        raise DataError(f"dataset.vectors: {where} is not a token and its numbers") from None
    if len(numbers) != width:
        raise DataError(
            f"dataset.vectors: {where} has {len(numbers)} numbers, the first one {width}"
        )
    if not all(map(math.isfinite, numbers)):
        raise DataError(f"dataset.vectors: {where} has a number that is not finite")
    return line


def _parse(lines: Sequence[bytes]) -> tuple[list[str], Tensor]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vectors.txt"
        path.write_bytes(b"".join(line.rstrip() + b"\n" for line in lines))
        return read_vectors(path)

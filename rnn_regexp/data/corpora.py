"""Running text as tokens, the way language models have been measured on it."""

from collections.abc import Iterator

END = "<eos>"  # a token at the end of each line


def words(text: str) -> Iterator[str]:
    """The words between blanks, and <eos> at the end of each line, a blank line included."""
    lines = text.split("\n")
    for line in lines if lines[-1] else lines[:-1]:
        yield from line.split()
        yield END

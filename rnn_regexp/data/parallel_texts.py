"""Texts in two languages as numbers, and words back to text.

Targets (N, 1 + L) begin with the number of the reference among ``constants["references"]``, the
target texts as they are published, one a line, in UTF-8; then come the words' ids by the target's
own vocabulary, whose id 0 is the end mark, and -1 behind it.
"""

import re
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from rnn_regexp.data.partition import TEST, TRAIN, VALID
from rnn_regexp.data.sequences import SequenceData, Split
from rnn_regexp.data.subwords import INSIDE

REFERENCE = 0  # the column of targets that holds the reference's number
END, UNKNOWN = 0, 1  # ids of the target's vocabulary
MARKS = {"</s>": "", "<unk>": "\u2047"}  # what is written for them
INSIDE_WORDS = re.compile(r"(?<=\w) (['’-]) (?=\w)")
BEHIND_WORDS = re.compile(r" ([.,;:!?])")


def parallel(
    source: SequenceData,
    target: SequenceData,
    references: Mapping[str, Iterable[str]],
    provenance: Mapping[str, str],
    **search: float,
) -> SequenceData:
    """One set of two that were encoded row by row alike; ``search`` says how to translate."""
    splits, told = {}, list[str]()
    for name in (TRAIN, VALID, TEST):
        own: Split = getattr(source, name)
        numbers = torch.arange(len(told), len(told) + len(own))
        told += references[name]
        splits[name] = Split(own.inputs, own.lengths, _targets(getattr(target, name), numbers))
    text = "\n".join(" ".join(own.split()) for own in told)
    return SequenceData(
        **splits,
        classes=("</s>", *target.vocabulary[1:]),
        vocabulary=source.vocabulary,
        provenance=dict(provenance),
        task="translate",
        constants={
            "references": torch.frombuffer(bytearray(text.encode()), dtype=torch.uint8),
            **{name: torch.tensor([value]) for name, value in search.items()},
        },
        vectors=source.vectors,
    )


def _targets(split: Split, numbers: Tensor) -> Tensor:
    """The number of each reference, its words, the end mark and -1 behind it: (N, 2 + T)."""
    ids = torch.nn.functional.pad(split.inputs, (1, 1))  # (N, 1 + T + 1)
    steps = torch.arange(ids.shape[1])
    behind = steps > 1 + split.lengths[:, None]  # the end mark stands at 1 + length
    ids[behind] = -1
    ids[:, REFERENCE] = numbers
    return ids


def sentences(references: Tensor) -> list[str]:
    """The texts of ``constants["references"]``."""
    return bytes(references.cpu().numpy()).decode().split("\n")


def joined(words: Iterable[str]) -> str:
    """Words as a text: subwords and marks inside and behind words are put together again."""
    text = " ".join(MARKS.get(word, word) for word in words).replace(f" {INSIDE}", "")
    return BEHIND_WORDS.sub(r"\1", INSIDE_WORDS.sub(r"\1", text))

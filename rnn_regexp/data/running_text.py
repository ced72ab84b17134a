"""Running text as the streams of a language model: ids by the vocabulary of train."""

from collections import Counter
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from rnn_regexp.data.sequences import DataError, SequenceData, Split

PADDING, UNKNOWN = "<pad>", "<unk>"  # ids 0 and 1, as everywhere


def running_text(
    texts: Mapping[str, Iterable[str]], size: int | None, provenance: Mapping[str, str]
) -> SequenceData:
    """Streams of the tokens of ``train``, ``valid`` and ``test``, to be predicted one by one.

    The vocabulary holds the ``size`` most frequent entries of train, <pad> and <unk> among them,
    or all of them; other tokens are <unk>.  Raises ``DataError`` for a text of fewer than two
    tokens, and where train holds nothing but <unk>.
    """
    tokens = {name: list(text) for name, text in texts.items()}
    counts = Counter(tokens["train"])
    for special in (PADDING, UNKNOWN):
        counts.pop(special, None)
    if not counts:
        raise DataError("the text of train holds no token but <unk>: there is nothing to learn")
    ranked = sorted(counts, key=lambda token: (-counts[token], token))
    vocabulary = (PADDING, UNKNOWN, *ranked[: None if size is None else size - 2])
    places = {token: place for place, token in enumerate(vocabulary)}
    unknown = places[UNKNOWN]
    splits, told = {}, dict(provenance)
    for name, own in tokens.items():
        ids = torch.tensor([places.get(token) or unknown for token in own])
        splits[name] = _stream(name, ids)
        told[f"tokens_{name}"] = str(len(own))
    return SequenceData(
        splits["train"],
        splits["valid"],
        splits["test"],
        classes=(),
        vocabulary=vocabulary,
        provenance=told,
        task="language_model",
    )


def _stream(name: str, ids: Tensor) -> Split:
    """One sequence whose targets are its own tokens, one later."""
    if len(ids) < 2:
        raise DataError(f"the text of {name} has {len(ids)} tokens: at least 2 are needed")
    return Split(ids[None, :-1], torch.tensor([len(ids) - 1]), ids[None, 1:])

"""What an answer is worth that has learnt nothing of the input, by the task's own metric."""

import math
from collections.abc import Callable

import torch

from rnn_regexp.data.parallel_texts import REFERENCE, joined, sentences
from rnn_regexp.data.sequences import SequenceData, Split
from rnn_regexp.tasks import bleu


def naive(data: SequenceData, metric: str, season: int = 0) -> tuple[str, float]:
    """How the trivial answer is called, and its ``metric`` on the test split.

    ``season`` of a forecast is that of its data set; 0 where there is no past to repeat.
    """
    return ANSWERS[data.task](data, metric, season)


def _majority(data: SequenceData, metric: str, season: int) -> tuple[str, float]:
    """The most frequent class of train, for every sequence or step; -1 stands behind the end."""
    train, test = (own.targets[own.targets >= 0] for own in (data.train, data.test))
    likeliest = torch.bincount(train.flatten()).argmax()
    return "majority class", (test == likeliest).double().mean().item()


def _silence(data: SequenceData, metric: str, season: int) -> tuple[str, float]:
    """Nothing at all: all labels are missing, an error rate of 1, or no word is right, BLEU 0."""
    return "no answer", 0.0 if metric == "bleu" else 1.0


def _unigram(data: SequenceData, metric: str, season: int) -> tuple[str, float]:
    """Each token by its frequency in train, one added to every count."""
    words = len(data.vocabulary)
    counts = torch.bincount(data.train.targets.flatten(), minlength=words).double() + 1
    nats = -(counts / counts.sum()).log()[data.test.targets.flatten()].mean()
    return "unigram", nats.exp().item() if metric == "perplexity" else (nats / math.log(2)).item()


def _copied(data: SequenceData, metric: str, season: int) -> tuple[str, float]:
    """The source as it stands, for corpus BLEU."""
    references = sentences(data.constants["references"])
    pairs = zip(data.test.inputs.tolist(), data.test.lengths.tolist(), strict=True)
    written = [joined(data.vocabulary[word] for word in own[:count]) for own, count in pairs]
    numbers = data.test.targets[:, REFERENCE].tolist()
    return "source copied", bleu.score(bleu.counts(written, [references[n] for n in numbers]))


def _repeated(data: SequenceData, metric: str, season: int) -> tuple[str, float]:
    """The value a season before, or the mean target of train where there is no past."""
    if season:
        return "naive forecast", _scaled_error(data, season)
    mean = data.train.targets.mean(dim=0)
    return "mean of train", (data.test.targets - mean).square().mean().item()


def _scaled_error(data: SequenceData, season: int) -> float:
    """The mean absolute scaled error of y_{t+h} = y at the same place of the last known season."""
    error = (data.test.targets - repeated(data.test, len(data.constants["mean"]), season)).abs()
    return (error.mean(dim=0) / data.constants["naive"]).mean().item()


def repeated(split: Split, columns: int, season: int) -> torch.Tensor:
    """Naive forecasts (N, horizon * C); those asked for are the first ``columns`` of the inputs."""
    known = split.inputs[..., :columns]  # (N, T, C)
    horizon = split.targets.shape[1] // columns
    places = [known.shape[1] - season + step % season for step in range(horizon)]
    return known[:, places].flatten(1)


ANSWERS: dict[str, Callable[[SequenceData, str, int], tuple[str, float]]] = {
    "classify": _majority,
    "tag": _majority,
    "transduce": _silence,
    "language_model": _unigram,
    "forecast": _repeated,
    "translate": _copied,
}

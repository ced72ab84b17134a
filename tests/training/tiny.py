"""Problems and cohorts that train in a blink, in double precision, watched step by step."""

from collections.abc import Sequence
from unittest import mock

import torch
from torch import Tensor

from rnn_regexp.data.sequences import SequenceData, Split
from rnn_regexp.fields import snake_case
from rnn_regexp.models import GRU, Model
from rnn_regexp.regularizers.base import Regularizer, Update
from rnn_regexp.training import loop
from rnn_regexp.training.cohort import Cohort, RunSettings
from rnn_regexp.training.optimizers import Adam, Optimizer
from rnn_regexp.training.record import Outcome, Record
from rnn_regexp.training.settings import Device, Precision, Training

ROWS = {"train": 11, "valid": 7, "test": 6}
CLASSES, VOCABULARY, FEATURES = ("a", "b", "c"), 9, 4


def sentences(
    longest: int = 5, seed: int = 0, classes: Sequence[str] = CLASSES, **rows: int
) -> SequenceData:
    """Token ids of ragged lengths, with labels that can only be learnt by heart."""
    generator = torch.Generator().manual_seed(seed)

    def split(count: int) -> Split:
        lengths = torch.randint(1, longest + 1, (count,), generator=generator)
        inputs = torch.randint(1, VOCABULARY, (count, longest), generator=generator)
        inputs[torch.arange(longest) >= lengths[:, None]] = 0
        return Split(inputs, lengths, torch.randint(len(classes), (count,), generator=generator))

    splits = [split(count) for count in (ROWS | rows).values()]
    return SequenceData(*splits, tuple(classes), tuple(str(n) for n in range(VOCABULARY)))


def pixels(longest: int = 5, seed: int = 0, **rows: int) -> SequenceData:
    """Like ``sentences`` with ``FEATURES`` numbers a step in place of tokens."""
    tokens = sentences(longest, seed, **rows)
    generator = torch.Generator().manual_seed(seed)
    table = torch.rand(VOCABULARY, FEATURES, generator=generator)
    table[0] = 0

    def split(own: Split) -> Split:
        return Split(table[own.inputs], own.lengths, own.targets)

    return SequenceData(split(tokens.train), split(tokens.valid), split(tokens.test), CLASSES)


def translations(longest: int = 4, seed: int = 0, beam: int = 1, **rows: int) -> SequenceData:
    """Sentences of which each word has a translation of its own, in the same order."""
    own = sentences(longest, seed, **rows)
    english, german = (tuple(f"{a}{n}" for n in range(VOCABULARY)) for a in "eg")
    splits, told = [], list[str]()
    for split in (own.train, own.valid, own.test):
        words = 1 + 3 * split.inputs % (VOCABULARY - 1)  # (N, T)
        steps = torch.arange(longest + 1)
        targets = torch.nn.functional.pad(words, (0, 1))
        targets[steps == split.lengths[:, None]] = 0
        targets[steps > split.lengths[:, None]] = -1
        numbers = torch.arange(len(told), len(told) + len(split))[:, None]
        told += [" ".join(german[n] for n in row if n > 0) for row in targets.tolist()]
        splits.append(Split(split.inputs, split.lengths, torch.cat((numbers, targets), dim=1)))
    constants = {
        "references": torch.frombuffer(bytearray("\n".join(told).encode()), dtype=torch.uint8),
        "beam": torch.tensor([beam]),
        "length_normalization": torch.tensor([0.0]),
    }
    return SequenceData(*splits, german, english, task="translate", constants=constants)


def run(*techniques: Regularizer, seed: int = 0, optimizer: Optimizer | None = None) -> RunSettings:
    named = {snake_case(type(own).__name__): own for own in techniques}
    return RunSettings(seed, named, optimizer or Adam(lr=0.01))


def cohort(
    *runs: RunSettings,
    data: SequenceData | None = None,
    model: Model | None = None,
    precision: Precision = Precision.float64,
    epochs: int = 7,
    batch_size: int = 4,
    device: Device = Device.cpu,
    **training: object,
) -> Cohort:
    """Three steps an epoch of which the last has three sequences, unless told otherwise."""
    settings = Training(epochs, batch_size, precision=precision, device=device, **training)
    own = model or GRU(embedding=3, hidden=4)
    return Cohort(own, settings, list(runs), sentences() if data is None else data)


class Journal(Record):
    """A record that also keeps each step: losses (K,), norms (K,), flat weights after it (K, P).

    All runs of the whole cohort stand in it: what belongs to one that left stays as it was.
    """

    def __init__(self, cohort: Cohort) -> None:
        super().__init__(cohort)
        self.losses: list[Tensor] = []
        self.norms: list[Tensor] = []
        self.clipped: list[Tensor] = []
        self.weights = [cohort.weights.flat.detach().clone()]  # before the first step
        self.evaluated: list[Tensor] = []  # weights at the end of each epoch
        self.made_by: list[list[int]] = []  # the runs that made each step

    def follow(self, cohort: Cohort, rows: list[int]) -> None:
        super().follow(cohort, rows)
        add = self.tally.add

        def noting(losses: Tensor, update: Update) -> None:
            add(losses, update)
            self.note(losses.detach(), update)

        self.tally.add = noting

    def note(self, losses: Tensor, update: Update) -> None:
        self.made_by.append(self.rows[update.stepping].tolist())
        for kept, values in (
            (self.losses, losses),
            (self.norms, update.norm),
            (self.clipped, update.clipped),
            (self.weights, self.cohort.weights.flat.detach()),
        ):
            whole = kept[-1].clone() if kept else values.clone()
            whole[self.rows] = values
            kept.append(whole)

    def path(self, k: int) -> Tensor:
        """The weights of one run before its first step and after each that it made, (S, P)."""
        made = [w[k] for w, rows in zip(self.weights[1:], self.made_by, strict=True) if k in rows]
        return torch.stack([self.weights[0][k], *made])

    def epoch(self, *words: object, **splits: dict[str, Tensor]) -> None:
        super().epoch(*words, **splits)
        self.evaluated.append(self.weights[-1])


def watch(cohort: Cohort) -> tuple[list[Outcome], Journal]:
    """Train with a journal."""
    journal = Journal(cohort)
    with mock.patch.object(loop, "Record", return_value=journal):
        return loop.train(cohort), journal


def without_time(outcome: Outcome) -> list[dict[str, float]]:
    """An outcome's history, less what differs from one minute to the next."""
    return [{name: own for name, own in row.items() if name != "time"} for row in outcome.history]


def stream(tokens: int = 90, seed: int = 0) -> SequenceData:
    """One sequence of tokens to predict, with a second of its own for each other split."""
    generator = torch.Generator().manual_seed(seed)

    def split(count: int) -> Split:
        words = torch.randint(2, VOCABULARY, (1, count + 1), generator=generator)
        return Split(words[:, :-1], torch.tensor([count]), words[:, 1:])

    splits = [split(count) for count in (tokens, tokens // 2, tokens // 3)]
    vocabulary = tuple(str(n) for n in range(VOCABULARY))
    return SequenceData(*splits, (), vocabulary, task="language_model")

"""What each technique costs at its usual strength, beside plain training of the same shape.

Usage: ``python -m scripts.benchmark_regularizers [--csv FILE | --only NAME ...]``.  Every technique
trains on the first problem on which it acts, beside dropout where it needs masks (then the plain
run has them too).  Both trainers take turns of four steps and one evaluation; a cost is the median
of the ratios within a turn.  Times are the processor's, which others on the machine disturb less.
Memory is what four steps add at their peak (Linux).
"""

import argparse
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from statistics import median, quantiles

import torch
from torch import Tensor

from rnn_regexp.config.overrides import Places
from rnn_regexp.config.resolve import Resolver
from rnn_regexp.data.sequences import SequenceData, Split
from rnn_regexp.fields import snake_case
from rnn_regexp.models import GRU, LSTM, Model
from rnn_regexp.regularizers import ALL
from rnn_regexp.regularizers.base import Regularizer
from rnn_regexp.regularizers.dropout import Dropout
from rnn_regexp.tasks import task_of
from rnn_regexp.training.checkpoint import NEVER
from rnn_regexp.training.cohort import Cohort, RunSettings, subject_of
from rnn_regexp.training.evaluate import evaluate
from rnn_regexp.training.loop import epoch_of_steps
from rnn_regexp.training.optimizers import Adam
from rnn_regexp.training.record import Record
from rnn_regexp.training.settings import Training
from rnn_regexp.training.steps import Steps
from scripts import table
from scripts.benchmark_recurrence import peak

WORDS = tuple(str(n) for n in range(1000))
HIDDEN, STEPS, BATCH, CLASSES, BATCHES = 128, 35, 32, 6, 4
COLUMNS = (
    "technique model task plain_ms own_ms step step_low step_high evaluation plain_MiB own_MiB"
)


def sentences() -> SequenceData:
    """Token ids of one length, with labels."""
    inputs, generator = drawn(BATCHES * BATCH, STEPS)
    labels = torch.randint(CLASSES, (len(inputs),), generator=generator)
    split = Split(inputs, torch.full((len(inputs),), STEPS), labels)
    return SequenceData(split, split, split, WORDS[:CLASSES], WORDS)


def stream() -> SequenceData:
    """A text that is read in ``BATCH`` streams, and the word that follows each."""
    words, _ = drawn(1, BATCHES * BATCH * STEPS + 1)
    split = Split(words[:, :-1], torch.tensor([words.shape[1] - 1]), words[:, 1:])
    return SequenceData(split, split, split, (), WORDS, task="language_model")


def pairs() -> SequenceData:
    """Sentences, and a translation as long for each; decoded greedily."""
    source, generator = drawn(BATCHES * BATCH, STEPS)
    words = torch.randint(2, len(WORDS), source.shape, generator=generator)
    numbers = torch.arange(len(source))[:, None]
    targets = torch.cat((numbers, words, torch.zeros_like(numbers)), dim=1)  # 0 is the end mark
    split = Split(source, torch.full((len(source),), STEPS), targets)
    told = "\n".join(" ".join(WORDS[n] for n in row) for row in words.tolist())
    constants = {
        "references": torch.frombuffer(bytearray(told.encode()), dtype=torch.uint8),
        "beam": torch.tensor([1]),
        "length_normalization": torch.tensor([0.0]),
    }
    return SequenceData(split, split, split, WORDS, WORDS, task="translate", constants=constants)


def drawn(*shape: int) -> tuple[Tensor, torch.Generator]:
    """Token ids, and the generator they come from."""
    generator = torch.Generator().manual_seed(0)
    return torch.randint(2, len(WORDS), shape, generator=generator), generator


@dataclass(frozen=True)
class Problem:
    """A model on data, with the techniques that both trainers have."""

    model: Model
    data: SequenceData
    beside: tuple[Regularizer, ...] = ()

    def fits(self, technique: Regularizer) -> bool:
        """Whether the technique can act here."""
        named = {snake_case(type(own).__name__): own for own in (*self.beside, technique)}
        subject = subject_of(self.model, task_of(self.data), Training(), named)
        return not [*technique.objections(subject), *technique.does_nothing(subject)]

    def cohort(self, *techniques: Regularizer) -> Cohort:
        """One run."""
        named = {snake_case(type(own).__name__): own for own in (*self.beside, *techniques)}
        training = Training(batch_size=BATCH, window=STEPS, epochs=1000)
        return Cohort(self.model, training, [RunSettings(0, named, Adam())], self.data)


def problems() -> Iterator[Problem]:
    """In the order in which they are tried."""
    models = GRU(HIDDEN, HIDDEN), LSTM(HIDDEN, HIDDEN)
    for beside in ((), (Dropout(0.5),)):
        yield from (Problem(model, sentences(), beside) for model in models)
        yield Problem(models[1], stream(), beside)
        yield Problem(models[0], pairs(), beside)


class Trainer:
    """Steps and evaluations of one cohort, timed."""

    def __init__(self, cohort: Cohort) -> None:
        self.cohort, self.record = cohort, Record(cohort)
        self.split = cohort.split("train")
        self.own = Steps(cohort, self.record.tally)

    def steps(self) -> None:
        """One epoch."""
        self.record.batches = 0
        epoch_of_steps(self.own, self.record, self.split, NEVER)
        self.record.epochs += 1

    def step_time(self) -> float:
        """Milliseconds of a step."""
        before = int(self.record.tally.steps)
        return seconds(self.steps) * 1e3 / (int(self.record.tally.steps) - before)

    def evaluation_time(self) -> float:
        """Milliseconds of a pass over the data."""
        return seconds(lambda: evaluate(self.cohort, self.split)) * 1e3


def seconds(run: Callable[[], object]) -> float:
    """The processor's time of one call."""
    start = time.process_time()
    run()
    return time.process_time() - start


def row(name: str, own: Regularizer, budget: float) -> list[str]:
    """A technique's line of the table."""
    problem = next(problem for problem in problems() if problem.fits(own))
    trainers = [Trainer(problem.cohort()), Trainer(problem.cohort(own))]
    for trainer in trainers:
        trainer.steps()
    memory = [median(peak(trainer.steps, "cpu") for _ in range(3)) for trainer in trainers]
    steps: list[tuple[float, float]] = []
    evaluations: list[float] = []
    end = time.perf_counter() + budget
    while len(steps) < 5 or time.perf_counter() < end:
        order = trainers if len(steps) % 2 else trainers[::-1]
        turn = {id(trainer): (trainer.step_time(), trainer.evaluation_time()) for trainer in order}
        plain, changed = (turn[id(trainer)] for trainer in trainers)
        steps.append((plain[0], changed[0]))
        evaluations.append(changed[1] / plain[1])
    ratios = [changed / plain for plain, changed in steps]
    low, cost, high = quantiles(ratios, n=4)
    times = [median(own) for own in zip(*steps, strict=True)]
    figures = [*times, cost, low, high, median(evaluations), *memory]
    model, task = snake_case(type(problem.model).__name__), problem.data.task
    return [name, model, task, *(f"{figure:.2f}" for figure in figures)]


def usual() -> list[tuple[str, Regularizer]]:
    """Every technique as its file in conf/ sets it."""
    names = [snake_case(own.__name__) for own in ALL]
    found = Resolver([f"regularizers=[{','.join(names)}]"], Places())({}).regularizers
    return [(name, found[name]) for name in names]


def machine() -> str:
    """What was measured on."""
    cpu = Path("/proc/cpuinfo").read_text().partition("model name\t: ")[2].partition("\n")[0]
    sizes = f"T={STEPS}, B={BATCH}, H={HIDDEN}, V={len(WORDS)}, one run, float32"
    return f"{cpu}, {os.cpu_count()} cores, 1 thread, torch {torch.__version__}, {sizes}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", nargs="+", help="names of techniques")
    parser.add_argument("--seconds", type=float, default=3.0, help="for a technique")
    parser.add_argument("--csv", type=Path)
    options = parser.parse_args()
    if options.only and options.csv:
        parser.error("a file holds all techniques, measured together: take --only or --csv")
    torch.set_num_threads(1)
    print(machine())
    chosen = [(name, own) for name, own in usual() if not options.only or name in options.only]
    measured = (row(name, own, options.seconds) for name, own in chosen)
    table.write(options.csv, table.aligned(chain([COLUMNS.split()], measured), 15), machine())


if __name__ == "__main__":
    main()

"""What a run's step costs in cohorts of 1 to 256 runs, beside the memory's bandwidth.

Usage: ``python -m scripts.benchmark_width [--model GRU ...] [--hidden H ...] [--width K ...]
[--length T] [--device cuda] [--csv FILE]``.
A step is forward, backward, clipping and Adam on 32 sequences of random words.  The floor is the
time to move once what a step must touch: weights, gradient and Adam's state, and the activations
that backward needs, at the bandwidth of a copy measured in the same process.  What stays in the
processor's cache can be faster.
"""

import argparse
import itertools
import multiprocessing
import os
import platform
import resource
import statistics
import time
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from rnn_regexp.data.batches import Batch
from rnn_regexp.data.sequences import SequenceData, Split
from rnn_regexp.models import GRU, LSTM, RNN, Model
from rnn_regexp.noise import Noise
from rnn_regexp.regularizers.clip import Clip
from rnn_regexp.regularizers.dropout import Dropout
from rnn_regexp.regularizers.zoneout import Zoneout
from rnn_regexp.training.cohort import Cohort, RunSettings
from rnn_regexp.training.optimizers import Adam
from rnn_regexp.training.settings import Device, Training
from rnn_regexp.training.step import losses
from rnn_regexp.training.steps import Steps
from rnn_regexp.training.tally import Tally
from scripts import table

MODELS: dict[str, type[Model]] = {"RNN": RNN, "GRU": GRU, "LSTM": LSTM}
BATCH, WORDS, CLASSES, SECONDS = 32, 1000, 8, 1.0
PASSES = 10  # w forward and backward, g written; Adam reads w, g, m, v and writes w, m, v


def cohort(model: str, hidden: int, width: int, noise: bool, device: str) -> Cohort:
    split = Split(*(torch.zeros(1, dtype=torch.int64) for _ in range(3)))
    names = tuple(str(n) for n in range(WORDS))
    data = SequenceData(split, split, split, names[:CLASSES], names)
    techniques = {"dropout": Dropout(0.5), "clip": Clip(5.0)}
    if noise:
        techniques["zoneout"] = Zoneout(h=0.1)
    runs = [RunSettings(seed, techniques, Adam()) for seed in range(width)]
    shape = MODELS[model](embedding=hidden, hidden=hidden)
    return Cohort(shape, Training(device=Device[device]), runs, data)


def batch(own: Cohort, length: int) -> Batch:
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randint(2, WORDS, (own.runs, length, BATCH), generator=generator)
    targets = torch.randint(CLASSES, (own.runs, BATCH), generator=generator)
    lengths = torch.full((own.runs, BATCH), length)
    return Batch(inputs.to(own.device), lengths.to(own.device), targets.to(own.device))


def seconds_a_step(own: Cohort, batches: Batch) -> float:
    """The median behind the first three, in which memory is taken and steps are recorded."""
    steps = Steps(own, Tally(own.runs, own.weights.flat.detach()))
    taken: list[float] = []
    while len(taken) < 8 or sum(taken) < SECONDS:
        start = time.perf_counter()
        steps(batches, None)
        _wait(own.device)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken[3:])


def bytes_a_step(own: Cohort, batches: Batch) -> int:
    """What a step must move: weights and their like, and what is saved for backward, twice."""
    saved: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        saved[tensor.data_ptr()] = tensor.numel() * tensor.element_size()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        losses(own, batches, Noise(own.seeds, 1), None)
    flat = own.weights.flat
    return PASSES * flat.numel() * flat.element_size() + 2 * sum(saved.values())


def bandwidth(device: torch.device) -> float:
    """Bytes a second of a copy that no cache holds, read and write."""
    source = torch.ones(1 << 26, device=device)  # 256 MiB
    target = torch.empty_like(source)
    taken: list[float] = []
    for _ in range(5):
        start = time.perf_counter()
        target.copy_(source)
        _wait(device)
        taken.append(time.perf_counter() - start)
    return 2 * source.numel() * source.element_size() / min(taken)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def measured(words: tuple[str, int, int, bool, int, str]) -> dict[str, object]:
    """One row, in a process of its own, whose peak memory is the row's."""
    model, hidden, width, noise, length, device = words
    torch.set_num_threads(1)
    own = cohort(model, hidden, width, noise, device)
    batches = batch(own, length)
    seconds = seconds_a_step(own, batches)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    if own.device.type == "cuda":
        peak = torch.cuda.max_memory_allocated() >> 20
    floor = bytes_a_step(own, batches) / bandwidth(own.device)
    row: dict[str, object] = {"model": model, "hidden": hidden, "zoneout": noise, "K": width}
    row["ms a step of a run"] = round(1e3 * seconds / width, 3)
    row["floor, ms"] = round(1e3 * floor / width, 3)
    return row | {"peak MB": peak}


def rows(options: Any) -> Iterator[dict[str, object]]:
    for model, hidden, noise, width in itertools.product(
        options.model, options.hidden, (False, True), options.width
    ):
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            words = (model, hidden, width, noise, options.length, options.device)
            yield pool.apply(measured, (words,))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", nargs="+", choices=list(MODELS), default=["GRU", "LSTM"])
    parser.add_argument("--hidden", type=int, nargs="+", default=[64])
    parser.add_argument("--width", type=int, nargs="+", default=[1, 4, 16, 64, 256])
    parser.add_argument("--length", type=int, default=50)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--csv")
    options = parser.parse_args()
    device = torch.cuda.get_device_name() if options.device == "cuda" else platform.machine()
    print(f"{device}, {os.cpu_count()} cores, 1 thread, torch {torch.__version__}")
    table.write(options.csv, table.named(rows(options)))


if __name__ == "__main__":
    main()

"""How many runs train together: measured on a few steps of the study's own cohorts."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from statistics import median_low

import torch
from torch import Tensor

from rnn_regexp.executors.memory import free_memory
from rnn_regexp.executors.work import last_line
from rnn_regexp.experiment import Experiment, build_cohort
from rnn_regexp.noise import Noise
from rnn_regexp.training.cohort import Cohort
from rnn_regexp.training.evaluate import carried
from rnn_regexp.training.step import losses
from rnn_regexp.training.steps import Steps
from rnn_regexp.training.tally import Tally

WIDTHS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
SECONDS = 0.05  # for which one width is timed, three steps at least
MOST = 50  # batches
GAIN = 0.97  # of the total: what wider ones, which cost the most to time, must promise
SHARE = 0.6  # of the free memory that the cohorts may fill


@dataclass(frozen=True)
class Choice:
    """A width and the measurements behind it."""

    width: int
    milliseconds: dict[int, float]  # of a step of one run, by width
    bound: str = ""  # what kept wider ones out

    @property
    def why(self) -> str:
        """One line for the terminal."""
        timed = ", ".join(f"{width}: {own:.2g}" for width, own in self.milliseconds.items())
        return f"{self.width} runs (ms for a step of one run, by width: {timed}){self.bound}"


def choose_width(
    experiments: Sequence[Experiment],
    workers: int,
    threads: int = 1,
    free: int | None = None,
    clock: Callable[[Sequence[Experiment]], float] | None = None,
) -> Choice:
    """The width at which ``workers`` side by side finish the runs of one shape soonest.

    Each has so many ``threads``; those of this process are set to it.  With N runs of t(w)
    seconds a step at width w, the last worker ends after ceil(N / (w * workers)) * w * t(w).
    Widths are tried upwards until one leaves each worker a single cohort (a wider one would only
    take longer), wider ones promise less than 3%, or would not fit into the ``free`` bytes or do
    not.  What a single run raises is raised.
    """
    torch.set_num_threads(threads)  # as many as the workers will have
    timed: dict[int, float] = {}
    clock = clock or seconds_a_step
    best, N = 1, len(experiments)
    device = experiments[0].training.torch_device()
    room = (free if free is not None else free_memory(device)) * SHARE / workers
    each = memory_a_run(experiments[0]) if N > 1 else 0.0
    for width in WIDTHS:
        if width > N or width // 2 * workers >= N:
            break
        if width > 1 and width * each > room:
            return Choice(best, timed, "; wider ones would not fit into memory")
        try:
            timed[width] = 1e3 * clock(experiments[:width]) / width
        except (MemoryError, RuntimeError) as error:
            if width == 1:
                raise
            return Choice(best, timed, f"; {width} fail ({last_line(str(error))})")
        best = min(timed, key=lambda own: _total(N, workers, own, timed[own]))
        enough = GAIN * _total(N, workers, best, timed[best])
        if width >= 4 and _promised(N, workers, width, timed) > enough:
            break
    return Choice(best, timed)


def _total(N: int, workers: int, width: int, step: float) -> float:
    """Until the last of the workers ends, in steps of all epochs; ``step`` is of one run."""
    return -(-N // (width * workers)) * width * step


def _promised(N: int, workers: int, width: int, timed: dict[int, float]) -> float:
    """The best total of wider ones if a run's step falls by as much as in the last two doublings.

    Where what it shares is shared by ever more, t(w) = a + b / w, it falls by less than half that.
    """
    now = min(timed[width], timed[width // 2])  # one may have been disturbed
    least = now - max(0.0, timed[width // 4] - now)
    return min((_total(N, workers, own, least) for own in WIDTHS if own > width), default=math.inf)


def seconds_a_step(experiments: Sequence[Experiment]) -> float:
    """Seconds of one optimizer step of a cohort of these runs: the median behind the first.

    Batches differ in length, those of wide cohorts less, so the least would flatter narrow ones.
    On CUDA it is the least: many of so few steps are not yet replayed, but recorded.
    """
    cohort = build_cohort(experiments)
    steps = Steps(cohort, Tally(cohort.runs, cohort.weights.flat.detach()))
    noise = Noise(cohort.seeds, 1)
    epoch = cohort.task.batches(cohort.split("train"), noise, cohort.batching(noise))
    taken: list[float] = []
    for batch in cycle(islice(epoch, MOST)):
        started = _now(cohort)
        steps(batch, carried(cohort, None, True))
        taken.append(_now(cohort) - started)
        if len(taken) >= 3 and sum(taken) >= SECONDS:
            break
    return (min if cohort.device.type == "cuda" else median_low)(taken[1:])


def steps_of(experiment: Experiment) -> int:
    """Optimizer steps of a run that trains to the end."""
    return experiment.training.epochs * build_cohort([experiment]).steps()


def _now(cohort: Cohort) -> float:
    """Seconds on a clock; with one thread the process's own, which other programs do not slow."""
    if cohort.device.type == "cpu" and torch.get_num_threads() == 1:
        return time.process_time()
    if cohort.device.type == "cuda":
        torch.cuda.synchronize(cohort.device)
    return time.perf_counter()


def memory_a_run(experiment: Experiment) -> float:
    """Bytes that one more run in a cohort takes: weights and their copies, saved activations."""
    cohort = build_cohort([experiment])
    noise = Noise(cohort.seeds, 1)
    batch = next(iter(cohort.task.batches(cohort.split("train"), noise, cohort.batching(noise))))
    saved = 0

    def count(tensor: Tensor) -> Tensor:
        nonlocal saved
        saved += tensor.numel() * tensor.element_size()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
        losses(cohort, batch, noise, carried(cohort, None, True))
    flat = cohort.weights.flat
    copies = 6 + cohort.optimizers.state.shape[1]  # weights, gradient, best, last, and temporaries
    return 2 * saved + copies * flat.numel() * flat.element_size()

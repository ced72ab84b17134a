"""An experiment is one fully resolved configuration; a cohort of them is trained together."""

import dataclasses
import functools
import hashlib
import json
import platform
import subprocess
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from rnn_regexp import __version__
from rnn_regexp.data.sequences import Dataset, SequenceData
from rnn_regexp.fields import VOLATILE, plain
from rnn_regexp.files import WriteError
from rnn_regexp.ledger import DIVERGED, FAILED, FINISHED, Ledger, RunResult
from rnn_regexp.models import Model
from rnn_regexp.noise import substream
from rnn_regexp.regularizers.base import Regularizer
from rnn_regexp.regularizers.subject import Subject
from rnn_regexp.tasks import ALL as ALL_TASKS
from rnn_regexp.tasks import task_of
from rnn_regexp.training.checkpoint import Checkpoint, identity_of
from rnn_regexp.training.cohort import Cohort, RunSettings, subject_of
from rnn_regexp.training.loop import Progress, train
from rnn_regexp.training.optimizers import Optimizer
from rnn_regexp.training.record import Outcome, metric_names
from rnn_regexp.training.schedules import Constant, Schedule
from rnn_regexp.training.settings import Training

NUMERICS = 2  # increased by a change that alters what a run computes: old results are not reused


@dataclasses.dataclass
class Experiment:
    """Model, data, regularizers, optimizer, training and seed: all that decides a run's numbers."""

    model: Model
    dataset: Dataset
    optimizer: Optimizer
    schedule: Schedule = dataclasses.field(default_factory=Constant)
    regularizers: dict[str, Regularizer] = dataclasses.field(default_factory=dict)
    training: Training = dataclasses.field(default_factory=Training)
    seed: int = 0
    stream: int = 0  # of the seed's random numbers: another one differs by chance alone


def run_id(experiment: Experiment) -> str:
    """Content hash of everything that can change a run's numbers, 12 hexadecimal digits.

    Volatile settings (device, paths) are left out, and so are regularizers at neutral strength;
    the data's digest and the numerics version are in.
    """
    identity = {
        "experiment": plain(experiment, without=(VOLATILE,), neutral=False),
        "data": digest(experiment.dataset),
        "numerics": NUMERICS,
    }
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:12]


_loaded: dict[str, tuple[SequenceData, str]] = {}  # settings -> data and digest, in this process


def load(dataset: Dataset) -> SequenceData:
    """The data, read once in a process."""
    return _load(dataset)[0]


def digest(dataset: Dataset) -> str:
    """Hash of the data as read."""
    return _load(dataset)[1]


def _load(dataset: Dataset) -> tuple[SequenceData, str]:
    settings = json.dumps(plain(dataset), sort_keys=True)
    if settings not in _loaded:
        data = dataset.load()
        _loaded[settings] = data, data.digest()
    return _loaded[settings]


def metrics_of(experiment: Experiment) -> list[str]:
    """The metrics that a run of an experiment will have."""
    return metric_names(ALL_TASKS[load(experiment.dataset).task].metrics)


def subject(experiment: Experiment) -> Subject:
    """What an experiment's techniques act on; ``regularizers.fitting`` says whether they can."""
    task = task_of(load(experiment.dataset))
    return subject_of(experiment.model, task, experiment.training, experiment.regularizers)


def run_cohort(
    experiments: Sequence[Experiment],
    ledger: Ledger,
    progress: Progress = lambda epochs: None,
    train: Callable[..., list[Outcome]] = train,
) -> list[RunResult]:
    """Train experiments of one shape together and record each in the ledger.

    A cohort that raises is recorded as failed, run by run, with its traceback; not so one whose
    checkpoint cannot be written: raises ``WriteError``, and ``LedgerError`` for a result.
    """
    started, clock = time.time(), time.monotonic()  # the system's clock may jump, the other not
    ledger.event("started", runs=[run_id(own) for own in experiments])
    checkpoint = _checkpoint(experiments, ledger)
    try:
        outcomes = train(build_cohort(experiments), progress, checkpoint)
    except WriteError:
        raise
    except Exception:
        results = [failure(experiment, traceback.format_exc()) for experiment in experiments]
    else:
        ended = zip(experiments, outcomes, strict=True)
        results = [_result(experiment, outcome) for experiment, outcome in ended]
    seconds = round((time.monotonic() - clock) / len(experiments), 3)
    kept = [ledger.keep(dataclasses.replace(o, started=started, seconds=seconds)) for o in results]
    ledger.event("ended", runs={result.run_id: result.status for result in kept})
    checkpoint.remove()
    return kept


def _checkpoint(experiments: Sequence[Experiment], ledger: Ledger) -> Checkpoint:
    """The file from which these runs go on together if they are cut short."""
    training = experiments[0].training
    ids = " ".join(run_id(own) for own in experiments)
    identity = f"{ids} {training.torch_device().type} {torch.__version__}"
    name = hashlib.sha256(ids.encode()).hexdigest()[:12]
    path = ledger.folder / "checkpoints" / f"{name}.safetensors"
    resumed = functools.partial(_resumed, ledger, ids.split())
    seconds, epochs = training.checkpoint_seconds, training.checkpoint_epochs
    return Checkpoint(path, identity, seconds, epochs, resumed)


def _resumed(ledger: Ledger, runs: list[str], epochs: int) -> None:
    ledger.event("resumed", runs=runs, epochs=epochs)


def runs_of(checkpoint: Path) -> list[str]:
    """The ids of the runs that a checkpoint is of."""
    return identity_of(checkpoint).split()[:-2]  # device and torch follow


def build_cohort(experiments: Sequence[Experiment]) -> Cohort:
    """Experiments of one shape, initialized and ready to train together."""
    first = experiments[0]
    runs = [
        RunSettings(substream(own.seed, own.stream), own.regularizers, own.optimizer, own.schedule)
        for own in experiments
    ]
    return Cohort(first.model, first.training, runs, load(first.dataset))


def _result(experiment: Experiment, outcome: Outcome) -> RunResult:
    return RunResult(
        run_id=run_id(experiment),
        seed=experiment.seed,
        status=FINISHED if outcome.diverged_at is None else DIVERGED,
        experiment=plain(experiment),
        metrics=outcome.metrics,
        history=outcome.history,
        diverged_at=outcome.diverged_at,
        environment=environment(experiment),
    )


def failure(experiment: Experiment, error: str) -> RunResult:
    """The record of a run that raised or whose process died; the next command tries it again."""
    own, now = run_id(experiment), time.time()
    return RunResult(own, experiment.seed, FAILED, plain(experiment), started=now, error=error)


def environment(experiment: Experiment) -> dict[str, str]:
    """Versions, device, data digest and source revision with which a run is trained."""
    data, data_digest = _load(experiment.dataset)
    device = experiment.training.torch_device()
    gpu = torch.cuda.get_device_name() if device.type == "cuda" else platform.machine()
    return {
        "rnn_regexp": __version__,
        "revision": _revision(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "platform": platform.platform(),
        "device": f"{device.type} ({gpu})",
        "data_digest": data_digest,
        **{f"data_{name}": version for name, version in data.provenance.items()},
        **{f"metrics_{name}": version for name, version in task_of(data).provenance().items()},
    }


@functools.cache
def _revision() -> str:
    """The git revision of the source tree, or "" for an installed package."""
    here = Path(__file__).parent
    if not (here.parent / ".git").exists():
        return ""
    command = ["git", "-C", str(here), "describe", "--always", "--dirty", "--abbrev=12"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return answer.stdout.strip()

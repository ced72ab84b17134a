"""Dataclasses as Hydra's schemas: ``/schema/<group>/<name>`` for every listed class."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING

from rnn_regexp import data, executors, models, regularizers, tracking
from rnn_regexp.ablation.study import Study
from rnn_regexp.data.sequences import Dataset
from rnn_regexp.executors import Executor
from rnn_regexp.experiment import Experiment
from rnn_regexp.fields import snake_case, structural
from rnn_regexp.models import Model
from rnn_regexp.regularizers.base import Regularizer
from rnn_regexp.tracking import Tracking
from rnn_regexp.training import optimizers, schedules
from rnn_regexp.training.optimizers import Optimizer
from rnn_regexp.training.schedules import Schedule
from rnn_regexp.training.settings import Training

_PACKAGE = Path(__file__).parents[1]
# In a wheel conf/ travels inside the package; in a checkout it stands beside it.
CONF = _PACKAGE / "conf" if (_PACKAGE / "conf").is_dir() else _PACKAGE.parent / "conf"

GROUPS: dict[str, tuple[type, ...]] = {
    "model": models.ALL,
    "dataset": data.ALL,
    "regularizers": regularizers.ALL,
    "optimizer": optimizers.ALL,
    "schedule": schedules.ALL,
    "training": (Training,),
    "tracking": tracking.ALL,
    "executor": executors.ALL,
}


@dataclass
class Config:
    """Everything a command line can set: the experiment, and what is done with it."""

    model: Model = MISSING
    dataset: Dataset = MISSING
    regularizers: dict[str, Regularizer] = field(default_factory=dict)
    optimizer: Optimizer = MISSING
    schedule: Schedule = MISSING
    training: Training = MISSING
    tracking: Tracking = MISSING
    executor: Executor = MISSING
    study: Study = field(default_factory=Study)
    seed: int = structural(0, "[0, 1e18]")
    stream: int = structural(0, "[0, 1e9]")  # other random numbers of the same seed
    name: str = "train"  # of the folder under `output` and of the MLflow experiment
    output: str = "outputs"

    def experiment(self) -> Experiment:
        """The part that decides a run's numbers."""
        return Experiment(
            self.model,
            self.dataset,
            self.optimizer,
            self.schedule,
            self.regularizers,
            self.training,
            self.seed,
            self.stream,
        )


def register_schemas() -> None:
    """Make the dataclasses known to Hydra. Called by the application, never at import."""
    store = ConfigStore.instance()
    store.store(name="schema", node=Config)
    for group, settings in GROUPS.items():
        for own in settings:
            _store(store, f"schema/{group}", own)


def _store(store: ConfigStore, group: str, settings: Any) -> None:
    store.store(group=group, name=snake_case(settings.__name__), node=settings)

"""Hydra's entry to the sweeper, ``hydra/sweeper=ablation``. Light: every Hydra app scans this."""

from dataclasses import dataclass
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


@dataclass
class AblationSweeperConf:
    """The sweeper's settings stand in the group ``study``; here is only its name."""

    _target_: str = "hydra_plugins.rnn_regexp.AblationSweeper"


class AblationSweeper(Sweeper):
    """Hands the command line over to the laboratory, which plans and trains the study itself."""

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        self.config, self.hydra_context, self.task_function = config, hydra_context, task_function

    def sweep(self, arguments: list[str]) -> Any:
        from rnn_regexp.app.sweep import sweep

        assert self.config is not None
        return sweep(arguments, self.config)


ConfigStore.instance().store(
    group="hydra/sweeper", name="ablation", node=AblationSweeperConf, provider="rnn_regexp"
)

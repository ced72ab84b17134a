"""From the words of ``train`` and ``ablate`` to Hydra, with all bad input refused first."""

import shlex
import sys
from pathlib import Path

import hydra
from hydra._internal.utils import get_args_parser
from hydra.core.hydra_config import HydraConfig
from hydra.errors import CompactHydraException
from hydra.types import RunMode
from omegaconf import DictConfig

from rnn_regexp.commands.ending import stopped
from rnn_regexp.commands.train import train
from rnn_regexp.config import CONF, ConfigError, register_schemas, to_config
from rnn_regexp.config.overrides import Places, check, refuse_credentials, spelled_out
from rnn_regexp.config.own_files import refuse_unreadable
from rnn_regexp.errors import REFUSED, refuse
from rnn_regexp.interruption import Terminated, terminable
from rnn_regexp.ledger import FAILED, Ledger

_SWEEPER = "hydra/sweeper=ablation"


def launch(command: str, words: list[str]) -> int:
    """Run Hydra on ``words``; returns the exit code: 2 for bad input, a line for each problem."""
    try:
        refuse_credentials(words)
        options = get_args_parser().parse_args(words)
        several = command == "train" and options.multirun
        composed = check(options.overrides, Places(_folders(options.config_dir)), several)
        if several:  # Hydra makes the folder of a multirun before it calls us
            Ledger(Path(composed[0].output) / composed[0].name).require_writable()
        flags = [word for word in words if word not in options.overrides]
        spelled = spelled_out(options.overrides, composed[0])
        if command == "ablate":
            spelled.append(_SWEEPER)
            if not (options.cfg or options.info):  # what is shown is not run
                flags.append("--multirun")
        return _hydra(flags, spelled)
    except REFUSED as error:
        return refuse(error)
    except (KeyboardInterrupt, Terminated) as reason:
        return stopped(reason, shlex.join(["rnn-regexp", command, *words]))


def _folders(config_dir: str | None) -> tuple[Path, ...]:
    if config_dir is None:
        return ()
    if not Path(config_dir).is_dir():
        raise ConfigError([f"--config-dir {config_dir}: no such folder"])
    refuse_unreadable(Path(config_dir), Places().groups())
    return (Path(config_dir),)


def _hydra(flags: list[str], overrides: list[str]) -> int:
    register_schemas()
    sys.argv = ["rnn-regexp", *flags, *overrides]
    application = hydra.main(config_path=str(CONF), config_name="config", version_base="1.3")
    try:
        with terminable():
            application(_task)()
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 1
    return 0


class JobFailed(CompactHydraException):
    """One job of a multirun; Hydra shows the message alone, and the other jobs go on."""


def _task(composed: DictConfig) -> float | None:
    """What Hydra runs for ``train``: one experiment. Returns its validation loss, for sweepers."""
    try:
        config = to_config(composed)
        ledger = Ledger(Path(config.output) / config.name)
        result = train(config.experiment(), config.executor, config.tracking, ledger)
    except REFUSED as error:
        if HydraConfig.get().mode is RunMode.MULTIRUN:
            raise JobFailed(str(error)) from None
        sys.exit(refuse(error))
    if result.status == FAILED:
        raise JobFailed(f"{ledger.folder}/runs/{result.run_id}.json has the traceback")
    return result.metrics.get("valid/loss")

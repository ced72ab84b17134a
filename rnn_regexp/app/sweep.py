"""What the Hydra plugin hands over: a study's words and the composed configuration."""

import shlex
import sys
from pathlib import Path

from omegaconf import DictConfig

from rnn_regexp.commands.ablate import Request, ablate
from rnn_regexp.config import CONF, to_config
from rnn_regexp.config.overrides import Places
from rnn_regexp.config.resolve import Resolver, read
from rnn_regexp.errors import REFUSED, refuse


def sweep(words: list[str], master: DictConfig) -> None:
    """Run the study; raises ``SystemExit`` with its exit code unless all went well."""
    places = Places(_extra_folders(master))
    try:
        config = to_config(places.compose(words))
        resolve = Resolver(words, places)
        study, executor, tracking = config.study, config.executor, config.tracking
        command = _command(words, places)
        code = ablate(Request(study, resolve, read, executor, tracking, config.output, command))
    except REFUSED as error:
        code = refuse(error)
    if code:
        sys.exit(code)


def _command(words: list[str], places: Places) -> str:
    """The command line that runs this study, to be shown where it must be typed again."""
    folders = (word for folder in places.extra for word in ("--config-dir", str(folder)))
    return shlex.join(["rnn-regexp", "ablate", *folders, *words])


def _extra_folders(master: DictConfig) -> tuple[Path, ...]:
    """The folders that ``--config-dir`` or ``hydra.searchpath`` added."""
    sources = master.hydra.runtime.config_sources
    folders = [Path(own.path) for own in sources if own.schema == "file" and own.path]
    return tuple(folder for folder in folders if folder.resolve() != CONF.resolve())

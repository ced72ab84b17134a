"""The user's own YAML files, looked at before Hydra composes them."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from rnn_regexp.config.complaints import ConfigError, one_line

DEEPEST = 50  # levels of nesting; what ships has five
OPENING = (yaml.MappingStartEvent, yaml.SequenceStartEvent)
CLOSING = (yaml.MappingEndEvent, yaml.SequenceEndEvent)


def refuse_unreadable(folder: Path, groups: Iterable[str]) -> None:
    """Raise ``ConfigError`` with one line for each choice of these groups that cannot be read.

    Aliases are refused altogether: nested ones stand for more than any memory holds, and
    ``${...}`` repeats a value as well.
    """
    paths = [path for group in sorted(groups) for path in sorted(folder.glob(f"{group}/*.yaml"))]
    if found := [f"{path}: {fault}" for path in paths for fault in _faults(path)]:
        raise ConfigError(found)


def _faults(path: Path) -> Iterator[str]:
    try:
        text = path.read_text(encoding="utf-8")
        fault = _shape(text)
        if fault is None:
            OmegaConf.create(text)  # as Hydra reads it
    except yaml.MarkedYAMLError as error:
        fault = f"not valid YAML: {error.problem}{_at(error.problem_mark)}"
    except OmegaConfBaseException as error:
        fault = one_line(error)
    except AssertionError:  # OmegaConf's, which asks no more of a set
        fault = "expected keys and values"
    except (yaml.YAMLError, ValueError, TypeError, AttributeError) as error:
        fault = f"not valid YAML: {' '.join(str(error).split())}"
    if fault:
        yield fault


def _shape(text: str) -> str | None:
    """What is wrong with the shape of a text, found without building what it stands for."""
    depth = 0
    for event in yaml.parse(text, yaml.SafeLoader):
        depth += isinstance(event, OPENING) - isinstance(event, CLOSING)
        if isinstance(event, yaml.AliasEvent):
            where = _at(event.start_mark)
            return f"*{event.anchor}: aliases are not read; ${{...}} refers to a value{where}"
        if depth > DEEPEST:
            return f"nested more than {DEEPEST} levels deep{_at(event.start_mark)}"
    return None


def _at(mark: Any) -> str:
    return f" (line {mark.line + 1})" if mark else ""

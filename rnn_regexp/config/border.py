"""From a composed configuration to dataclasses; what the schema does not know is refused."""

import dataclasses
import re
from collections.abc import Iterator

from omegaconf import DictConfig, OmegaConf

from rnn_regexp import fields
from rnn_regexp.config.complaints import ConfigError, in_one_line, unknown
from rnn_regexp.config.schema import Config
from rnn_regexp.tracking import credentials


@in_one_line()
def to_config(composed: DictConfig) -> Config:
    """The plain dataclasses of a composed configuration.

    Raises ``ConfigError`` with all unknown keys and all values out of range.
    """
    if found := [*problems(composed)]:
        raise ConfigError(found)
    config = OmegaConf.to_object(composed)
    assert isinstance(config, Config)
    return config


def problems(composed: DictConfig) -> Iterator[str]:
    """A line for each thing that is wrong with a configuration."""
    yield from unknown_keys(composed)
    yield from out_of_range(composed)
    uri = OmegaConf.select(composed, "tracking.uri", default=None)  # of a file or a variable
    yield from credentials.problems("tracking.uri", uri or "")
    if not re.fullmatch(r"[\w.\-]+", composed.name) or set(composed.name) == {"."}:
        yield f"name must be made of letters, digits, _, - and ., got {composed.name!r}"


def unknown_keys(composed: DictConfig) -> Iterator[str]:
    """A line for each key that no schema knows, such as one added with ``+``."""
    for key, node in nodes(composed):
        settings = OmegaConf.get_type(node)
        if dataclasses.is_dataclass(settings):
            extra = set(map(str, node)) - set(fields.names(settings))
            for name in sorted(extra):
                yield unknown(f"{key}.{name}".lstrip("."), keys(composed))
        elif key == "regularizers":
            techniques = [str(name) for name in node]
            for name in techniques:
                if not dataclasses.is_dataclass(OmegaConf.get_type(node, name)):
                    yield unknown(f"{key}.{name}", keys(composed))


def out_of_range(composed: DictConfig) -> Iterator[str]:
    """A line for each value outside its field's interval."""
    for key, node in nodes(composed):
        settings = OmegaConf.get_type(node)
        if dataclasses.is_dataclass(settings):
            values = {name: node[name] for name in fields.names(settings) if name in node}
            numbers = {n: v for n, v in values.items() if isinstance(v, (int, float))}
            yield from fields.problems(settings, numbers, key)


def nodes(composed: DictConfig, key: str = "") -> Iterator[tuple[str, DictConfig]]:
    """Every mapping of the configuration with its dotted key, the root's being empty."""
    yield key, composed
    for own in composed:
        name = str(own)  # a level's label may be a number
        if not OmegaConf.is_missing(composed, own) and OmegaConf.is_dict(composed[own]):
            yield from nodes(composed[own], f"{key}.{name}".lstrip("."))


def keys(composed: DictConfig) -> Iterator[str]:
    """The dotted keys that the schemas allow."""
    for key, node in nodes(composed):
        settings = OmegaConf.get_type(node)
        if dataclasses.is_dataclass(settings):
            yield from (f"{key}.{name}".lstrip(".") for name in fields.names(settings))

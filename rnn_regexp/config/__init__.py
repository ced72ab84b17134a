"""The border to Hydra and OmegaConf: typed groups, strict checks, and plain dataclasses inside."""

from rnn_regexp.config.border import to_config
from rnn_regexp.config.complaints import ConfigError
from rnn_regexp.config.schema import CONF, GROUPS, Config, register_schemas

__all__ = ["CONF", "GROUPS", "Config", "ConfigError", "register_schemas", "to_config"]

"""What is wrong with settings, a line for each problem, in the spelling the user typed."""

import contextlib
import difflib
import re
from collections.abc import Iterable, Iterator
from typing import Any

from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from rnn_regexp.errors import BadInput


class ConfigError(BadInput):
    """Settings that cannot be used; one line for each problem, in the spelling the user typed."""

    def __init__(self, problems: Iterable[str]) -> None:
        super().__init__("\n".join(dict.fromkeys(problems)))


@contextlib.contextmanager
def in_one_line() -> Iterator[None]:
    """Raise what Hydra or OmegaConf finds wrong as ``ConfigError``."""
    try:
        yield
    except (HydraException, OmegaConfBaseException) as error:
        key = getattr(error, "full_key", "")
        raise ConfigError([f"{key}: {one_line(error)}" if key else one_line(error)]) from None


def unknown(key: str, known: Iterable[str]) -> str:
    """``unknown key X (did you mean Y?)``."""
    return f"unknown key {key}{suggestion(key, known)}"


def suggestion(word: Any, known: Iterable[str]) -> str:
    """`` (did you mean Y?)`` where something known is near, else nothing."""
    near = difflib.get_close_matches(str(word), list(known), n=1, cutoff=0.6)
    return f" (did you mean {near[0]}?)" if near else ""


_KINDS = {"Integer": "a whole number", "Float": "a number", "Boolean": "true or false"}


def wrong_type(key: str, value: Any, error: Exception) -> str:
    """One line for a value that its field's type refuses."""
    text = str(error)
    if kind := re.search(r"could not be converted to (\w+)", text):
        return f"{key} must be {_KINDS.get(kind[1], kind[1])}, got {value!r}"
    if allowed := re.search(r"expected one of \[(.*)\]", text):
        choices = allowed[1].split(", ")
        return f"{key}: {value!r} is not one of {', '.join(choices)}{suggestion(value, choices)}"
    return f"{key}: cannot be {value!r} ({one_line(error)})"


_WHERE = ("full_key:", "object_type=", "reference_type=")  # how OmegaConf ends its messages


def one_line(error: BaseException) -> str:
    """An error of Hydra's or OmegaConf's, or of its cause where it says nothing itself."""
    cause = error.__cause__ or error.__context__
    if not str(error).strip() and cause is not None:
        key = re.search(r"full_key: (\S+)", str(cause))
        return f"{key[1]}: {one_line(cause)}" if key else one_line(cause)
    lines = [line.strip() for line in str(error).splitlines()]
    return " ".join(line for line in lines if line and not line.startswith(_WHERE))

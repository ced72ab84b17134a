"""Settings declared once: default, allowed values, whether runs of a cohort may differ in them.

Every configurable object of the project is a plain dataclass whose fields are made here::

    @dataclass
    class Dropout(Regularizer):
        rate: float = per_run(0.0, "[0, 1)", strength=True)
        locked: bool = structural(False)

``per_run`` fields change numbers and not shapes, so runs that differ in them train together;
``structural`` fields are part of the cohort key.  A ``strength`` is a field whose default is the
technique's neutral value: at it, the technique is exactly the identity.  A ``volatile`` field
cannot change a result (a device's name, a path), so it is no part of a run's identity.
"""

import dataclasses
import functools
import math
import re
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

INTERVAL, PER_RUN, STRENGTH, VOLATILE = "interval", "per_run", "strength", "volatile"


def per_run(default: Any, interval: str | None = None, *, strength: bool = False) -> Any:
    """A setting that may differ between the runs of a cohort; ``interval`` like ``"[0, 1)"``."""
    return _field(default, {PER_RUN: True, INTERVAL: interval, STRENGTH: strength})


def structural(default: Any, interval: str | None = None, *, strength: bool = False) -> Any:
    """A setting that all runs of a cohort share."""
    return _field(default, {PER_RUN: False, INTERVAL: interval, STRENGTH: strength})


def volatile(default: Any, interval: str | None = None) -> Any:
    """A setting that cannot change a result and so is left out of a run's identity."""
    return _field(default, {PER_RUN: False, INTERVAL: interval, VOLATILE: True})


def _field(default: Any, metadata: dict[str, Any]) -> Any:
    if callable(default):
        return dataclasses.field(default_factory=default, metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def inside(value: float, interval: str) -> bool:
    """Whether ``value`` lies in ``interval``, a text such as ``"(0, inf]"``; NaN lies in none."""
    low, high = (float(edge) for edge in interval[1:-1].split(","))
    above = value >= low if interval[0] == "[" else value > low
    below = value <= high if interval[-1] == "]" else value < high
    return above and below


def problems(settings: type, values: Mapping[str, Any], key: str = "") -> list[str]:
    """One line for each value outside its field's interval, spelled as the user typed the key."""
    prefix = f"{key}." if key else ""
    found = []
    for field in dataclasses.fields(settings):
        interval, value = field.metadata.get(INTERVAL), values.get(field.name)
        if interval is None or value is None:
            continue
        if not inside(value, interval):
            found.append(f"{prefix}{field.name} must be in {interval}, got {value}")
    return found


class Settings:
    """Base of the configurable dataclasses: refuses values outside their intervals.

    Raises ``ValueError`` with one line for each bad field.
    """

    def __post_init__(self) -> None:
        values = {name: getattr(self, name) for name in names(type(self))}
        plain = {name: value for name, value in values.items() if isinstance(value, (int, float))}
        found = problems(type(self), plain, type(self).__name__)
        if found:
            raise ValueError("\n".join(found))


def names(settings: type, mark: str | None = None) -> Iterator[str]:
    """The field names of a dataclass, or those that carry a ``mark`` such as ``PER_RUN``."""
    for field in dataclasses.fields(settings):
        if mark is None or field.metadata.get(mark):
            yield field.name


def plain(value: Any, without: tuple[str, ...] = (), neutral: bool = True) -> Any:
    """Dataclasses, enums and tuples as the dictionaries, names and lists of JSON and YAML.

    Fields that carry one of the marks ``without`` are left out, and, unless ``neutral``, so are
    entries of mappings whose ``neutral`` is true: regularizers that do nothing.
    """
    inner = functools.partial(plain, without=without, neutral=neutral)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        kept = [f for f in dataclasses.fields(value) if not any(map(f.metadata.get, without))]
        named = {field.name: inner(getattr(value, field.name)) for field in kept}
        return {"name": snake_case(type(value).__name__), **named}
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, Mapping):
        present = {k: v for k, v in value.items() if neutral or not getattr(v, "neutral", False)}
        return {str(key): inner(item) for key, item in present.items()}
    if isinstance(value, (list, tuple)):
        return [inner(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def replaced(owner: Any, key: str, value: Any) -> Any:
    """A copy of nested settings with ``value`` at a dotted key; what is unchanged is shared."""
    name, _, rest = key.partition(".")
    if isinstance(owner, Mapping):
        return {**owner, name: replaced(owner[name], rest, value) if rest else value}
    inner = replaced(getattr(owner, name), rest, value) if rest else value
    return dataclasses.replace(owner, **{name: inner})


def mark_of(owner: Any, key: str, mark: str) -> Any:
    """The ``mark`` of the field at a dotted key of nested settings; None where it has none."""
    for name in key.split(".")[:-1]:
        owner = owner[name] if isinstance(owner, Mapping) else getattr(owner, name)
    if not dataclasses.is_dataclass(owner):
        return None
    own = {field.name: field for field in dataclasses.fields(owner)}
    return own[key.rpartition(".")[2]].metadata.get(mark)


def snake_case(name: str) -> str:
    """``WeightDecay`` -> ``weight_decay``, ``RDrop`` -> ``r_drop``, ``AdamW`` -> ``adamw``."""
    return re.sub("(?:(?<=[a-z0-9])|(?<=^[A-Z]))(?=[A-Z][a-z])", "_", name).lower()


def label(value: Any) -> str:
    """A setting's value as it stands in tables: ``0.5``, ``orthogonal``, ``none`` for no limit."""
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, (list, tuple)):
        return "+".join(map(label, value)) or "none"
    if value is None or (isinstance(value, float) and math.isinf(value)):
        return "none"
    return _number(value) if isinstance(value, float) else str(value)


def _number(value: float) -> str:
    """Short and as people type it: ``0.25``, ``1e-4``; every digit where six would not be exact."""
    text = f"{value:g}"
    if 0 < abs(value) < 1e-3:
        mantissa, _, exponent = f"{value:.5e}".partition("e")
        text = f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
    return text if float(text) == value else repr(value)

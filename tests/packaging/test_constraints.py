"""constraints.txt makes an installation the same next year: all that may be installed is pinned."""

import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

REPOSITORY = Path(__file__).parents[2]
LINES = (REPOSITORY / "constraints.txt").read_text(encoding="utf-8").splitlines()
PINS = {
    canonicalize_name(name): Version(version)
    for name, version in (line.split("==") for line in LINES if not line.startswith("#"))
}
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
NAMED = {
    "": PROJECT["dependencies"],
    **{name: EXTRAS[name] for name in ("dev", "data", "hf", "ray", "slurm")},
}


@pytest.mark.parametrize("extra", NAMED)
def test_each_requirement_has_a_pin_within_its_range(extra: str):
    for text in NAMED[extra]:
        wanted = Requirement(text)
        pin = PINS.get(canonicalize_name(wanted.name))
        assert pin is not None, f"{wanted.name} is not in constraints.txt"
        assert pin in wanted.specifier, f"{pin} is not in the range of {wanted}"


def test_what_these_require_in_turn_is_pinned():
    """Of the packages that are installed here, through all that they require here."""
    waiting = {Requirement(text).name for texts in NAMED.values() for text in texts}
    seen: set[str] = set()
    while waiting:
        name = canonicalize_name(waiting.pop())
        seen.add(name)
        waiting |= {own for own in required(name) if canonicalize_name(own) not in seen}
    assert len(seen) > 100
    assert seen - set(PINS) == set(), "not in constraints.txt"


def required(name: str) -> set[str]:
    """The packages that an installed one asks for on this machine, without its extras."""
    try:
        texts = metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return set()
    needed = (Requirement(text) for text in texts)
    return {own.name for own in needed if own.marker is None or own.marker.evaluate({"extra": ""})}


def test_each_package_stands_once_in_order():
    pins = [line for line in LINES if not line.startswith("#")]
    assert pins == sorted(pins, key=lambda pin: pin.lower().replace("_", "-"))
    assert len(PINS) == len(pins)

"""Whether a study's folder may be continued: the same question about the same experiment."""

from collections.abc import Iterator
from typing import Any

import yaml

from rnn_regexp.ablation.description import StudyError
from rnn_regexp.ledger import Ledger

# Seeds, levels and the analysis may change: runs are kept by what they are, not by these.
SAME = ("design", "base", "nuisance")
LAST = "command"  # the last key of study.yaml


def refuse_other_study(ledger: Ledger, resolved: str) -> None:
    """Refuse to mix two studies in one folder; ``resolved`` is the text of the new ``study.yaml``.

    Raises ``StudyError`` with the settings that differ and the way out.
    """
    old, new = _written(ledger), yaml.safe_load(resolved)
    if old is None:
        return
    found = [line for part in SAME for line in differences(part, old.get(part), new.get(part))]
    found += differences("factors", _core(old["factors"]), _core(new["factors"]))
    if found:
        raise StudyError(
            f"{ledger.folder} holds another study: {'; '.join(found[:5])}"
            f"{f' and {len(found) - 5} more' if len(found) > 5 else ''}"
            " (choose another folder with study.name=..., or remove it)"
        )


def _written(ledger: Ledger) -> dict[str, Any] | None:
    """The study in the folder; None where there is none, or a crash of the machine cut it short."""
    try:
        found = yaml.safe_load(ledger.read("study.yaml") or "")
    except (yaml.YAMLError, ValueError, RecursionError):  # LedgerError among them
        return None
    return found if isinstance(found, dict) and LAST in found else None


def _core(factors: dict[str, Any]) -> dict[str, Any]:
    """Factors without their levels and what these set: they may be added to."""
    return {
        factor: {name: value for name, value in own.items() if name not in ("levels", "settings")}
        for factor, own in factors.items()
    }


def differences(key: str, old: Any, new: Any) -> Iterator[str]:
    """``key: old -> new`` for every value that differs."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name in [*old, *(name for name in new if name not in old)]:
            yield from differences(
                f"{key}.{name}".removeprefix("base."), old.get(name), new.get(name)
            )
    elif old != new:
        yield f"{key}: {_short(old)} there, {_short(new)} here"


def _short(value: Any) -> str:
    return "absent" if value is None else "present" if isinstance(value, dict) else str(value)

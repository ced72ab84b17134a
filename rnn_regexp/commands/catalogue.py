"""``rnn-regexp list``: what there is to choose from, one line each."""

from collections.abc import Iterator

import yaml

from rnn_regexp.config.overrides import Places
from rnn_regexp.config.schema import CONF, GROUPS
from rnn_regexp.fields import label, snake_case

KINDS = {
    "models": "model",
    "datasets": "dataset",
    "regularizers": "regularizers",
    "optimizers": "optimizer",
    "schedules": "schedule",
    "studies": "study",
    "experiments": "experiment",
}


def catalogue(kind: str) -> Iterator[str]:
    """A line for each choice: its name, what it does, its source."""
    group = KINDS[kind]
    if group not in GROUPS:
        for choice in Places().choices(group):
            yield f"{choice:22} {_comment(group, choice)}"
        return
    for settings in GROUPS[group]:
        name = snake_case(settings.__name__)
        summary = (settings.__doc__ or "").strip().splitlines()[0].replace("``", "`")
        usual = f" ({_usual(group, name)})" if kind == "regularizers" else ""
        source = getattr(settings, "source", "")
        yield f"{name:22} {summary}{usual}{f'  [{source}]' if source else ''}"


def _usual(group: str, choice: str) -> str:
    """What choosing by this name sets: ``rate=0.5``."""
    written = yaml.safe_load((CONF / group / f"{choice}.yaml").read_text(encoding="utf-8"))
    settings = {key: value for key, value in written.items() if key != "defaults"}
    return ", ".join(f"{key}={label(_number(own)).lower()}" for key, own in settings.items())


def _number(value: object) -> object:
    """YAML 1.1 takes 1e-4, which has no dot, for a text."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _comment(group: str, choice: str) -> str:
    """The first comment of a YAML file that is not Hydra's package directive."""
    lines = (CONF / group / f"{choice}.yaml").read_text(encoding="utf-8").splitlines()
    comments = (line[1:].strip() for line in lines if line.startswith("#"))
    return next((own for own in comments if not own.startswith("@")), "")

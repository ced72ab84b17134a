"""``rnn-regexp list``: what there is to choose from, one line each."""

from collections.abc import Iterator

from rnn_regexp.config.overrides import Places
from rnn_regexp.config.schema import CONF, GROUPS
from rnn_regexp.fields import snake_case

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
        summary = (settings.__doc__ or "").strip().splitlines()[0]
        source = getattr(settings, "source", "")
        yield f"{snake_case(settings.__name__):22} {summary}{f'  [{source}]' if source else ''}"


def _comment(group: str, choice: str) -> str:
    """The first comment of a YAML file that is not Hydra's package directive."""
    lines = (CONF / group / f"{choice}.yaml").read_text(encoding="utf-8").splitlines()
    comments = (line[1:].strip() for line in lines if line.startswith("#"))
    return next((own for own in comments if not own.startswith("@")), "")

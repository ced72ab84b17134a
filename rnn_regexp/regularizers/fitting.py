"""Whether techniques fit the model and the task, in lines for the user."""

from collections.abc import Iterator, Mapping

from rnn_regexp.errors import BadInput
from rnn_regexp.recurrence import cells
from rnn_regexp.recurrence.backends import Backend
from rnn_regexp.regularizers.base import Regularizer
from rnn_regexp.regularizers.subject import Subject


def refuse(subject: Subject) -> None:
    """Raise ``BadInput`` with a line for each thing that its techniques cannot do on a subject."""
    told = [*_told(subject, "objections"), *_without_cell(subject)]
    lines = [f"{key}: {reason}" for key, reason in told]
    if lines:
        raise BadInput("\n".join(lines))


def _without_cell(subject: Subject) -> Iterator[tuple[str, str]]:
    """A cell that the kernels do not know is there as its equations alone."""
    if subject.cell not in cells.ALL and subject.backend not in (Backend.auto, Backend.cells):
        reason = f"training.backend={subject.backend.name} has none (take auto or cells)"
        yield "model.mogrifier", reason


def idle(subject: Subject) -> dict[str, str]:
    """The techniques and settings without effect, as typed, with the reason.

    ``regularizers.dropout`` for a whole technique, ``regularizers.zoneout.c`` for one setting.
    """
    return dict(_told(subject, "does_nothing"))


def used(techniques: Mapping[str, Regularizer]) -> dict[str, Regularizer]:
    """Those that are not neutral."""
    return {name: own for name, own in techniques.items() if not own.neutral}


def _told(subject: Subject, method: str) -> Iterator[tuple[str, str]]:
    for name, own in subject.techniques.items():
        for setting, reason in getattr(own, method)(subject):
            yield f"regularizers.{name}{'.' if setting else ''}{setting}", reason

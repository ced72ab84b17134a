"""A task is a loss per run and the metrics its field reports; ``ALL`` lists them by name."""

from rnn_regexp.data.sequences import SequenceData
from rnn_regexp.tasks.base import Task
from rnn_regexp.tasks.classify import Classify
from rnn_regexp.tasks.forecast import Forecast
from rnn_regexp.tasks.language_model import LanguageModel
from rnn_regexp.tasks.tag import Tag
from rnn_regexp.tasks.transduce import Transduce
from rnn_regexp.tasks.translate import Translate

ALL: dict[str, type[Task]] = {
    "classify": Classify,
    "tag": Tag,
    "transduce": Transduce,
    "translate": Translate,
    "language_model": LanguageModel,
    "forecast": Forecast,
}


def task_of(data: SequenceData) -> Task:
    """The task that a dataset is for."""
    return ALL[data.task](data)


__all__ = [
    "ALL",
    "Classify",
    "Forecast",
    "LanguageModel",
    "Tag",
    "Task",
    "Transduce",
    "Translate",
    "task_of",
]

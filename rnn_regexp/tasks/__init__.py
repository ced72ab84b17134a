"""A task is a loss per run and the metrics its field reports; ``ALL`` lists them by name."""

from rnn_regexp.data.sequences import SequenceData
from rnn_regexp.tasks.base import Task
from rnn_regexp.tasks.classify import Classify
from rnn_regexp.tasks.language_model import LanguageModel

ALL: dict[str, type[Task]] = {"classify": Classify, "language_model": LanguageModel}


def task_of(data: SequenceData) -> Task:
    """The task that a dataset is for."""
    return ALL[data.task](data)


__all__ = ["ALL", "Classify", "LanguageModel", "Task", "task_of"]

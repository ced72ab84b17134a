"""What the process that workers are forked from imports, for them to find it done."""

import torch

from rnn_regexp import compiler
from rnn_regexp.executors import worker

__all__ = ["worker"]

if compiler.ready(torch.device("cpu")):
    from rnn_regexp.recurrence import cpu  # noqa: F401

    compiler.warm_up()

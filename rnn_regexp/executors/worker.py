"""A process that trains what it is sent: the far end of ``processes``.

Both ends of the pipe are ours and nobody else can write to it: that multiprocessing pickles what
goes through is no way in for data from outside.
"""

import faulthandler
import os
import signal
import sys
import threading
import traceback
from collections.abc import Mapping, Sequence
from functools import partial
from multiprocessing import connection, parent_process
from pathlib import Path

import torch

from rnn_regexp.errors import BadInput
from rnn_regexp.executors.trial import attempt
from rnn_regexp.experiment import Experiment
from rnn_regexp.interruption import EXIT_CODE
from rnn_regexp.ledger import Ledger, RunResult
from rnn_regexp.training.checkpoint import STOP, Stopped

Answer = int | str | BadInput | list[RunResult]
"""Epochs done; what broke; what would break every cohort; the results."""


def work(
    pipe: connection.Connection, ledger: Ledger, environment: Mapping[str, str], last_words: Path
) -> None:
    """Receive cohorts and send answers until the pipe is closed or SIGTERM comes.

    At SIGTERM the cohort in training writes its checkpoint behind the step it is in; no run failed.
    Ctrl-C and a lost connection are the controller's to answer.
    ``environment`` is what the process would inherit from its controller, had it not been forked
    from a server; ``last_words`` gets the stack where the process crashes.
    """
    os.environ.update(environment)
    signal.signal(signal.SIGTERM, lambda number, frame: STOP.set())
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})  # the server was sheltered
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    torch.set_num_threads(int(environment["OMP_NUM_THREADS"]))
    with last_words.open("w") as file:
        faulthandler.enable(file)
        try:
            while not STOP.is_set():
                pipe.send(_answer(pipe.recv(), ledger, partial(_tell, pipe)))
        except (EOFError, ConnectionError):
            return
        except Stopped:
            sys.exit(EXIT_CODE)
        finally:
            faulthandler.disable()


def _answer(experiments: Sequence[Experiment], ledger: Ledger, tell: partial[None]) -> Answer:
    try:
        return attempt(experiments, ledger, tell)
    except BadInput as error:
        return error
    except Exception:
        return traceback.format_exc()


def _tell(pipe: connection.Connection, epochs: int) -> None:
    """Report an epoch."""
    try:
        pipe.send(epochs)
    except ConnectionError:
        os._exit(1)


def _end_with_the_parent() -> None:
    """A controller that was killed leaves nobody to train for; the same command starts anew."""
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)

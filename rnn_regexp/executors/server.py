"""The process that workers are forked from: it has imported torch and done nothing with it.

A child of ours would share torch's locks and CUDA; one that begins with nothing needs seconds.
"""

import multiprocessing
from multiprocessing import forkserver, resource_tracker
from multiprocessing.process import BaseProcess

from rnn_regexp.interruption import sheltered

CLEAN = multiprocessing.get_context("forkserver")
CLEAN.set_forkserver_preload([f"{__package__}.preloaded"])


def ready() -> None:
    """Start the server where none runs; a signal to the whole group is not for it to answer."""
    with sheltered():
        resource_tracker.ensure_running()  # the server would start it, and it ends the shelter
    with sheltered():
        forkserver.ensure_running()


def start(process: BaseProcess) -> None:
    """Have the server fork a process, which inherits the shelter: it is the worker's to end."""
    ready()
    process.start()

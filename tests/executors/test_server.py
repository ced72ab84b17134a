"""The process that workers are forked from: signals to the whole group are not its to answer."""

import os
import subprocess
import sys

COMMAND = """
import os, signal
from multiprocessing import forkserver
from rnn_regexp.executors import server
from rnn_regexp.interruption import ENDING

heard = []
for number in ENDING:
    signal.signal(number, lambda number, _: heard.append(number))
server.ready()  # it imports torch
first = forkserver._forkserver._forkserver_pid
for number in ENDING:
    os.killpg(0, number)
process = server.CLEAN.Process(target=os.getpid)
server.start(process)
process.join()
assert sorted(heard) == sorted(ENDING), heard
assert forkserver._forkserver._forkserver_pid == first, "another one was started"
assert process.exitcode == 0, process.exitcode
"""


def test_ctrl_c_while_it_imports_torch_is_the_controllers_to_answer() -> None:
    done = subprocess.run(
        [sys.executable, "-c", COMMAND],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=120,
        start_new_session=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")

"""``rnn-regexp``: reads the first word, imports what that command needs, and nothing more."""

import argparse
import os
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout

from rnn_regexp.app.output import lasting
from rnn_regexp.errors import REFUSED, refuse

DESCRIPTION = """\
Which regularizer helps my RNN, by how much, and how sure am I?

  rnn-regexp ablate study=four_knobs                    compare settings, with paired seeds
  rnn-regexp ablate study=four_knobs study.plan_only=true     what would be trained
  rnn-regexp train model=lstm regularizers=[dropout,clip] regularizers.dropout.rate=0.3
  rnn-regexp train -m seed=0,1,2 model=rnn,gru,lstm     Hydra's multirun
  rnn-regexp report outputs/four_knobs                  rebuild report and tables
  rnn-regexp sync outputs/four_knobs                    send to MLflow what it does not have
  rnn-regexp dashboard                                  the runs in MLflow, on this machine
  rnn-regexp list regularizers                          what there is to choose from
  rnn-regexp data list                                  datasets, their files and licences

`train` and `ablate` hand their words to Hydra: --cfg job, --info, -m, --config-dir work as usual.
"""


def main(arguments: list[str] | None = None) -> int:
    """Run a command; returns the exit code: 0, 1 for runs that failed, 2 for bad input, 130
    after Ctrl-C, 143 after SIGTERM, 129 after SIGHUP.
    """
    try:
        code = _run(sys.argv[1:] if arguments is None else arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # whoever read our output has gone, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except REFUSED as error:
        return refuse(error)
    return code


def _run(words: list[str]) -> int:
    commands: dict[str, Callable[[list[str]], int]] = {
        "train": _train,
        "ablate": _ablate,
        "report": _report,
        "sync": _sync,
        "dashboard": _dashboard,
        "list": _list,
        "data": _data,
    }
    if not words or words[0] in ("-h", "--help", "help"):
        print(DESCRIPTION)
        return 0 if words else 2
    if words[0] == "--version":
        from rnn_regexp import __version__

        print(__version__)
        return 0
    if words[0] not in commands:
        known = ", ".join(commands)
        print(f"error: unknown command {words[0]} (commands: {known})", file=sys.stderr)
        return 2
    return commands[words[0]](words[1:])


def _train(words: list[str]) -> int:
    return _launch("train", words)


def _ablate(words: list[str]) -> int:
    return _launch("ablate", words)


def _launch(command: str, words: list[str]) -> int:
    from rnn_regexp.app.launch import launch

    with redirect_stdout(lasting(sys.stdout)), redirect_stderr(lasting(sys.stderr)):
        return launch(command, words)


def _report(words: list[str]) -> int:
    from rnn_regexp.commands.report import report

    return report(words)


def _sync(words: list[str]) -> int:
    from rnn_regexp.commands.sync import sync

    return sync(words)


def _dashboard(words: list[str]) -> int:
    from rnn_regexp.dashboard import main as dashboard

    return dashboard(words)


def _list(words: list[str]) -> int:
    from rnn_regexp.commands.catalogue import KINDS, catalogue

    parser = argparse.ArgumentParser("rnn-regexp list", description="What there is to choose from.")
    parser.add_argument("kind", choices=list(KINDS))
    for line in catalogue(parser.parse_args(words).kind):
        print(line)
    return 0


def _data(words: list[str]) -> int:
    from rnn_regexp.commands.data import data

    return data(words)

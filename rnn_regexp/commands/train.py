"""Train one experiment and keep its result."""

import sys

from rnn_regexp.commands.progress import Bar
from rnn_regexp.executors import Executor
from rnn_regexp.experiment import Experiment, run_id, subject
from rnn_regexp.ledger import DIVERGED, FAILED, Ledger, RunResult
from rnn_regexp.lock import hold
from rnn_regexp.regularizers.fitting import idle, refuse
from rnn_regexp.tracking import Tracker, Tracking, prepare


def train(
    experiment: Experiment, executor: Executor, tracking: Tracking, ledger: Ledger
) -> RunResult:
    """Train an experiment unless the ledger has its result; either way the run is shown.

    A run that another process is training is waited for, not trained twice.
    """
    executor.check(experiment.training)
    check(experiment)
    ledger.require_writable()
    own = run_id(experiment)
    prepare(tracking)
    with hold(ledger.folder, own):
        result = ledger.complete(own) or _train(experiment, executor, ledger)
        with Tracker(tracking, ledger.folder.name, ledger.folder) as tracker:
            tracker.log_run(result, f"run {own}", {})
    print(line(result), flush=True)
    return result


def check(experiment: Experiment) -> None:
    """Refuse techniques that cannot act on the model or the task; warn of those without effect."""
    own = subject(experiment)
    refuse(own)
    for key, reason in idle(own).items():
        print(f"warning: {key} does nothing: {reason}", file=sys.stderr)


def _train(experiment: Experiment, executor: Executor, ledger: Ledger) -> RunResult:
    with Bar([1], [experiment.training.epochs], 0) as bar:
        executor.run([[experiment]], ledger, bar)
    result = ledger.result(run_id(experiment))
    assert result is not None
    return result


def line(result: RunResult) -> str:
    """A run in one line: of a finished one all that its task measures on validation and test."""
    if result.status == FAILED:
        return f"{result.run_id} failed: {(result.error or '').strip().splitlines()[-1]}"
    if result.status == DIVERGED:
        return f"{result.run_id} diverged at step {result.diverged_at}"
    shown = (name for name in result.metrics if name.startswith(("train/loss", "valid/", "test/")))
    metrics = (f"{name} {result.metrics[name]:.4f}" for name in shown)
    return f"{result.run_id} seed {result.seed}: {', '.join(metrics)} ({result.seconds:.1f} s)"

"""How many runs of a study train together: as asked, as before, or as measured."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from rnn_regexp.ablation.plan import Plan
from rnn_regexp.executors import Executor
from rnn_regexp.executors.work import last_line
from rnn_regexp.experiment import Experiment
from rnn_regexp.ledger import Ledger

if TYPE_CHECKING:
    from rnn_regexp.executors.width import Choice

WIDTH = "width.txt"  # in the study's folder: a study that is continued trains the same cohorts
ANY = 1 << 30  # no bound


class Chosen(NamedTuple):
    """The width of cohorts."""

    width: int
    why: str  # one line
    measured: bool = True  # or asked for; if not, the next command tries again

    def keep(self, ledger: Ledger) -> None:
        """Write it down for the next command."""
        if self.measured:
            ledger.write(WIDTH, f"{self.width}\n")


def width_of(whole: Plan, executor: Executor, ledger: Ledger) -> Chosen:
    """The width of a study's cohorts; ``whole`` is its plan without a bound."""
    if executor.width:
        return Chosen(executor.width, f"cohorts of at most {executor.width} runs (executor.width)")
    kept = (ledger.read(WIDTH) or "").strip()
    if re.fullmatch("[1-9][0-9]{0,9}", kept):
        return Chosen(int(kept), f"cohorts of at most {kept} runs, as before")
    largest = max(whole.cohorts, key=len, default=whole.runs)
    runs = [run.experiment for run in largest]
    try:
        choice = measured(runs, executor)
    except (MemoryError, RuntimeError) as error:  # what is too large for one run fails as a run
        why = f"cohorts of 1 run (the widths could not be measured: {last_line(str(error))})"
        return Chosen(1, why, measured=False)
    return Chosen(choice.width, f"cohorts of at most {choice.why}")


def measured(runs: Sequence[Experiment], executor: Executor) -> "Choice":
    """The best width of runs of one shape; the executor is prepared for them."""
    from rnn_regexp.executors.width import choose_width, steps_of

    alone = [[run] for run in runs]
    executor.prepare(alone)  # while the widths are timed
    choice = choose_width(runs, executor.at_once(), executor.threads)
    executor.prepare(alone, choice.milliseconds[choice.width] / 1e3 * steps_of(runs[0]))
    return choice

"""How many runs of a study train together: as asked, as before, or as measured."""

from rnn_regexp.ablation.plan import Plan
from rnn_regexp.executors import Executor
from rnn_regexp.ledger import Ledger

WIDTH = "width.txt"  # in the study's folder: a study that is continued trains the same cohorts
ANY = 1 << 30  # no bound


def width_of(whole: Plan, executor: Executor, ledger: Ledger) -> tuple[int, str]:
    """The width of cohorts and a line that says why; ``whole`` is the plan without a bound."""
    if executor.width:
        return executor.width, f"cohorts of at most {executor.width} runs (executor.width)"
    kept = (ledger.read(WIDTH) or "").strip()
    if kept.isdecimal() and int(kept):
        return int(kept), f"cohorts of at most {kept} runs, as before"
    from rnn_regexp.executors.width import choose_width

    largest = max(whole.cohorts, key=len, default=whole.runs)
    runs = [run.experiment for run in largest]
    choice = choose_width(runs, executor.at_once(), executor.threads)
    return choice.width, f"cohorts of at most {choice.why}"

"""A study that can be killed and continued, and what must be true of it in the end."""

import csv
import importlib
import os
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from rnn_regexp.ledger import Ledger

WORDS = (
    "ablate",
    "+study.factors.rate={key: regularizers.dropout.rate, levels: [0, 0.25, 0.5]}",
    "study.name=tortured",
    "dataset=digits",
    "model.hidden=8",
    "training.device=cpu",
    "training.epochs=16",  # a cohort has a checkpoint most of its time
    "training.checkpoint_seconds=0.1",
    "training.limit=200",
    "executor.width=2",
    "tracking=sqlite",
)
Table = list[dict[str, str]]
LONGEST = 300.0  # seconds after which a study that does not end has failed the test


@dataclass
class Verdict:
    """What was found when studies had ended."""

    fault: str
    faults: int = 0
    studies: int = 0
    runs: int = 0
    begun: int = 0  # trainings of a cohort
    completed: int = 0
    resumed: int = 0  # trainings that went on from a checkpoint
    needless: int = 0  # trainings of a cohort of which every run was recorded
    doubles: int = 0  # runs or points that MLflow shows twice, and runs that it lacks
    problems: list[str] = field(default_factory=list)

    def __add__(self, other: "Verdict") -> "Verdict":
        numbers = [name for name, own in vars(self).items() if isinstance(own, int)]
        summed = {name: getattr(self, name) + getattr(other, name) for name in numbers}
        return Verdict(self.fault, **summed, problems=self.problems + other.problems)

    def row(self) -> dict[str, object]:
        """A line of the table of results."""
        shown = {name: own for name, own in vars(self).items() if name != "problems"}
        return {**shown, "verdict": "; ".join(self.problems) or "equal"}


class Study:
    """One study in a folder of its own; ``begin`` starts it or continues it."""

    usual_seconds = 5.0  # what one takes undisturbed
    seeds = 8  # of three variants
    times = 5  # that a fault is done to one

    def __init__(self, folder: Path, executor: str = "processes", *words: str) -> None:
        self.folder = folder
        self.words = (*WORDS, f"study.seeds={self.seeds}", f"executor={executor}", *words)
        self.ledger, self.log = Ledger(folder / "outputs/tortured"), folder.with_suffix(".log")
        self.damaged: set[str] = (
            set()
        )  # runs whose record was harmed: to train them again is needed
        self.pid, self._left = 0, set[tuple[str, int]]()
        folder.mkdir(parents=True)

    def begin(self, *words: str) -> int:
        """Fork: what takes seconds to import is there already. The process leads its own group."""
        prepare()
        self._left = set(self._checkpoints())
        self.pid = os.fork()
        if self.pid == 0:
            _become([*self.words, *words], self.folder, self.log)
        with suppress(ProcessLookupError):
            os.setpgid(self.pid, self.pid)  # here too: who kills it must not come too early
        return self.pid

    def send(self, number: int, group: bool = True) -> bool:
        """Send a signal; False where the process has gone."""
        with suppress(ProcessLookupError):
            (os.killpg if group else os.kill)(self.pid, number)
            return True
        return False

    def wait(self, seconds: float = LONGEST) -> int:
        """The exit code, negative after a signal."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.send(signal.SIGKILL)  # what it may have left of its group
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.01)
        self.send(signal.SIGKILL)
        os.waitpid(self.pid, 0)
        raise TimeoutError(f"{self.folder}: no end after {seconds:.0f} s\n{self.said()}")

    def wait_for_runs(self, more: int) -> None:
        """Return when so many more runs are recorded, or the process has ended."""
        runs = self.ledger.folder / "runs"
        wanted = len(list(runs.glob("*.json"))) + more
        self._wait_until(lambda: len(list(runs.glob("*.json"))) >= wanted)

    def wait_for_checkpoint(self) -> None:
        """Return when a checkpoint has been written since the beginning, or the process ended."""
        self._wait_until(lambda: any(own not in self._left for own in self._checkpoints()))

    def _wait_until(self, there: Callable[[], bool]) -> None:
        deadline = time.monotonic() + LONGEST
        while not there() and self.alive() and time.monotonic() < deadline:
            time.sleep(0.005)

    def _checkpoints(self) -> Iterator[tuple[str, int]]:
        for path in self.ledger.folder.glob("checkpoints/*.safetensors"):
            with suppress(FileNotFoundError):
                yield path.name, path.stat().st_ino

    def alive(self) -> bool:
        """Whether the process has not ended."""
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    def workers(self) -> list[int]:
        """The processes that train: children of the server that forks them."""
        servers = [pid for pid in _children(self.pid) if "forkserver" in _command(pid)]
        return [worker for server in servers for worker in _children(server)]

    def said(self) -> str:
        """All that its processes have printed."""
        return self.log.read_text(encoding="utf-8")

    def finish(self, reference: Table, rounded: bool = False) -> Verdict:
        """Continue undisturbed to the end, and judge."""
        self.begin()
        code = self.wait()
        verdict = Verdict("", studies=1)
        if code:
            verdict.problems.append(f"{self.folder.name}: exit code {code}: {self.said()[-2000:]}")
            return verdict
        rows = table(self.ledger)
        verdict.runs = len(rows)
        if (_rounded(rows) != _rounded(reference)) if rounded else (rows != reference):
            verdict.problems.append(f"{self.folder.name}: another table")
        if "Traceback" in self.said():
            verdict.problems.append(f"{self.folder.name}: a traceback on the terminal")
        verdict += trainings(self.ledger, self.damaged)
        verdict += shown_twice(self.folder / "outputs/mlflow.db", {row["run_id"] for row in rows})
        return verdict


def _become(words: Sequence[str], folder: Path, path: Path) -> None:
    """In the child: run the command as a shell would have started it; never returns."""
    code = 70
    try:
        os.setpgid(0, 0)
        os.chdir(folder)
        log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(log, 1)
        os.dup2(log, 2)
        from rnn_regexp.app import main

        code = main(list(words))
    finally:
        os._exit(code)


def _children(pid: int) -> list[int]:
    with suppress(OSError):
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [int(child) for child in listed]
    return []


def _command(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text()
    return ""


def prepare() -> None:
    """Import once what every study would import; nothing of it computes or starts a thread."""
    for name in ("pandas", "rnn_regexp.app.launch", "rnn_regexp.report.write"):
        importlib.import_module(name)


def undisturbed(folder: Path) -> Table:
    """The table that every study must end with."""
    study, begin = Study(folder), time.monotonic()
    verdict = study.finish([])
    Study.usual_seconds = time.monotonic() - begin
    rows = table(study.ledger)
    if verdict.needless or verdict.doubles or len(rows) != 3 * Study.seeds:
        raise SystemExit(f"the undisturbed study is not in order: {verdict.problems}")
    return rows


def table(ledger: Ledger) -> Table:
    """runs.csv without the only column that differs from one time to the next."""
    with (ledger.folder / "runs.csv").open(encoding="utf-8", newline="") as file:
        return [{**row, "seconds": ""} for row in csv.DictReader(file)]


def _rounded(rows: Table) -> Table:
    """Runs that were trained in other cohorts than planned agree in all but the last digits."""
    return [{name: _short(value) for name, value in row.items()} for row in rows]


def _short(value: str) -> str:
    with suppress(ValueError):
        return f"{float(value):.3f}"
    return value


def trainings(ledger: Ledger, damaged: set[str]) -> Verdict:
    """Counts the event log's trainings; needless is one whose runs had all been recorded."""
    verdict, recorded = Verdict(""), set[str]()
    for event in ledger.events():
        if event["event"] == "started":
            verdict.begun += 1
            verdict.needless += (recorded - damaged).issuperset(event["runs"])
        verdict.resumed += event["event"] == "resumed"
        if event["event"] == "ended":
            verdict.completed += 1
            recorded |= {own for own, status in event["runs"].items() if status != "failed"}
    if verdict.needless:
        verdict.problems.append(f"{ledger.folder.parent.parent.name}: trained twice")
    return verdict


def shown_twice(store: Path, run_ids: set[str]) -> Verdict:
    """Compares MLflow with the table: every run once, every point of it once."""
    with closing(sqlite3.connect(store)) as database:
        shown = Counter(own for (own,) in database.execute(_RUNS))
        ((points,),) = database.execute(_POINTS)
    wrong = sum(abs(count - 1) for count in shown.values()) + len(set(shown) ^ run_ids)
    verdict = Verdict("", doubles=wrong + points)
    if verdict.doubles:
        verdict.problems.append(f"{store.parents[1].name}: MLflow differs in {verdict.doubles}")
    return verdict


_RUNS = """SELECT value FROM tags JOIN runs ON runs.run_uuid = tags.run_uuid
    WHERE tags.key = 'run_id' AND runs.lifecycle_stage = 'active'"""
_POINTS = """SELECT count(*) FROM (SELECT 1 FROM metrics
    GROUP BY run_uuid, key, step HAVING count(*) > 1)"""

"""Which of our jobs SLURM still knows: sacct is not everywhere, and late where it is."""

import getpass
import subprocess
import time

PAUSE = 5.0  # seconds between two questions to the scheduler
COMMAND = ("squeue", "--noheader", "--array")


class Queue:
    """The user's jobs that wait or run, as of a moment ago."""

    def __init__(self) -> None:
        self._asked, self._jobs = 0.0, dict[str, str]()  # job -> state
        self._missing: dict[str, float] = {}  # job -> when it was first not there

    def __contains__(self, job: str) -> bool:
        return self._ask() and job in self._jobs

    def gone(self, job: str) -> bool:
        """Whether a job was absent twice in a row: a file it wrote last has had time to appear."""
        if not self._ask() or job in self._jobs:
            self._missing.pop(job, None)
            return False
        return self._asked > self._missing.setdefault(job, self._asked)

    def waits(self, job: str) -> bool:
        """Whether a job has not begun, or has lost its place and waits for another."""
        return self._ask() and self._jobs.get(job) == "PENDING"

    @staticmethod
    def state(job: str) -> str:
        """How a job that is gone ended; SLURM itself remembers some minutes."""
        command = [*COMMAND, "--states=all", f"--jobs={job}", "--format=%T"]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        return answer.stdout.strip() or "UNKNOWN"

    def _ask(self) -> bool:
        """Renew the list where it is old; a scheduler that does not answer changes nothing."""
        if self._asked and time.monotonic() < self._asked + PAUSE:
            return True
        command = [*COMMAND, "--format=%i %T", f"--user={getpass.getuser()}"]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        if answer.returncode:
            return False
        lines = (line.partition(" ") for line in answer.stdout.splitlines())
        self._asked, self._jobs = time.monotonic(), {job: state for job, _, state in lines}
        return True

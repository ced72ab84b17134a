"""Every experiment and every study of ``conf/``, end to end, at the size of ``training=smoke``.

Usage: ``python scripts/smoke.py``. Works in a temporary folder and leaves nothing behind. Prints
one line for each command; exits with 1 and the output of whatever failed.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

CONF = Path(__file__).parents[1] / "conf"
STUDY_FILES = ("study.yaml", "plan.csv", "runs.csv", "effects.csv", "report.html", "report.tex")


def names(group: str) -> list[str]:
    """The choices of a configuration group."""
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))


def commands() -> list[tuple[str, ...]]:
    """What a user types, over all there is."""
    train = [("train", f"experiment={name}", "training=smoke") for name in names("experiment")]
    studies = names("study")
    ablate = [("ablate", f"study={name}", "training=smoke") for name in studies]
    return [*train, *ablate, *(("report", f"outputs/{name}") for name in studies)]


def succeeds(words: tuple[str, ...], folder: Path) -> bool:
    """Run one command in ``folder`` and say how it went."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "rnn_regexp", *words]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    verdict = "ok" if result.returncode == 0 else f"exit {result.returncode}"
    seconds = time.perf_counter() - start
    print(f"{verdict:8}{seconds:6.1f} s  rnn-regexp {' '.join(words)}", flush=True)
    if result.returncode:
        print(result.stdout + result.stderr)
    return result.returncode == 0


def missing(folder: Path) -> list[str]:
    """Files that a study should have written and did not."""
    wanted = [folder / "outputs" / study / name for study in names("study") for name in STUDY_FILES]
    return [str(path.relative_to(folder)) for path in wanted if not path.is_file()]


def main() -> int:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        results = [succeeds(words, folder) for words in commands()]
        if lacking := missing(folder):
            print("missing:", *lacking)
    failed = results.count(False) + bool(lacking)
    print(f"smoke: {results.count(True)} commands passed, {failed} failed")
    return 1 if failed or not results else 0


if __name__ == "__main__":
    sys.exit(main())

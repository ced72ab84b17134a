"""``rnn-regexp report``: rebuild a study's report and send its runs to their tracking store."""

import argparse
from pathlib import Path

from rnn_regexp.tracking import Server, Sqlite, Tracking, Unavailable, replay

STORE = "mlflow.db"  # beside the studies' folders


def report(words: list[str]) -> int:
    """Write the report and print the verdicts; returns the exit code."""
    options = _parser().parse_args(words)
    from rnn_regexp.ablation.report import write_report  # pandas and the figures: seconds

    folder = Path(options.folder)
    written = write_report(folder)
    print(written.verdicts)
    print(f"report:    {written.html}")
    tracking = _tracking(folder, options.store, options.uri)
    if tracking is not None:
        _send(folder, tracking)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "rnn-regexp report",
        description="Rebuild a study's report and tables; send runs that MLflow lacks.",
    )
    parser.add_argument("folder", help="a study's folder, e.g. outputs/four_knobs")
    parser.add_argument("--store", help=f"SQLite store (default: {STORE} beside the folder)")
    parser.add_argument("--uri", help="MLflow server, e.g. http://127.0.0.1:5000")
    return parser


def _tracking(folder: Path, store: str | None, uri: str | None) -> Tracking | None:
    """Where the runs go: what the user names, or else the store that the study used."""
    if uri:
        return Server(uri)
    beside = folder.resolve().parent / STORE
    if store or beside.exists():
        return Sqlite(store or str(beside))
    return None


def _send(folder: Path, tracking: Tracking) -> None:
    try:
        count = replay(folder, tracking)
    except Unavailable as error:
        print(f"tracking:  {error}; the report and the ledger are complete without it")
    else:
        print(f"tracking:  {count} runs are in MLflow")

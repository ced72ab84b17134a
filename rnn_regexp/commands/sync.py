"""``rnn-regexp sync``: send the runs of studies to a tracking store; what it has is not sent."""

import argparse
from pathlib import Path

from rnn_regexp.tracking import Server, Sqlite, Tracking, Unavailable, replay

STORE = "mlflow.db"  # beside the studies' folders


def sync(words: list[str]) -> int:
    """Replay each folder's ledger; returns the exit code, 1 where a store does not answer."""
    parser = argparse.ArgumentParser(
        "rnn-regexp sync",
        description="Send the runs of studies to MLflow; what is there stays as it is.",
    )
    parser.add_argument("folders", nargs="+", help="studies' folders, e.g. outputs/four_knobs")
    add_stores(parser)
    options = parser.parse_args(words)
    sent = [_sync(Path(own), options.store, options.uri) for own in options.folders]
    return 0 if all(sent) else 1


def add_stores(parser: argparse.ArgumentParser) -> None:
    """The options that name a tracking store."""
    parser.add_argument("--store", help=f"SQLite store (default: {STORE} beside the folder)")
    parser.add_argument("--uri", help="MLflow server, e.g. http://127.0.0.1:5000")


def tracking(folder: Path, store: str | None, uri: str | None) -> Tracking | None:
    """Where the runs go: what the user names, or else the store that the study used."""
    if uri:
        return Server(uri)
    beside = folder.resolve().parent / STORE
    if store or beside.exists():
        return Sqlite(store or str(beside))
    return None


def send(folder: Path, store: Tracking) -> bool:
    """Replay a ledger and say how many runs there are; False where the store does not answer."""
    try:
        count = replay(folder, store)
    except Unavailable as error:
        print(f"tracking:  {error}; the report and the ledger are complete without it")
        return False
    print(f"tracking:  {count} runs are in MLflow")
    return True


def _sync(folder: Path, store: str | None, uri: str | None) -> bool:
    beside = str(folder.resolve().parent / STORE)
    return send(folder, tracking(folder, store, uri) or Sqlite(beside))

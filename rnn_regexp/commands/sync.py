"""``rnn-regexp sync``: send the runs of studies to a tracking store; what it has is not sent."""

import argparse
import dataclasses
from pathlib import Path

from rnn_regexp.tracking import (
    Off,
    Server,
    Sqlite,
    TrackingError,
    Unavailable,
    kept,
    place,
    replay,
)
from rnn_regexp.tracking.credentials import problems

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
    sent = [_sync(Path(own), options) for own in options.folders]
    return 0 if all(sent) else 1


def add_stores(parser: argparse.ArgumentParser) -> None:
    """The options that say where runs are sent, or read."""
    one = parser.add_mutually_exclusive_group()
    one.add_argument("--store", help=f"SQLite store (default: the study's, or {STORE} beside it)")
    one.add_argument("--uri", help="MLflow server, e.g. http://127.0.0.1:5000")
    parser.add_argument("--experiment", help="MLflow's, for what is sent (default: the study's)")


def named(options: argparse.Namespace) -> Sqlite | Server | None:
    """The store that the user names; raises ``TrackingError`` for an address with a password."""
    for line in problems("--uri", options.uri or ""):
        raise TrackingError(line)
    if options.uri:
        return Server(options.uri)
    return Sqlite(options.store) if options.store else None


def tracking(folder: Path, options: argparse.Namespace) -> Sqlite | Server | None:
    """Where the runs go: what the user names, or else what the study was trained with.

    A folder that does not say has the store beside it, if there is one.  Raises ``TrackingError``.
    """
    study, beside = kept(folder), _beside(folder)
    found = named(options) or study or (beside if Path(beside.store).exists() else None)
    if not isinstance(found, (Sqlite, Server)):
        return None
    experiment = options.experiment or getattr(study, "experiment", None)
    return dataclasses.replace(found, experiment=experiment)


def send(folder: Path, store: Sqlite | Server) -> bool:
    """Replay a ledger and say how many runs there are; False where the store does not answer."""
    try:
        count = replay(folder, store)
    except Unavailable as error:
        print(f"tracking:  {error}; the report and the ledger are complete without it")
        return False
    print(f"tracking:  {count} runs are in MLflow, {place(store)}")
    return True


def _sync(folder: Path, options: argparse.Namespace) -> bool:
    store = tracking(folder, options)
    if store is None and isinstance(kept(folder), Off):
        raise TrackingError(f"{folder} was trained with tracking=off: name --store or --uri")
    return send(
        folder, store or dataclasses.replace(_beside(folder), experiment=options.experiment)
    )


def _beside(folder: Path) -> Sqlite:
    return Sqlite(str(folder.resolve().parent / STORE))

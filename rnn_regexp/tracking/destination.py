"""Where a study's runs were shown, kept in its folder: there what is missing is sent later."""

import json
import os
from pathlib import Path
from typing import Any

from rnn_regexp.ledger import Ledger
from rnn_regexp.tracking.address import place
from rnn_regexp.tracking.credentials import public
from rnn_regexp.tracking.settings import Off, Server, Sqlite, Tracking, TrackingError

FILE = "tracking.json"


def keep(folder: Path, tracking: Tracking) -> None:
    """Write down the choice, without names and passwords; raises ``LedgerError``."""
    text = json.dumps(_written(folder, tracking))
    ledger = Ledger(folder)
    if ledger.read(FILE) != text:
        ledger.write(FILE, text)


def kept(folder: Path) -> Tracking | None:
    """The choice that a study's folder keeps, if it does; raises ``TrackingError`` where that
    cannot be read.
    """
    text = Ledger(folder).read(FILE)
    try:
        return None if text is None else _read(folder, json.loads(text))
    except (KeyError, TypeError, ValueError):
        path = folder / FILE
        raise TrackingError(f"{path} is damaged: remove it, and name --store or --uri") from None


def _written(folder: Path, tracking: Tracking) -> dict[str, Any]:
    if isinstance(tracking, Sqlite):
        store = _from(folder, tracking.store)
        return {"kind": "sqlite", "store": store, "experiment": tracking.experiment}
    if isinstance(tracking, Server):
        return {"kind": "server", "uri": place(tracking), "experiment": tracking.experiment}
    return {"kind": "off"}


def _read(folder: Path, known: dict[str, Any]) -> Tracking:
    match known["kind"]:
        case "sqlite":
            store = os.path.normpath(folder.resolve() / known["store"])
            return Sqlite(store, known["experiment"])
        case "server":  # where the environment names it, maybe with a password, that is taken
            usual = known["uri"] == public(os.environ.get("MLFLOW_TRACKING_URI", ""))
            return Server(None if usual else known["uri"], known["experiment"])
        case "off":
            return Off()
    raise ValueError(known["kind"])


def _from(folder: Path, store: str) -> str:
    """A store beside the study moves with it, and is named so; another one by its whole path."""
    path, home = Path(store).resolve(), folder.resolve()
    return os.path.relpath(path, home) if path.is_relative_to(home.parent) else str(path)

"""Where runs are shown besides the ledger."""

from dataclasses import dataclass

from rnn_regexp.errors import BadInput
from rnn_regexp.fields import Settings, volatile


@dataclass
class Tracking(Settings):
    """Settings of a tracking store. Subclasses are listed in ``rnn_regexp.tracking.ALL``."""


@dataclass
class Sqlite(Tracking):
    """A file on this machine; artifacts lie beside it, in ``mlartifacts``."""

    store: str = volatile("outputs/mlflow.db")
    experiment: str | None = volatile(None)  # None: named after the study
    telemetry: bool = volatile(False)


@dataclass
class Server(Tracking):
    """An MLflow server, or whatever else MLflow takes as a tracking URI."""

    uri: str | None = volatile(None)  # None: the environment's MLFLOW_TRACKING_URI
    experiment: str | None = volatile(None)
    telemetry: bool = volatile(False)


@dataclass
class Off(Tracking):
    """The ledger alone."""


class TrackingError(BadInput):
    """A store that the user must name or mend; the message is one line."""


class Unavailable(TrackingError):
    """A store that does not answer now: training goes on, and a replay catches up later."""

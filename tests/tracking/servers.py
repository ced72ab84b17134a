"""A PostgreSQL and an MLflow server of the test's own, as a group of people would share them."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from rnn_regexp.dashboard import end, free_port, wait_until_ready

ADMIN, PASSWORD = "admin", "correct horse battery staple"


def program(name: str) -> str | None:
    """A program of Debian's postgresql package, which keeps most of them out of the way."""
    known = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return shutil.which(name) or (str(known[-1]) if known else None)


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """The address of an empty database; skips the test where PostgreSQL or its driver is absent."""
    pytest.importorskip("psycopg2", reason="no psycopg2: pip install psycopg2-binary")
    initdb, server = program("initdb"), program("postgres")
    if initdb is None or server is None:
        pytest.skip("no PostgreSQL: apt-get install postgresql")
    user = {"user": "postgres"} if os.getuid() == 0 else {}  # it refuses to run as root
    port = free_port("127.0.0.1", 5450)
    with tempfile.TemporaryDirectory() as folder, open(os.devnull, "w") as silence:
        if user:
            shutil.chown(folder, "postgres")
        quiet = {"stdout": silence, "stderr": silence, "cwd": folder, **user}
        options = ["--username=mlflow", "--auth=trust", "--encoding=UTF8", "--no-sync"]
        subprocess.run([initdb, "-D", f"{folder}/data", *options], check=True, **quiet)
        where = ["-D", f"{folder}/data", "-k", folder, "-h", "127.0.0.1", "-p", str(port)]
        process = subprocess.Popen([server, *where, "-F"], **quiet)
        try:
            address = f"postgresql+psycopg2://mlflow@127.0.0.1:{port}/postgres"
            wait_for_database(address)
            yield address
        finally:
            process.terminate()
            process.wait(30)


def wait_for_database(address: str) -> None:
    import psycopg2

    for _ in range(300):
        with contextlib.suppress(psycopg2.OperationalError):
            psycopg2.connect(address.replace("+psycopg2", "")).close()
            return
        subprocess.run(["sleep", "0.1"], check=True)
    raise TimeoutError("PostgreSQL does not answer")


def points(address: str) -> int:
    """All points of all metrics of all runs."""
    import psycopg2

    with contextlib.closing(psycopg2.connect(address.replace("+psycopg2", ""))) as database:
        cursor = database.cursor()
        cursor.execute("SELECT count(*) FROM metrics")
        (number,) = cursor.fetchone()
    return number


@dataclass
class MlflowServer:
    """A server that can be ended and started again on the same database and address."""

    database: str
    folder: Path
    auth: bool = False

    def __post_init__(self) -> None:
        self.port = free_port("127.0.0.1", 5650)
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with tempfile.TemporaryFile("w+") as log:
            self.process = subprocess.Popen(
                self._command(),
                stdout=log,
                stderr=subprocess.STDOUT,
                env=os.environ | self._environment(),
                start_new_session=True,
            )
            wait_until_ready(self.process, self.url, log)

    def end(self) -> None:
        if self.process is not None:
            end(self.process)
            self.process = None

    def send(self, number: int) -> None:
        assert self.process is not None
        os.killpg(self.process.pid, number)

    def _command(self) -> list[str]:
        return [
            *(sys.executable, "-m", "mlflow", "server", "--workers", "1"),
            *("--host", "127.0.0.1", "--port", str(self.port)),
            *("--backend-store-uri", self.database),
            *("--artifacts-destination", str(self.folder / "artifacts")),
            *(("--app-name", "basic-auth") if self.auth else ()),
        ]

    def _environment(self) -> Mapping[str, str]:
        own = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
        if not self.auth:
            return own
        settings = self.folder / "auth.ini"
        settings.write_text(
            "[mlflow]\ndefault_permission = READ\n"
            f"database_uri = sqlite:///{self.folder / 'auth.db'}\nadmin_username = {ADMIN}\n"
            "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
        )
        return own | {
            "MLFLOW_AUTH_CONFIG_PATH": str(settings),
            "MLFLOW_AUTH_ADMIN_PASSWORD": PASSWORD,
            "MLFLOW_FLASK_SERVER_SECRET_KEY": "of the test alone",
        }

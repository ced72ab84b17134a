"""``rnn-regexp dashboard``: MLflow's pages on the local store, for this machine alone."""

import argparse
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from rnn_regexp.tracking import Sqlite, TrackingError
from rnn_regexp.tracking.address import address
from rnn_regexp.tracking.store import ARTIFACTS, make
from rnn_regexp.tracking.views import saved_views

PORTS = 20  # ports tried, beginning with the wanted one
START = 120.0  # seconds until a server that has not answered is given up
STOP = 5.0  # seconds that it gets to end by itself
Server = subprocess.Popen[bytes]
STUDIES = 5  # whose addresses are printed, the latest first


def main(words: list[str]) -> int:
    """Serve until Ctrl-C; returns the exit code.

    Raises ``TrackingError`` where there is nothing to show.
    """
    parser = argparse.ArgumentParser(
        "rnn-regexp dashboard", description="Show the recorded runs in MLflow, until Ctrl-C."
    )
    parser.add_argument("--store", default=Sqlite().store, help="default: %(default)s")
    parser.add_argument("--host", default="127.0.0.1", help="default: %(default)s, this machine")
    parser.add_argument("--port", type=int, default=5000, help="default: %(default)s")
    options = parser.parse_args(words)
    return open_dashboard(options.store, options.host, options.port)


def open_dashboard(store: str | Path, host: str = "127.0.0.1", port: int = 5000) -> int:
    """Serve the store until Ctrl-C and print the studies' addresses; returns the exit code.

    Raises ``TrackingError`` where the store is missing, no port is free or the server ends.
    """
    path = Path(store).absolute()
    if not path.is_file():
        raise TrackingError(f"no runs in {store} yet; first: rnn-regexp ablate study=four_knobs")
    free = free_port(host, port)
    if free != port:
        print(f"port {port} is taken, {free} is free")
    end_like_ctrl_c(signal.SIGTERM, signal.SIGHUP)
    try:
        make(Sqlite(store=str(path)))
        with serving(path, host, free) as (server, url):
            print("\n".join([*addresses(url), "Ctrl-C ends it"]), flush=True)
            raise TrackingError(f"MLflow's server ended with code {server.wait()}")
    except KeyboardInterrupt:
        print("\nended")
    return 0


def end_like_ctrl_c(*numbers: int) -> None:
    """Also when a terminal is closed; what nohup has set to be ignored stays so."""
    for number in numbers:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)


def free_port(host: str, port: int) -> int:
    """``port`` or the next free one; raises ``TrackingError`` where there is none."""
    for candidate in range(port, port + PORTS):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, candidate))
            except OverflowError:
                raise TrackingError(f"--port must be in 1..65535, got {port}") from None
            except socket.gaierror:
                raise TrackingError(f"--host {host} is no address of this machine") from None
            except OSError:
                continue
            return candidate
    raise TrackingError(f"no port from {port} to {port + PORTS - 1} is free on {host}")


@contextlib.contextmanager
def serving(store: Path, host: str, port: int) -> Iterator[tuple[Server, str]]:
    """A server in a process group of its own, ready to answer, and its address."""
    near = "127.0.0.1" if host == "0.0.0.0" else host
    url = f"http://{near}:{port}"
    with tempfile.TemporaryFile("w+") as log:
        server = subprocess.Popen(
            command(store, host, port),
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
            start_new_session=True,  # Ctrl-C reaches this process alone, which then ends the group
        )
        with guarded(server):
            try:
                wait_until_ready(server, url, log)
                yield server, url
            finally:
                end(server)


@contextlib.contextmanager
def guarded(server: Server) -> Iterator[None]:
    """End the server's group when this process is gone, kill -9 included: an orphan would keep
    the port.  The system then closes the pipe from which a shell in a group of its own reads.
    """
    code = f"read _; kill -s KILL -- -{server.pid} 2>&-"
    guard = subprocess.Popen(["sh", "-c", code], stdin=subprocess.PIPE, start_new_session=True)
    try:
        yield
    finally:
        guard.communicate()


def command(store: Path, host: str, port: int) -> list[str]:
    """MLflow's server with one worker: half the time to start and a fifth of the memory."""
    return [
        *(sys.executable, "-m", "mlflow", "server", "--workers", "1"),
        *("--backend-store-uri", address(Sqlite(store=str(store)))),
        *("--artifacts-destination", str(store.parent / ARTIFACTS)),
        *("--host", host, "--port", str(port)),
    ]


def wait_until_ready(server: Server, url: str, log: IO[str]) -> None:
    """Return when the server answers; raises ``TrackingError`` with its last words if it ends."""
    deadline = time.monotonic() + START
    while time.monotonic() < deadline:
        if server.poll() is not None:
            log.seek(0)
            words = [line.strip() for line in log if line.strip()] or ["it said nothing"]
            raise TrackingError(f"MLflow's server ended with code {server.returncode}: {words[-1]}")
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"{url}/health", timeout=2).close()
            return
        time.sleep(0.2)
    raise TrackingError(f"MLflow's server does not answer on {url} after {START:.0f} s")


def end(server: Server) -> None:
    """End the server and its workers."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(STOP)


def addresses(url: str) -> list[str]:
    """Where the latest studies are shown, one line a view."""
    found = [f"MLflow runs on {url}"]
    for experiment in experiments(url)[:STUDIES]:
        tags = {tag["key"]: tag["value"] for tag in experiment.get("tags", [])}
        for title, query in saved_views(tags):
            page = f"#/experiments/{experiment['experiment_id']}/runs"
            found.append(f"  {title:32s} {url}/{page}?workflowType=machine_learning&{query}")
    return found


def experiments(url: str) -> list[dict[str, Any]]:
    """The server's experiments, the one written to last first."""
    body = json.dumps({"max_results": 1000, "order_by": ["last_update_time DESC"]}).encode()
    request = urllib.request.Request(
        f"{url}/api/2.0/mlflow/experiments/search", body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        found: list[dict[str, Any]] = json.load(answer).get("experiments", [])
    return found

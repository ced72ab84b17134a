"""The dashboard as a user starts and ends it, and as a browser shows it."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rnn_regexp import dashboard
from rnn_regexp.dashboard import addresses, free_port, serving
from rnn_regexp.tracking import Sqlite, TrackingError, replay
from tests.tracking.synthetic import LEVELS, write_ledger

pytestmark = pytest.mark.usefixtures("listening")


def start(*words: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "rnn_regexp", "dashboard", *words],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.fixture(scope="module")
def filled(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("outputs")
    store = shutil.copy(empty_store, folder / "mlflow.db")
    replay(write_ledger(folder / "four_knobs", seeds=1).folder, Sqlite(store=str(store)))
    return str(store)


@pytest.mark.slow
def test_it_starts_beside_a_taken_port_and_ends_with_ctrl_c(filled: str):
    wanted = free_port("127.0.0.1", 5600)
    with socket.create_server(("127.0.0.1", wanted)):
        process = start("--store", filled, "--port", str(wanted))
        assert process.stdout
        lines = [process.stdout.readline().rstrip() for _ in range(5)]
        used = int(lines[0].removeprefix(f"port {wanted} is taken, ").removesuffix(" is free"))
        url = f"http://127.0.0.1:{used}"
        page = f"{url}/#/experiments/1/runs?workflowType=machine_learning"
        assert lines[1:] == [
            f"MLflow runs on {url}",
            f"  four_knobs: runs                 {page}&viewStateShareKey=four_knobs-runs",
            f"  four_knobs: mean over seeds      {page}&compareRunsMode=CHART"
            "&viewStateShareKey=four_knobs-variants",
            "Ctrl-C ends it",
        ]
        with urllib.request.urlopen(url) as answer:
            assert answer.status == 200
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=20)[0] == "\nended\n"
        assert process.returncode == 0
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(url)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGKILL], ids=["SIGHUP", "SIGKILL"])
def test_nothing_keeps_the_port_when_the_terminal_is_closed_or_the_process_killed(
    number: int, filled: str
):
    port = free_port("127.0.0.1", 5600)
    process = start("--store", filled, "--port", str(port))
    assert process.stdout
    while process.stdout.readline() != "Ctrl-C ends it\n":
        assert process.poll() is None
    process.send_signal(number)
    rest = process.communicate(timeout=30)[0]
    ended = (0, "\nended\n") if number == signal.SIGHUP else (-number, "")
    assert (process.returncode, rest) == ended
    until(lambda: free_port("127.0.0.1", port) == port)


def test_what_is_ignored_stays_ignored():
    """As nohup has it, and a shell for what runs in the background."""
    code = (
        "import signal; from rnn_regexp.dashboard import end_like_ctrl_c as own;"
        " signal.signal(signal.SIGHUP, signal.SIG_IGN); own(signal.SIGHUP, signal.SIGTERM);"
        " print(signal.getsignal(signal.SIGHUP) == signal.SIG_IGN);"
        " print(signal.getsignal(signal.SIGTERM) == signal.default_int_handler)"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    out = subprocess.check_output([sys.executable, "-c", code], env=environment, text=True)
    assert out == "True\nTrue\n"


@pytest.mark.parametrize("how", ["ended", "killed"])
def test_the_servers_group_ends_with_the_process(how: str):
    """Workers too, and also a server that does not listen to SIGTERM."""
    stubborn = (
        "import os, signal, time; signal.signal(15, signal.SIG_IGN); os.fork(); time.sleep(60)"
    )
    code = (
        "import subprocess, sys; from rnn_regexp import dashboard;"
        f" own = [sys.executable, '-c', {stubborn!r}]; silent = subprocess.DEVNULL;"
        " group = subprocess.Popen(own, start_new_session=True, stdout=silent);"
        " guard = dashboard.guarded(group); guard.__enter__(); print(group.pid, flush=True);"
        " input(); guard.__exit__(None, None, None)"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    process = subprocess.Popen([sys.executable, "-c", code], env=environment, **pipes)
    assert process.stdout
    group = int(process.stdout.readline())
    os.killpg(group, 0)
    if how == "killed":
        process.kill()
    process.communicate("\n" if how == "ended" else None, timeout=30)
    until(lambda: not runs(group))


def runs(group: int) -> bool:
    """Whether a process of a group is alive; nobody may have waited for one that has ended."""
    states = subprocess.check_output(["ps", "-e", "-o", "pgid=,stat="], text=True)
    found = [line.split() for line in states.splitlines()]
    return any(int(own) == group and not state.startswith("Z") for own, state in found)


def until(true: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_no_store_is_one_line(tmp_path: Path):
    process = start("--store", str(tmp_path / "mlflow.db"))
    expected = f"no runs in {tmp_path}/mlflow.db yet; first: rnn-regexp ablate study=four_knobs"
    assert process.communicate() == (f"error: {expected}\n", None)
    assert process.returncode == 2


@pytest.mark.parametrize(
    ("host", "port", "expected"),
    [
        ("127.0.0.1", 99999, "--port must be in 1..65535, got 99999"),
        ("no.such.host.invalid", 5000, "--host no.such.host.invalid is no address of this machine"),
        ("192.0.2.1", 5000, "no port from 5000 to 5019 is free on 192.0.2.1"),
    ],
)
def test_addresses_that_cannot_be(host: str, port: int, expected: str):
    with pytest.raises(TrackingError) as error:
        free_port(host, port)
    assert str(error.value) == expected


def test_a_server_that_ends_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    code = "import os; print(os.environ['MLFLOW_SERVER_ENABLE_JOB_EXECUTION']); raise SystemExit(3)"
    monkeypatch.setattr(dashboard, "command", lambda *_: [sys.executable, "-c", code])
    with (
        pytest.raises(TrackingError, match=r"^MLflow's server ended with code 3: false$"),
        serving(tmp_path / "mlflow.db", "127.0.0.1", free_port("127.0.0.1", 5600)),
    ):
        pass


@pytest.fixture
def pages(filled: str) -> Iterator[list[str]]:
    """The addresses of the study's runs and of its curves."""
    port = free_port("127.0.0.1", 5600)
    with serving(Path(filled), "127.0.0.1", port) as (_, url):
        yield [line.rpartition(" ")[2] for line in addresses(url)[1:]]


def texts(driver: Any, selector: str) -> set[str]:
    return {found.text for found in driver.find_elements("css selector", selector)}


def headings(driver: Any) -> set[str]:
    """The table's columns at one moment: the page redraws them while it loads."""
    script = "return Array.from(document.querySelectorAll('.ag-header-cell'), e => e.innerText)"
    return {text.strip() for text in driver.execute_script(script)}


@pytest.mark.slow
@pytest.mark.browser
def test_runs_are_compared_by_factors_and_metrics(pages: list[str]):
    pytest.importorskip("selenium", reason="the browser is driven by Selenium")
    from selenium.common.exceptions import TimeoutException
    from selenium.webdriver.support.wait import WebDriverWait

    from scripts import screenshot_dashboard as screenshot

    try:
        driver = screenshot.chromium()
    except SystemExit as error:
        pytest.skip(str(error))
    try:
        driver.set_window_size(4000, 1000)  # columns out of sight are not in the page
        screenshot.open_page(driver, pages[0])
        names = screenshot.run_names(driver)
        assert len(names) == 14
        assert names[:3] == ["baseline seed 0", "clip=1 seed 0", "clip=10 seed 0"]
        expected = {*LEVELS, "valid/loss", "valid/accuracy", "test/loss", "test/accuracy"}
        with contextlib.suppress(TimeoutException):
            WebDriverWait(driver, 60).until(lambda _: expected <= headings(driver))
        assert expected <= headings(driver)
        screenshot.compare(driver, ["baseline seed 0", "dropout=0.75 seed 0", "init=xavier seed 0"])
        rows = texts(driver, "tr")
        assert "dropout 0.5 0.75 0.5" in rows
        assert "init orthogonal orthogonal xavier" in rows
        (body,) = texts(driver, "body")
        metrics = body.partition("\nMetrics\n")[2]
        assert "\ntest/loss\n" in metrics
        assert "\n1.27\n1.217\n1.27\n" in metrics
        WebDriverWait(driver, 60).until(
            lambda _: driver.find_elements("css selector", ".js-plotly-plot")
        )
        screenshot.open_page(driver, pages[1])
        WebDriverWait(driver, 60).until(lambda _: len(texts(driver, ".js-plotly-plot")) > 1)
        assert texts(driver, "h4") >= {"valid/accuracy", "valid/loss"}
    finally:
        driver.quit()


@pytest.fixture
def summary(empty_store: Path, tmp_path: Path) -> Iterator[str]:
    """The address of the summary run of a study that has been reported."""
    from rnn_regexp.report.write import write_report
    from rnn_regexp.tracking.store import client

    store = Sqlite(store=str(shutil.copy(empty_store, tmp_path / "mlflow.db")))
    folder = write_ledger(tmp_path / "four_knobs", seeds=2).folder
    write_report(folder)
    replay(folder, store)
    experiment = client(store).get_experiment_by_name("four_knobs").experiment_id
    (run,) = client(store).search_runs([experiment], "tags.kind = 'summary'")
    port = free_port("127.0.0.1", 5600)
    with serving(Path(store.store), "127.0.0.1", port) as (_, url):
        yield f"{url}/#/experiments/{experiment}/runs/{run.info.run_id}"


@pytest.mark.slow
@pytest.mark.browser
def test_the_summary_shows_the_study_at_a_glance(summary: str):
    pytest.importorskip("selenium", reason="the browser is driven by Selenium")
    from selenium.webdriver.support.wait import WebDriverWait

    from scripts import screenshot_dashboard as screenshot

    try:
        driver = screenshot.chromium()
    except SystemExit as error:
        pytest.skip(str(error))
    wait = WebDriverWait(driver, 60)
    try:
        driver.set_window_size(1400, 3000)
        screenshot.open_page(driver, summary)
        wait.until(lambda _: "effect/dropout:0/estimate" in texts(driver, "a"))
        driver.find_element("xpath", "//button[normalize-space()='Show more']").click()
        wait.until(lambda _: "adjusted p" in texts(driver, "th"))
        assert {"dropout", "weight_decay", "clip", "init"} <= texts(driver, "td")
        assert any("against 0.5" in text for text in texts(driver, "li"))
        screenshot.open_page(driver, f"{summary}/artifacts/figures/forest.svg")
        wait.until(lambda _: "forest.svg" in " ".join(texts(driver, "body")))
        drawn = "return Array.from(document.images).some(i => i.naturalWidth > 200)"
        wait.until(lambda _: driver.execute_script(drawn))
        screenshot.open_page(driver, f"{summary}/artifacts/report.html")
        wait.until(lambda _: driver.find_elements("css selector", "iframe"))
        driver.switch_to.frame(driver.find_element("css selector", "iframe"))
        wait.until(lambda _: len(driver.find_elements("css selector", "figure svg")) > 5)
    finally:
        driver.quit()

"""A real Ray cluster of two nodes on this machine; one of them is killed in the middle."""

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rnn_regexp.executors import ExecutorError, Local, Ray
from rnn_regexp.executors import ray as executor
from rnn_regexp.experiment import run_id
from rnn_regexp.interruption import Terminated, terminable
from rnn_regexp.ledger import FAILED, FINISHED, Ledger
from rnn_regexp.training.settings import Training
from tests.executors.cohorts import Log, experiment, faulty, ids
from tests.executors.tables import tables

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray's own, of which there are many


def test_without_the_package_it_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ExecutorError) as refusal:
        Ray().check(Training())
    assert str(refusal.value) == (
        "executor=ray needs the package ray: pip install 'rnn-regexp[ray]'"
    )


class TwoNodes:
    """A head and one more node, with a CPU each; the second can be killed and replaced."""

    def __init__(self, cluster: Any) -> None:
        self.cluster = cluster
        self.second = cluster.add_node(num_cpus=1)

    def kill_second(self) -> None:
        """As a machine dies: its workers first, or they would finish what they have begun."""
        for process in self.second.all_processes["raylet"]:
            for child in children(process.process.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
        self.cluster.remove_node(self.second, allow_graceful=False)


def children(parent: int) -> list[int]:
    listed = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [int(child) for child in listed]


@pytest.fixture(scope="module")
def nodes() -> Iterator[TwoNodes]:
    ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'rnn-regexp[ray]'")
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(sys.path))  # the nodes' processes inherit it
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
        two = TwoNodes(cluster)
        ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")
        yield two
        ray.shutdown()
        cluster.shutdown()


@pytest.mark.slow
def test_the_same_numbers_as_here(nodes: TwoNodes, tmp_path: Path) -> None:
    cohorts = [[experiment(0), experiment(1)], [experiment(2)]]
    logs = []
    for name, own in {"local": Local(), "ray": Ray()}.items():
        logs.append(log := Log())
        own.run(cohorts, Ledger(tmp_path / name), log)
        assert set(Ledger(tmp_path / name).recorded()) == ids(*cohorts[0], *cohorts[1])
    for index in range(2):
        here, there = (log.results[index] for log in logs)
        assert [own.metrics for own in here] == [own.metrics for own in there]


@pytest.mark.slow
def test_a_study_has_the_table_of_one_machine(
    nodes: TwoNodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    here, there = tables(tmp_path, ["executor=local"], ["executor=ray"])
    assert len(here) == 6
    assert here == there


@pytest.mark.slow
def test_a_node_that_dies_costs_its_own_cohort_one_try(nodes: TwoNodes, tmp_path: Path) -> None:
    cohorts = [[experiment(seed, epochs=400)] for seed in (0, 1, 2)]
    ledger, log = Ledger(tmp_path), Log(nodes.kill_second)
    Ray().run(cohorts, ledger, log)
    assert log.statuses == {0: [FINISHED], 1: [FINISHED], 2: [FINISHED]}
    assert len(log.lines) == 1, log.lines
    assert log.lines[0].endswith("; trained again")
    started = [own["runs"][0] for own in ledger.events() if own["event"] == "started"]
    assert sorted(map(started.count, set(started))) == [1, 1, 2]
    nodes.second = nodes.cluster.add_node(num_cpus=1)


@pytest.mark.slow
def test_what_breaks_fails_alone(nodes: TwoNodes, tmp_path: Path) -> None:
    broken = faulty(0, "segfault", tmp_path / "a", 99)
    hanging = faulty(1, "hang", tmp_path / "b", 99)
    raising = faulty(2, "fail", tmp_path / "c", 99)
    cohorts = [[broken], [hanging], [raising], [experiment(3)]]
    ledger, log = Ledger(tmp_path / "study"), Log()
    Ray(retries=0, time_limit=5.0).run(cohorts, ledger, log)
    assert log.statuses == {0: [FAILED], 1: [FAILED], 2: [FAILED], 3: [FINISHED]}
    errors = [
        ledger.result(run_id(own)).error.splitlines()[-1] for own in (broken, hanging, raising)
    ]
    assert "died unexpectedly" in errors[0]
    assert errors[1] == "the task showed no progress for 5 s (executor.time_limit)"
    assert errors[2] == "ValueError: no such gate"


@pytest.mark.slow
def test_a_node_that_does_not_see_the_folder_sends_its_results(
    nodes: TwoNodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = contextlib.nullcontext(Path("/nowhere/.locks/mark"))
    monkeypatch.setattr(executor, "_mark", lambda ledger: elsewhere)
    ledger = Ledger(tmp_path)
    Ray().run([[experiment(0)]], ledger, Log())
    assert ledger.result(run_id(experiment(0))).status == FINISHED
    assert ledger.events() == []


@pytest.mark.slow
@pytest.mark.usefixtures("listening")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda own: own.name)
def test_a_signal_is_ours_to_answer_and_tasks_leave_checkpoints(
    nodes: TwoNodes, number: int, tmp_path: Path
) -> None:
    """A command of its own connects: Ray puts a handler of its own there, which is undone."""
    import ray

    ray.shutdown()
    cohorts = [[experiment(seed, epochs=600)] for seed in (0, 1)]
    ledger, log = Ledger(tmp_path / "study"), Log(lambda: os.kill(os.getpid(), number))
    own = Ray(address=nodes.cluster.address, workers=1)  # the other one is never begun
    with pytest.raises(Terminated), terminable():
        own.run(cohorts, ledger, log)
    assert not ray.is_initialized()
    assert ledger.results() == []
    assert len(list(ledger.folder.glob("checkpoints/*.safetensors"))) == 1
    assert "lost" not in {event["event"] for event in ledger.events()}
    after, reference = Log(), Log()
    own.run(cohorts, ledger, after)
    Local().run(cohorts, Ledger(tmp_path / "here"), reference)
    for index in (0, 1):
        (there,), (here,) = after.results[index], reference.results[index]
        assert there.metrics == here.metrics


@pytest.mark.slow
def test_local_is_a_new_cluster_where_one_runs_already(nodes: TwoNodes, tmp_path: Path) -> None:
    import ray

    ray.shutdown()
    log, seen = Log(), set()
    log.say = lambda line: seen.add(ray.get_runtime_context().gcs_address)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_ADDRESS", nodes.cluster.address)  # which only `auto` asks for
        raising = faulty(0, "fail", tmp_path / "counter", 1)  # for a line, said meanwhile
        Ray(address="local").run([[raising]], Ledger(tmp_path / "study"), log)
    assert log.statuses == {0: [FINISHED]}
    assert len(seen) == 1
    assert nodes.cluster.address not in seen


def test_no_cluster_is_one_line(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'rnn-regexp[ray]'")
    with pytest.raises(ExecutorError) as refusal:
        Ray(address="127.0.0.1:1").run([[experiment(0)]], Ledger(tmp_path), Log())
    assert str(refusal.value) == (
        "executor.address=127.0.0.1:1: no Ray cluster answers ([Errno 111] Connection refused);"
        " start one with `ray start --head`, or take executor.address=local"
    )

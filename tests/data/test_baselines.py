"""Trivial answers against numpy, and the script that measures networks beside them."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from sacrebleu.metrics.bleu import BLEU

from rnn_regexp.data import BeijingPm25, Digits, parallel_texts
from rnn_regexp.data.forecasting import Forecasting, fractions
from rnn_regexp.data.sequences import SequenceData, Split
from rnn_regexp.data.time_series import TimeSeries
from rnn_regexp.ledger import Ledger
from rnn_regexp.training.settings import Training
from scripts import measure_baselines
from scripts.baselines import METRICS, Baseline, everything
from scripts.measure_baselines import experiments, facts, key_of, measure, read, used
from scripts.naive_answers import naive, repeated
from tests.tasks.test_tag import tagged
from tests.training.tiny import sentences, stream, translations

PLAIN = Baseline("digits", "model=gru model.hidden=4 training.epochs=2 training.limit=64", seeds=2)


def test_the_majority_is_that_of_train():
    data = sentences(train=40, test=30)
    train, test = data.train.targets.numpy(), data.test.targets.numpy()
    likeliest = np.bincount(train).argmax()
    expected = ("majority class", pytest.approx((test == likeliest).mean()))
    assert naive(data, "accuracy") == expected


def test_the_majority_of_steps_leaves_out_what_is_not_judged():
    data = tagged()
    train, test = (own.targets.numpy() for own in (data.train, data.test))
    likeliest = np.bincount(train[train >= 0]).argmax()
    share = (test[test >= 0] == likeliest).mean()
    assert naive(data, "accuracy")[1] == pytest.approx(share)


@pytest.mark.parametrize("metric", ["perplexity", "bits"])
def test_unigrams_are_those_of_train_plus_one(metric: str):
    data = stream()
    counts = np.bincount(data.train.targets[0], minlength=9) + 1
    nats = -np.log(counts / counts.sum())[data.test.targets[0]].mean()
    expected = np.exp(nats) if metric == "perplexity" else nats / np.log(2)
    assert naive(data, metric) == ("unigram", pytest.approx(expected))


def test_a_copied_source_is_judged_by_the_published_target():
    data = translations(longest=6)
    data = dataclasses.replace(data, vocabulary=data.classes)  # so that some words are right
    told = parallel_texts.sentences(data.constants["references"])[-len(data.test) :]
    copied = [
        " ".join(data.classes[n] for n in own[:length])
        for own, length in zip(data.test.inputs.tolist(), data.test.lengths.tolist())
    ]
    expected = BLEU(lowercase=True).corpus_score(copied, [told]).score
    assert expected > 0
    assert naive(data, "bleu") == ("source copied", pytest.approx(expected))


@pytest.mark.parametrize("season", [1, 3])
@pytest.mark.parametrize("relative", [False, True])
def test_the_naive_forecast_repeats_the_last_season(season: int, relative: bool):
    values = np.random.default_rng(0).normal(size=(90, 2)).cumsum(axis=0)
    settings = Forecasting(window=6, horizon=5, season=season, relative=relative)
    borders = fractions(90, 0.2, 0.2)
    data = settings.windowed(TimeSeries("made", ("a", "b"), values, range(90)), borders, {})
    train = values[borders["train"].start : borders["train"].stop]
    scaled = (values - train.mean(axis=0)) / train.std(axis=0)
    unit = np.abs(train[season:] - train[:-season]).mean(axis=0) / train.std(axis=0)
    errors = []
    for first in range(borders["test"].start, 90 - 5 + 1):
        for step in range(5):
            place = first + step
            while place >= first:
                place -= season
            errors.append(np.abs(scaled[first + step] - scaled[place]) / unit)
    answer, error = naive(data, "mase", season)
    assert answer == "naive forecast"
    assert error == pytest.approx(np.mean(errors), rel=1e-4)


def test_what_is_asked_for_of_beijing_is_its_first_column(data_root: str):
    data = BeijingPm25(root=data_root).load()
    assert len(data.constants["mean"]) == 1
    known = repeated(data.test, 1, 1)[1:]  # (N, horizon), of the next hour's window
    same = (known[:, 0] == data.test.targets[:-1, 0]).double().mean()
    assert same > 0.9  # where no window in between was left out


def test_a_sum_is_guessed_by_its_mean():
    targets = torch.tensor([[1.0], [3.0]])
    split = Split(torch.zeros(2, 3, 1), torch.tensor([3, 3]), targets)
    other = dataclasses.replace(split, targets=targets + 1)
    data = SequenceData(split, split, other, (), task="forecast")
    assert naive(data, "loss") == ("mean of train", 2.0)


def test_every_recipe_composes_and_has_a_metric_of_its_task():
    from rnn_regexp.tasks import ALL as TASKS

    for own in everything():
        first, *others = experiments(own, None)
        assert others
        assert not any(not r.neutral for r in first.regularizers.values()) or "clip" in own.words
        metrics = TASKS[first.dataset.task].metrics
        assert (own.metric or METRICS[first.dataset.task]) in metrics
        assert own.judged in ("best", "last")


def test_data_are_counted_whole_and_answered_as_used():
    own = experiments(PLAIN, None)[0]
    assert facts(Digits().load()) == {
        "task": "classify", "train": "1000", "valid": "397", "test": "400", "longest": "8",
        "classes": "10", "vocabulary": "", "features": "8",
    }  # fmt: skip
    assert [len(part) for part in (used(own).train, used(own).test)] == [64, 64]
    whole = dataclasses.replace(own, training=Training())
    assert len(used(whole).test) == 400


def test_a_row_is_written_and_nothing_is_trained_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(measure_baselines, "TABLE", tmp_path / "baselines.csv")
    monkeypatch.setattr(measure_baselines, "everything", lambda: [PLAIN])
    measure([PLAIN], None, Ledger(tmp_path))
    assert "digits: accuracy 0." in capsys.readouterr().out
    row = read()[key_of(PLAIN)]
    runs = Ledger(tmp_path).results()
    values = [run.metrics["best/test/accuracy"] for run in runs]
    assert float(row["mean"]) == pytest.approx(np.mean(values), abs=1e-4)
    assert float(row["deviation"]) == pytest.approx(np.std(values, ddof=1), rel=0.1)
    assert (row["seeds"], row["epochs"], row["model"]) == ("2", "2", "GRU 4")
    times = [path.stat().st_mtime_ns for path in (tmp_path / "runs").iterdir()]
    measure([PLAIN], None, Ledger(tmp_path))
    assert read() == {key_of(PLAIN): row}
    assert times == [path.stat().st_mtime_ns for path in (tmp_path / "runs").iterdir()]

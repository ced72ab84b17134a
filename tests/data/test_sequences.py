"""What all datasets have in common."""

import dataclasses
from pathlib import Path

import pytest
import torch
from torch import Tensor

from rnn_regexp.data import (
    ALL,
    AgNews,
    Docstrings,
    Hf,
    Imdb,
    SequenceParquet,
    SeriesCsv,
    TextCsv,
    Wikitext2,
)
from rnn_regexp.data.files import FileDataset
from rnn_regexp.data.installed import NotInstalled
from rnn_regexp.data.sequences import Dataset, SequenceData, Split
from rnn_regexp.fields import INTERVAL, problems
from rnn_regexp.tasks import task_of

LINES = "".join(f"text number {n} is {n % 3},{'abc'[n % 3]}\n" for n in range(60))


# With every word in the vocabulary: rare ones would make two sentences alike as <unk>.
SETTINGS = {
    Docstrings: {"vocabulary": 20_000},
    AgNews: {"subset": True, "vocabulary": 10**6, "max_length": 1000},
}
LARGE = (Imdb, Wikitext2)
MARKED = [pytest.param(own, marks=pytest.mark.slow) if own in LARGE else own for own in ALL]


@pytest.fixture(params=MARKED, ids=lambda settings: settings.__name__, scope="module")
def data(request: pytest.FixtureRequest, cache_folder: Path) -> SequenceData:
    """The data as a user gets them first; skipped where a package or the files are missing."""
    settings = request.param
    if settings in (Hf, SequenceParquet, SeriesCsv):
        pytest.skip("reads the user's own data; its tests plant some")
    if settings is TextCsv:
        path = cache_folder / "file.csv"
        path.write_text("text,label\n" + LINES)
        return TextCsv(path=str(path)).load()
    return loaded(request, settings)


def loaded(request: pytest.FixtureRequest, settings: type[Dataset]) -> SequenceData:
    own = dict(SETTINGS.get(settings, {}))
    if issubclass(settings, FileDataset):
        own["root"] = request.getfixturevalue("data_root")
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("RNN_REGEXP_OFFLINE", "1")
            return settings(**own).load()
    except NotInstalled as error:
        pytest.skip(str(error))


def splits(data: SequenceData) -> tuple[Split, Split, Split]:
    return data.train, data.valid, data.test


def test_its_task_is_the_one_that_is_listed(request: pytest.FixtureRequest, data: SequenceData):
    assert data.task == request.node.callspec.params["data"].task


def test_shapes_and_types(data: SequenceData):
    for split in splits(data):
        rows, steps = split.inputs.shape[:2]
        assert rows == len(split) == len(split.targets) > 0
        assert split.lengths.dtype == torch.int64
        assert 1 <= split.lengths.min() <= split.lengths.max() <= steps
        if data.vocabulary:
            assert split.inputs.dtype == torch.int64
            assert 0 <= split.inputs.min() <= split.inputs.max() < len(data.vocabulary)
        else:
            assert split.inputs.dtype == torch.float32
            assert split.inputs.shape[2] == data.features > 0


def test_targets_are_what_the_task_asks_for(data: SequenceData):
    for split in splits(data):
        if data.task == "forecast":
            assert split.targets.shape == (len(split), len(data.constants["naive"]))
            assert split.targets.isfinite().all()
            assert split.targets.dtype == torch.float32
            assert (data.constants["naive"] > 0).all()
            continue
        classes = len(data.classes) or len(data.vocabulary)
        assert split.targets.dtype == torch.int64
        words = split.targets[:, 1:] if data.task == "translate" else split.targets
        assert -1 <= words.min() <= words.max() < classes  # the reference's number stands before
        if data.task == "classify":
            assert split.targets.shape == (len(split),)
            assert split.targets.min() == 0
        if data.task == "tag":
            assert split.targets.shape == split.inputs.shape[:2]
            behind = torch.arange(split.inputs.shape[1]) >= split.lengths[:, None]
            assert (split.targets[behind] == -1).all()
    assert task_of(data).outputs > 0


def test_behind_the_length_stands_zero(data: SequenceData):
    for split in splits(data):
        behind = torch.arange(split.inputs.shape[1]) >= split.lengths[:, None]
        assert not split.inputs[behind].any()


def test_a_streams_targets_are_its_own_tokens_one_later(data: SequenceData):
    if data.task != "language_model":
        pytest.skip("not a stream")
    for split in splits(data):
        assert len(split) == 1
        assert torch.equal(split.targets[:, :-1], split.inputs[:, 1:])
        assert 0 not in split.targets


def test_every_class_is_at_the_front_of_every_split(data: SequenceData):
    if data.task != "classify":
        pytest.skip("sequences have no class")
    classes = len(data.classes)
    for split in splits(data):
        assert sorted(split.head(classes).targets.tolist()) == list(range(classes))


def rows(split: Split) -> set[bytes]:
    return {row.tobytes() for row in split.inputs.flatten(1).numpy()}


def test_no_training_sequence_is_among_those_it_is_judged_by(data: SequenceData):
    if data.task in ("forecast", "language_model"):
        pytest.skip("splits are told apart by their place in time or text")
    width = max(split.inputs.shape[1] for split in splits(data))
    train, valid, test = (rows(padded(split, width)) for split in splits(data))
    assert not train & valid
    assert not train & test


def padded(split: Split, width: int) -> Split:
    wide = torch.zeros((len(split), width, *split.inputs.shape[2:]), dtype=split.inputs.dtype)
    wide[:, : split.inputs.shape[1]] = split.inputs
    return dataclasses.replace(split, inputs=wide)


@pytest.mark.parametrize("settings", ALL, ids=lambda settings: settings.__name__)
def test_says_where_it_comes_from(settings: type[Dataset]):
    assert settings.source
    assert settings.__doc__


@pytest.mark.parametrize("settings", ALL, ids=lambda settings: settings.__name__)
def test_a_number_below_its_interval_is_refused(settings: type[Dataset]):
    for field in dataclasses.fields(settings):
        if field.metadata[INTERVAL]:
            assert problems(settings, {field.name: -1}, "dataset") == [
                f"dataset.{field.name} must be in {field.metadata[INTERVAL]}, got -1"
            ]


def tiny(inputs: Tensor) -> SequenceData:
    split = Split(inputs, torch.tensor([1, 2]), torch.tensor([0, 1]))
    return SequenceData(split, split, split, classes=("a", "b"))


def test_digest_sees_every_part():
    data = tiny(torch.tensor([[2, 0], [3, 4]]))
    changed = dataclasses.replace(data.test, targets=torch.tensor([1, 1]))
    digests = {
        data.digest(),
        tiny(torch.tensor([[2, 0], [3, 5]])).digest(),
        tiny(torch.tensor([[2, 0], [3, 4]], dtype=torch.int32)).digest(),
        dataclasses.replace(data, test=changed).digest(),
        dataclasses.replace(data, classes=("a", "c")).digest(),
        dataclasses.replace(data, vocabulary=("<pad>",)).digest(),
    }
    assert len(digests) == 6
    assert tiny(torch.tensor([[2, 0], [3, 4]])).digest() == data.digest()

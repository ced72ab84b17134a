"""The temporal order problem, checked symbol by symbol against the papers' definitions."""

import pytest
import torch

from rnn_regexp.data import TemporalOrder
from rnn_regexp.data.sequences import SequenceData
from rnn_regexp.data.temporal_order import Paper

WINDOWS = {  # (first, last) step, counted from 1, at length 100
    ("pascanu", 2): [(11, 20), (51, 60)],
    ("pascanu", 3): [(11, 20), (31, 40), (61, 70)],
    ("hochreiter", 2): [(10, 20), (50, 60)],
    ("hochreiter", 3): [(10, 20), (33, 43), (66, 76)],
}
LETTERS = {"pascanu": "ABcdef", "hochreiter": "XYabcdEB"}


@pytest.fixture(params=WINDOWS, ids=lambda key: f"{key[0]}-{key[1]}", scope="module")
def key(request: pytest.FixtureRequest) -> tuple[str, int]:
    return request.param


@pytest.fixture(scope="module")
def data(key: tuple[str, int]) -> SequenceData:
    return TemporalOrder(paper=Paper[key[0]], symbols=key[1], examples=1500).load()


def words(data: SequenceData, letters: str) -> list[list[int]]:
    """Each training sequence as numbers of symbols; every step has exactly one."""
    found = []
    for row, length in zip(data.train.inputs, data.train.lengths):
        assert row[:length].sum(dim=1).tolist() == [1] * int(length)
        assert row.shape[1] == len(letters)
        found.append(row[:length].argmax(dim=1).tolist())
    return found


def test_relevant_symbols_stand_in_their_windows_and_decide(
    data: SequenceData, key: tuple[str, int]
):
    relevant, others = set(LETTERS[key[0]][:2]), set(LETTERS[key[0]][2:6])
    seen: list[set[int]] = [set() for _ in WINDOWS[key]]
    for word, target in zip(words(data, LETTERS[key[0]]), data.train.targets):
        inner = word[1:-1] if key[0] == "hochreiter" else word
        offset = 2 if key[0] == "hochreiter" else 1
        text = [LETTERS[key[0]][symbol] for symbol in inner]
        places = [at for at, letter in enumerate(text, offset) if letter in relevant]
        assert len(places) == key[1]
        for place, (first, last), all_of_them in zip(places, WINDOWS[key], seen):
            assert first <= place <= last
            all_of_them.add(place)
        assert data.classes[target] == "".join(text[at - offset] for at in places)
        assert set(text) <= relevant | others
    assert seen == [set(range(first, last + 1)) for first, last in WINDOWS[key]]


def test_lengths_start_and_trigger(data: SequenceData, key: tuple[str, int]):
    lengths = set(data.train.lengths.tolist())
    if key[0] == "pascanu":
        assert lengths == {100}
        return
    assert lengths == set(range(100, 111))
    for word in words(data, LETTERS["hochreiter"]):
        assert word[0] == 6
        assert word[-1] == 7
        assert not {6, 7} & set(word[1:-1])


def test_classes_are_equally_likely(data: SequenceData, key: tuple[str, int]):
    counts = data.train.targets.bincount(minlength=2 ** key[1])
    expected = 1500 / 2 ** key[1]
    chi_squared = ((counts - expected) ** 2 / expected).sum()
    assert chi_squared < 30  # 7 degrees of freedom: exceeded once in 10,000


def test_distractors_are_equally_likely(data: SequenceData, key: tuple[str, int]):
    counts = data.train.inputs.sum(dim=(0, 1))[2:6]
    torch.testing.assert_close(counts / counts.sum(), torch.full((4,), 0.25), atol=0.01, rtol=0)


def test_windows_grow_with_the_length():
    data = TemporalOrder(length=250, examples=300).load()
    places = data.train.inputs[..., :2].sum(dim=2).nonzero()[:, 1].view(-1, 2)
    assert places[:, 0].min() >= 25
    assert places[:, 0].max() < 50
    assert places[:, 1].min() >= 125
    assert places[:, 1].max() < 150

"""Sequences of feature vectors: padding, scaling from train alone, what is held out."""

import numpy as np
import pytest
import torch

from rnn_regexp.data.features import Series, feature_data, held_out
from rnn_regexp.data.partition import TEST, TRAIN, VALID
from rnn_regexp.data.sequences import DataError

RANDOM = np.random.default_rng(0)


def series(count: int, label: str, steps: int = 5) -> list[Series]:
    return [Series(RANDOM.normal(3.0, 2.0, (steps, 2)), label) for _ in range(count)]


def values(found: list[Series]) -> set[bytes]:
    return {own.values.tobytes() for own in found}


def test_a_fraction_of_each_class_is_held_out():
    train, test = series(20, "a") + series(10, "b"), series(5, "a")
    splits = held_out(train, test, 0.2)
    assert sorted(own.label for own in splits[VALID]) == ["a"] * 4 + ["b"] * 2
    assert values(splits[TRAIN]) | values(splits[VALID]) == values(train)
    assert not values(splits[TRAIN]) & values(splits[VALID])
    assert values(splits[TEST]) == values(test)


def test_what_is_held_out_does_not_depend_on_the_order_of_the_file():
    train = series(20, "a") + series(10, "b")
    copies = [Series(own.values.copy(), own.label) for own in train[::-1]]
    one, other = held_out(train, [], 0.2), held_out(copies, [], 0.2)
    assert values(one[VALID]) == values(other[VALID])


def test_equal_series_stay_together():
    same = series(1, "a")[0]
    copies = [Series(same.values.copy(), "a") for _ in range(20)]
    splits = held_out(copies + series(20, "a"), [], 0.3)
    assert len({split for split, part in splits.items() if values([same]) & values(part)}) == 1


def test_nothing_held_out_validates_on_train_and_never_on_test():
    train, test = series(6, "a") + series(6, "b"), series(4, "a") + series(4, "b")
    splits = held_out(train, test, 0.0)
    assert values(splits[TRAIN]) == values(splits[VALID]) == values(train)
    assert feature_data(splits, {}).provenance["sequences_in_two_splits"] == "0"


def test_series_are_padded_with_zeros():
    splits = {TRAIN: series(2, "a", 4) + series(1, "b", 7), VALID: series(1, "a"), TEST: []}
    splits[TEST] = series(1, "b", 3)
    data = feature_data(splits, {})
    assert data.train.inputs.shape == (3, 7, 2)
    assert sorted(data.train.lengths.tolist()) == [4, 4, 7]
    behind = torch.arange(7) >= data.train.lengths[:, None]
    assert not data.train.inputs[behind].any()
    assert data.test.inputs[0].tolist() == torch.tensor(splits[TEST][0].values).float().tolist()
    assert data.features == 2


def test_scaling_is_that_of_trains_own_steps():
    train = series(3, "a", 4) + series(2, "b", 9)
    splits = {TRAIN: train, VALID: series(2, "a"), TEST: [Series(np.full((3, 2), 1e6), "b")]}
    data = feature_data(splits, {}, standardize=True)
    steps = np.concatenate([own.values for own in train])  # (3 * 4 + 2 * 9, 2), no padding
    expected = (splits[TEST][0].values - steps.mean(0)) / steps.std(0)
    np.testing.assert_allclose(data.test.inputs[0].numpy(), expected, rtol=1e-6)
    valid = torch.arange(data.train.inputs.shape[1]) < data.train.lengths[:, None]
    assert data.train.inputs[valid].mean(0).tolist() == pytest.approx([0, 0], abs=1e-6)
    assert not data.train.inputs[~valid].any()


def test_a_constant_feature_is_only_centred():
    flat = [Series(np.array([[2.0, n], [2.0, -n]]), "ab"[n % 2]) for n in range(4)]
    data = feature_data({TRAIN: flat, VALID: flat, TEST: flat}, {}, standardize=True)
    assert data.test.inputs[..., 0].tolist() == [[0, 0]] * 4


def test_series_in_two_splits_are_counted():
    train, test = series(3, "a"), series(2, "a")
    data = feature_data({TRAIN: train, VALID: train[:1], TEST: test + train[1:]}, {})
    assert data.provenance["sequences_in_two_splits"] == "3"


def test_a_class_that_train_does_not_have_is_refused():
    with pytest.raises(DataError, match=r"^the class 'b' occurs in valid and never in train$"):
        feature_data({TRAIN: series(2, "a"), VALID: series(1, "b"), TEST: series(1, "a")}, {})

"""Images as sequences of rows."""

import pytest
import torch
from sklearn.datasets import load_digits

from rnn_regexp.data import Digits
from rnn_regexp.data.sequences import DataError


def test_holds_scikit_learns_images_once_each():
    data = Digits().load()
    found = torch.cat([data.train.inputs, data.valid.inputs, data.test.inputs]) * 16
    targets = torch.cat([data.train.targets, data.valid.targets, data.test.targets])
    pixels, digits = load_digits(return_X_y=True)
    here = sorted(
        (*image.flatten().tolist(), digit.item())
        for image, digit in zip(found, targets, strict=True)
    )
    there = sorted(
        (*image.tolist(), int(digit)) for image, digit in zip(pixels, digits, strict=True)
    )
    assert here == there


def test_a_step_is_a_row_of_the_image():
    pixels, digits = load_digits(return_X_y=True)
    data = Digits().load()
    first = data.train.inputs[0]
    (place,) = [
        n for n, image in enumerate(pixels) if (image == first.flatten().numpy() * 16).all()
    ]
    assert first[3].tolist() == (pixels[place][24:32] / 16).tolist()
    assert data.train.targets[0] == digits[place]
    assert data.features == 8


def test_digits_in_equal_parts():
    data = Digits(examples=500, valid_examples=200, test_examples=300).load()
    assert data.train.targets.bincount().tolist() == [50] * 10
    assert data.valid.targets.bincount().tolist() == [20] * 10
    assert data.test.targets.bincount().tolist() == [30] * 10


def test_fewer_training_images_are_judged_by_the_same():
    many, few = Digits().load(), Digits(examples=100).load()
    assert torch.equal(few.train.inputs, many.train.inputs[:100])
    assert torch.equal(few.valid.inputs, many.valid.inputs)
    assert torch.equal(few.test.inputs, many.test.inputs)


def test_more_than_there_are():
    with pytest.raises(DataError) as error:
        Digits(examples=1500).load()
    assert str(error.value) == (
        "dataset.examples + dataset.valid_examples + dataset.test_examples "
        "must be at most 1797, got 2297"
    )

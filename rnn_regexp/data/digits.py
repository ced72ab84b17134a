"""Handwritten digits, read row by row: a sequence of 8 steps with 8 brightness values each."""

from dataclasses import dataclass
from itertools import accumulate
from typing import ClassVar

import torch

from rnn_regexp.data.rank import interleave, rank
from rnn_regexp.data.sequences import DataError, Dataset, SequenceData, Split
from rnn_regexp.fields import structural

BRIGHTEST = 16.0  # a pixel counts the dark ones among 4 x 4 of the original scan


@dataclass
class Digits(Dataset):
    """Image (8, 8) -> digit, for the 1,797 images of scikit-learn; the digits in equal parts.

    Source: Alpaydin and Kaynak 1998, Optical Recognition of Handwritten Digits (test part), UCI.
    """

    examples: int = structural(1000, "[10, inf)")  # training images
    valid_examples: int = structural(397, "[10, inf)")
    test_examples: int = structural(400, "[10, inf)")

    source: ClassVar[str] = "1,797 images of 8 x 8 pixels from scikit-learn, a row at a time"

    def load(self) -> SequenceData:
        """Read and split the images. Raises ``DataError`` if more are asked for than there are."""
        import sklearn
        from sklearn.datasets import load_digits

        pixels, digits = load_digits(return_X_y=True)
        counts = (self.test_examples, self.valid_examples, self.examples)
        if sum(counts) > len(digits):
            raise DataError(
                "dataset.examples + dataset.valid_examples + dataset.test_examples "
                f"must be at most {len(digits)}, got {sum(counts)}"
            )
        images = torch.tensor(pixels, dtype=torch.float32).view(-1, 8, 8) / BRIGHTEST  # (N, T, D)
        targets = torch.tensor(digits, dtype=torch.int64)
        order = interleave(range(len(digits)), lambda row: rank(str(row)), digits.__getitem__)
        # The training images come last, so that their number never changes what they are judged by.
        ends = list(accumulate(counts))
        parts = [order[end - count : end] for count, end in zip(counts, ends, strict=True)]
        test, valid, train = (
            Split(images[rows], torch.full((len(rows),), images.shape[1]), targets[rows])
            for rows in parts
        )
        return SequenceData(
            train,
            valid,
            test,
            classes=tuple("0123456789"),
            provenance={"scikit-learn": sklearn.__version__},
        )

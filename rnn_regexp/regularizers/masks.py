"""Masks that drop units, and who makes up for what is dropped."""

from enum import Enum

import torch
from torch import Tensor

from rnn_regexp.noise import Noise
from rnn_regexp.regularizers.base import chosen


class Scaling(Enum):
    """inverted: training divides by 1 - p.  test_time: evaluation multiplies by 1 - p.

    Both keep the expectation of what is linear in the mask, and of nothing else.
    """

    inverted = "inverted"
    test_time = "test_time"


def drop(
    noise: Noise | None,
    site: str,
    shape: tuple[int, ...],
    rate: Tensor,
    like: Tensor,
    scaling: tuple[Scaling, ...] | None = None,
) -> Tensor | None:
    """What to multiply by, (K, *shape) in the type of ``like``; None for 1.

    0 with probability ``rate`` (K,), else 1 / (1 - rate), or 1 for the runs that scale at test
    time: for those, evaluation multiplies by 1 - rate.
    """
    factor = 1 / (1 - rate)
    if scaling is not None and Scaling.test_time in scaling:
        late = chosen(scaling, Scaling.test_time, rate)
        if noise is None:
            return _spread(torch.where(late, 1 - rate, 1), shape, like)
        factor = torch.where(late, 1, factor)
    return None if noise is None else noise.keep(site, shape, rate) * _spread(factor, shape, like)


def _spread(values: Tensor, shape: tuple[int, ...], like: Tensor) -> Tensor:
    """Per-run values (K,) over (K, *shape)."""
    return values.to(like).view(-1, *(1 for _ in shape)).expand(-1, *shape)

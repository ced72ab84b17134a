"""A backward pass that has no derivative of its own says so."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import torch
from torch import Tensor

Backward = Callable[..., tuple[Tensor | None, ...]]


def first_order(backward: Backward) -> Backward:
    """Raise ``RuntimeError`` where autograd records the backward pass to differentiate it again.

    Unlike torch's ``once_differentiable`` also where that would give a silent zero.
    """

    @wraps(backward)
    def checked(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        if torch.is_grad_enabled():
            raise RuntimeError(
                "backends scan, cpu and cuda have no second derivatives: take backend cells"
            )
        return backward(ctx, *gradients)

    return checked

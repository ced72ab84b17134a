"""How many weights are nearly zero."""

import torch
from torch import Tensor

from rnn_regexp.diagnostics.view import View
from rnn_regexp.weights import Kind

NEARLY_ZERO = 1e-3  # below it in size: subgradient steps never stay at 0 exactly
KINDS = (Kind.input_hidden, Kind.hidden_hidden, Kind.hidden_output)


def sparsity(view: View) -> dict[str, Tensor]:
    """The share of weights with |w| < 1e-3 in W_hx, W_hh and W_yh, over all layers."""
    found = {}
    for kind in KINDS:
        names = [spec.name for spec in view.specs if spec.kind is kind]
        own = [view.weights[name].detach().flatten(1) for name in names if name in view.weights]
        if own:
            found[kind.value] = (torch.cat(own, dim=1).abs() < NEARLY_ZERO).float().mean(dim=1)
    return found

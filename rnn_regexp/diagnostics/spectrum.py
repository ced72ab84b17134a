"""Singular values of the hidden-to-hidden matrices, and how far they are from orthogonal."""

from torch import Tensor

from rnn_regexp.diagnostics.view import View
from rnn_regexp.regularizers.singular_values import singular_values


def spectrum(view: View) -> dict[str, Tensor]:
    """Per place and gate: largest, median and smallest singular value, and ``orthogonality``.

    orthogonality = ||W^T W - I||_F / sqrt(n): 0 for an orthogonal matrix, 1 for the zero matrix
    """
    found: dict[str, Tensor] = {}
    for place, W in view.recurrent():  # (K, G, H, H)
        values = singular_values(W.detach())  # (K, G, H), falling
        n = values.shape[-1]
        numbers = {
            "largest": values[..., 0],
            "median": values[..., n // 2],
            "smallest": values[..., -1],
            "orthogonality": (values.square() - 1).square().sum(dim=-1).sqrt() / n**0.5,
        }
        for g, gate in enumerate(view.gates):
            found |= {f"{place}/{gate}/{name}": own[:, g] for name, own in numbers.items()}
    return found

"""Sequence classification: one label for each sequence."""

import torch
from torch import Tensor
from torch.nn import functional as F

METRICS = ("loss", "accuracy")


def loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy, mean over the batch: logits (K, B, C), targets (K, B) -> (K,), in nats."""
    return _negative_log_likelihood(logits, targets).mean(dim=1)


def sums(logits: Tensor, targets: Tensor) -> dict[str, Tensor]:
    """Per-run sums over a batch, (K,) each; divided by the number of sequences they are metrics."""
    hits = (logits.argmax(dim=-1) == targets).sum(dim=1)
    return {"loss": _negative_log_likelihood(logits, targets).sum(dim=1), "accuracy": hits}


def _negative_log_likelihood(logits: Tensor, targets: Tensor) -> Tensor:
    """-log softmax(logits)[target]: (K, B)."""
    K, B, _ = logits.shape
    losses: Tensor = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
    return losses.view(K, B)


def merge(parts: list[dict[str, Tensor]], count: int) -> dict[str, Tensor]:
    """Metrics (K,) of ``count`` sequences from the sums of their batches."""
    return {
        name: torch.stack([part[name] for part in parts]).sum(dim=0) / count for name in parts[0]
    }

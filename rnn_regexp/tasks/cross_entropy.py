"""Cross-entropy of K runs, with class indices or with distributions as targets."""

from torch import Tensor
from torch.nn import functional as F

from rnn_regexp.regularizers.application import NOTHING, Application


def cross_entropy(logits: Tensor, targets: Tensor, applied: Application = NOTHING) -> Tensor:
    """-sum_c q_c log softmax(logits)_c in nats, one for each target.

    ``logits`` (K, ..., C), ``targets`` (K, ...) class indices; q is 1 at the target, unless
    techniques make it another distribution.
    """
    if applied.softens_targets:
        q = applied.targets(F.one_hot(targets, logits.shape[-1]).to(logits))  # (K, ..., C)
        return -(q * logits.log_softmax(dim=-1)).sum(dim=-1)
    flat: Tensor = F.cross_entropy(logits.flatten(0, -2), targets.flatten(), reduction="none")
    return flat.view(targets.shape)

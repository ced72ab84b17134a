"""What a metric's name says: which way is better, and how a sentence calls it."""

BEST = "best/"  # prefix of metrics evaluated at the epoch with the best validation value
MIN, MAX = "min", "max"
SPLITS = {"train": "noisy training", "train_eval": "training", "valid": "validation"}
_LESS_IS_BETTER = set(
    "loss error errors perplexity entropy nll mse rmse mae mape smape distance divergence bits wer"
    " cer brier deviance".split()
)
_MORE_IS_BETTER = set(
    "accuracy f1 bleu chrf rouge auc auroc precision recall r2 correlation match score kappa"
    " likelihood".split()
)


def goal_of(metric: str) -> str | None:
    """``"min"`` or ``"max"`` by the metric's last name; None where the name does not tell."""
    words = set(metric.rsplit("/", 1)[-1].lower().split("_"))
    if words & _LESS_IS_BETTER:
        return MIN
    return MAX if words & _MORE_IS_BETTER else None


def split_of(metric: str) -> str:
    """``valid`` of ``best/valid/loss``; empty where a metric belongs to no split."""
    parts = metric.removeprefix(BEST).split("/")
    return parts[0] if len(parts) > 1 else ""


def sibling(metric: str, split: str) -> str:
    """The same quantity on another split: ``best/valid/loss``, ``test`` -> ``best/test/loss``."""
    prefix = BEST if metric.startswith(BEST) else ""
    return f"{prefix}{split}/{metric.rsplit('/', 1)[-1]}"


def test_metrics(metric: str) -> list[str]:
    """What to show beside ``metric`` as the result on test data: accuracy, or the same quantity."""
    same = sibling(metric, "test")
    return list(dict.fromkeys([f"{same.rpartition('/')[0]}/accuracy", same]))


def phrase(metric: str) -> str:
    """``valid/loss`` -> ``validation loss``; ``best/test/f1`` -> ``test f1 at the best epoch``."""
    split, quantity = split_of(metric), metric.rsplit("/", 1)[-1].replace("_", " ")
    where = " at the best epoch" if metric.startswith(BEST) else ""
    return f"{SPLITS.get(split, split)} {quantity}".strip() + where


def column_order(metric: str) -> tuple[bool, int, str]:
    """Sort key of the metrics' columns: last epoch before best, splits in their usual order."""
    splits = ["train", "train_eval", "valid", "test"]
    split = split_of(metric)
    place = splits.index(split) if split in splits else len(splits)
    return metric.startswith(BEST), place, metric

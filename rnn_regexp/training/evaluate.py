"""Metrics of K runs on a split, without noise."""

from functools import partial

import torch
from torch import Tensor

from rnn_regexp.data.sequences import Split
from rnn_regexp.models.forward import forward
from rnn_regexp.tasks import classify
from rnn_regexp.training.batches import sorted_by_length
from rnn_regexp.training.cohort import Cohort

_BATCH = 128  # sequences; bounds memory, changes no result


@torch.no_grad()
def evaluate(cohort: Cohort, split: Split) -> dict[str, Tensor]:
    """The task's metrics on ``split``, (K,) each."""
    predict = partial(forward, cohort.model, cohort.weights, backend=cohort.training.backend)
    parts = [
        classify.sums(predict(batch.inputs, batch.lengths), batch.targets)
        for batch in sorted_by_length(split, cohort.runs, _BATCH)
    ]
    return classify.merge(parts, len(split))

"""The peer of the benchmarks: the survey's example as one writes it by hand with torch alone."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from rnn_regexp.data.sequences import SequenceData, Split

BATCH = 32
ZONEOUT = 0.1  # the share of h that stays


class Zoned(nn.Module):
    """A recurrent layer with zoneout on h, as one writes it: torch's cell in a loop over steps."""

    def __init__(self, cell: Callable[..., nn.Module], inputs: int, hidden: int) -> None:
        super().__init__()
        self.cell, self.hidden, self.rate = cell(inputs, hidden), hidden, ZONEOUT

    def forward(self, x: torch.Tensor) -> tuple[None, torch.Tensor]:
        """The last h (1, B, H) of x (B, T, D)."""
        h = x.new_zeros(len(x), self.hidden)
        state: Any = (h, h) if isinstance(self.cell, nn.LSTMCell) else h
        for x_t in x.unbind(1):
            new = self.cell(x_t, state)
            h = self._kept(state[0], new[0]) if isinstance(new, tuple) else self._kept(state, new)
            state = (h, new[1]) if isinstance(new, tuple) else h
        return None, h[None]

    def _kept(self, old: torch.Tensor, new: torch.Tensor) -> torch.Tensor:
        if not self.training:
            return torch.lerp(new, old, self.rate)
        return torch.where(torch.rand_like(new) < self.rate, old, new)


class Classifier(nn.Module):
    """The survey's ``RNNClassifier``, for any recurrent layer with the batch first."""

    def __init__(
        self,
        layer: Callable[..., nn.Module],
        data: SequenceData,
        embedding: int,
        hidden: int,
        rate: float,
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(len(data.vocabulary), embedding)
        self.rnn = layer(embedding, hidden)
        self.dropout = nn.Dropout(rate)
        self.fc = nn.Linear(hidden, len(data.classes))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        _, state = self.rnn(self.embedding(x))  # (B, T, D)
        h = state[0] if isinstance(state, tuple) else state
        logits: torch.Tensor = self.fc(self.dropout(h.squeeze(0)))
        return logits


class Trainer:
    """Adam with the survey's weight decay and clipping, batches cut to their longest sequence."""

    def __init__(self, model: Classifier, data: SequenceData, decay: float = 1e-4) -> None:
        self.model, self.data = model, data
        self.device = next(model.parameters()).device  # data stay on the host
        self.optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=decay)
        self.criterion = nn.CrossEntropyLoss()

    def epoch(self, threshold: float = 5.0) -> None:
        """One pass over the training split."""
        self.model.train()
        train = self.data.train
        for rows in torch.randperm(len(train)).split(BATCH):
            loss = self._loss(train, rows)
            self.optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), max_norm=threshold)
            self.optimizer.step()

    @torch.no_grad()
    def evaluate(self, split: Split) -> float:
        """Mean loss without noise, shortest sequences first."""
        self.model.eval()
        order = split.lengths.argsort().split(128)
        return sum(float(self._loss(split, rows)) * len(rows) for rows in order) / len(split)

    def _loss(self, split: Split, rows: torch.Tensor) -> torch.Tensor:
        longest = int(split.lengths[rows].max())
        inputs, targets = split.inputs[rows, :longest], split.targets[rows]
        loss: torch.Tensor = self.criterion(
            self.model(inputs.to(self.device)), targets.to(self.device)
        )
        return loss

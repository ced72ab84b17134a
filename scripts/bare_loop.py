"""The peer of the benchmarks: the survey's example as one writes it by hand with torch alone."""

from collections.abc import Callable

import torch
from torch import nn

from rnn_regexp.data.sequences import SequenceData, Split

BATCH = 32


class Classifier(nn.Module):
    """The survey's ``RNNClassifier``, for any of torch's recurrent layers."""

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
        self.rnn = layer(embedding, hidden, batch_first=True)
        self.dropout = nn.Dropout(rate)
        self.fc = nn.Linear(hidden, len(data.classes))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        _, state = self.rnn(self.embedding(x))
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

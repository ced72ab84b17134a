"""The survey's worked example as a bare loop of torch's modules is what the trainer computes."""

from dataclasses import dataclass, field

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.utils import clip_grad_norm_

from rnn_regexp.data.sequences import SequenceData
from rnn_regexp.models import GRU, LSTM, RNN, Model
from rnn_regexp.noise import Noise
from rnn_regexp.regularizers.clip import Clip
from rnn_regexp.regularizers.dropout import Dropout
from rnn_regexp.regularizers.weight_decay import WeightDecay
from rnn_regexp.training.cohort import Cohort
from rnn_regexp.training.optimizers import Adam
from rnn_regexp.weights import Weights
from tests.models.twin import Twin
from tests.training.tiny import cohort, pixels, run, sentences, watch

EPOCHS, BATCH = 7, 4  # of 11 sequences: 21 steps


@dataclass
class Bare:
    """What the hand-written loop saw at each step."""

    losses: list[Tensor] = field(default_factory=list)
    norms: list[Tensor] = field(default_factory=list)
    weights: list[Tensor] = field(default_factory=list)  # (P,) each, as the cohort's rows


def bare_loop(own: Cohort, k: int, lr: float, decay: float, threshold: float, rate: float) -> Bare:
    """The example for run ``k``; data order and dropout mask are drawn from the run's noise."""
    twin, split, seen = Twin.of(own.model, own.weights, k), own.split("train"), Bare()
    optimizer = torch.optim.Adam(twin.parameters(), lr=lr, weight_decay=decay)
    seed = own.seeds[k : k + 1]
    for epoch in range(1, EPOCHS + 1):
        order = Noise(seed, epoch).permutation("order", len(split))[0]
        for rows in order.split(BATCH):
            optimizer.zero_grad()
            inputs, lengths = split.inputs[rows].transpose(0, 1), split.lengths[rows]
            shape = (len(rows), twin.head.in_features)
            name = f"dropout/output/{own.model.layers}"
            uniform = Noise(seed, len(seen.losses)).uniform(name, shape)[0]
            mask = (uniform >= rate).double() / (1 - rate)
            loss = F.cross_entropy(twin(inputs, lengths, mask), split.targets[rows])
            loss.backward()
            seen.norms.append(clip_grad_norm_(twin.parameters(), threshold))
            optimizer.step()
            seen.losses.append(loss.detach())
            seen.weights.append(row(twin, own))
    return seen


def row(twin: Twin, own: Cohort) -> Tensor:
    """The twin's parameters in the order of the cohort's flat tensor, (P,)."""
    weights = Weights.zeros(own.weights.specs, 1, own.weights.flat.dtype, own.device)
    with torch.no_grad():
        for name in weights:
            weights[name][0].copy_(twin.parameter(name))
    return weights.flat[0]


def compare(own: Cohort, bare: list[Bare]) -> None:
    """Train the cohort and compare every step of every run."""
    _, journal = watch(own)
    assert len(journal.losses) == len(bare[0].losses) == 21
    for k, seen in enumerate(bare):
        for name in ("losses", "norms", "weights"):
            found, expected = getattr(journal, name)[-21:], getattr(seen, name)
            found = torch.stack(found)[:, k]
            torch.testing.assert_close(found, torch.stack(expected), rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("rate", [0.0, 0.5], ids=["no dropout", "dropout"])
@pytest.mark.parametrize("threshold", [5.0, 0.3], ids=["rarely clipped", "often clipped"])
def test_article(threshold: float, rate: float):
    techniques = Dropout(rate), WeightDecay(1e-4), Clip(threshold)
    own = cohort(run(*techniques, seed=3), epochs=EPOCHS, batch_size=BATCH)
    compare(own, [bare_loop(own, 0, 0.01, 1e-4, threshold, rate)])


@pytest.mark.parametrize(
    ("model", "data"),
    [
        (RNN(3, 4), pixels()),
        (GRU(3, 4, layers=2), sentences()),
        (LSTM(3, 4, layers=2, bidirectional=True), sentences()),
    ],
    ids=["rnn on features", "two layers of gru", "bidirectional lstm"],
)
def test_runs_of_different_settings_each_equal_their_own_loop(model: Model, data: SequenceData):
    settings = [(0.01, 1e-4, 5.0, 0.5), (0.1, 1e-2, 0.2, 0.25), (0.003, 0.0, 1.0, 0.0)]
    runs = [
        run(Dropout(rate), WeightDecay(decay), Clip(threshold), seed=k, optimizer=Adam(lr))
        for k, (lr, decay, threshold, rate) in enumerate(settings)
    ]
    own = cohort(*runs, model=model, data=data, epochs=EPOCHS, batch_size=BATCH)
    compare(own, [bare_loop(own, k, *part) for k, part in enumerate(settings)])


def test_the_thresholds_above_clip_rarely_and_often():
    clipped = []
    for threshold in (5.0, 0.3):
        own = cohort(run(Clip(threshold), seed=3), epochs=EPOCHS, batch_size=BATCH)
        clipped.append(torch.stack(watch(own)[1].clipped).double().mean().item())
    assert clipped[0] < 0.2
    assert 0.3 < clipped[1] < 1

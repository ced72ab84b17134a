"""Windows, carried states and perplexity of language models, against torch's own modules."""

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rnn_regexp.data.batches import Batching
from rnn_regexp.data.sequences import Split
from rnn_regexp.errors import BadInput
from rnn_regexp.models import GRU, LSTM
from rnn_regexp.noise import Noise
from rnn_regexp.regularizers.clip import Clip
from rnn_regexp.tasks import LanguageModel
from rnn_regexp.tasks.language_model import EVALUATED_STREAMS
from rnn_regexp.training.evaluate import evaluate
from rnn_regexp.training.optimizers import SGD
from rnn_regexp.training.settings import Reduction
from tests.models.twin import PARTS
from tests.training.tiny import VOCABULARY, Journal, cohort, run, stream, watch

STREAMS, WINDOW = 3, 4


def twin(own: LSTM, weights: dict[str, Tensor], k: int) -> tuple[nn.LSTM, nn.Embedding, nn.Linear]:
    """torch's modules with the weights of run ``k``."""
    recurrent = nn.LSTM(own.embedding, own.hidden, own.layers).double()
    embedding, head = nn.Embedding(VOCABULARY, own.embedding).double(), nn.Linear(4, VOCABULARY)
    head = head.double()
    with torch.no_grad():
        embedding.weight.copy_(weights["embedding"][k])
        head.weight.copy_(weights["head.W_yh"][k])
        head.bias.copy_(weights["head.b_y"][k])
        for name, tensor in weights.items():
            layer, _, part = name.partition(".0.")
            if layer.startswith("layer"):
                target = f"{PARTS[part]}_l{layer.removeprefix('layer')}"
                getattr(recurrent, target).copy_(tensor[k])
    return recurrent, embedding, head


def by_hand(own: LSTM, journal: Journal, k: int, seed_steps: int, time_sum: bool) -> list[float]:
    """The losses of an epoch: torch's LSTM, its states carried and detached, plain SGD."""
    recurrent, embedding, head = twin(own, journal.start, k)
    parameters = [*recurrent.parameters(), *embedding.parameters(), *head.parameters()]
    tokens = journal.tokens
    columns = tokens.shape[1] // STREAMS
    inputs = tokens[0, : columns * STREAMS].view(STREAMS, columns).T  # (T, B)
    targets = journal.targets[0, : columns * STREAMS].view(STREAMS, columns).T
    state, losses = None, []
    for start in range(0, columns, WINDOW):
        x, y = inputs[start : start + WINDOW], targets[start : start + WINDOW]
        outputs, state = recurrent(embedding(x), state)
        state = tuple(part.detach() for part in state)
        loss = F.cross_entropy(head(outputs).flatten(0, 1), y.flatten())
        loss = loss * len(x) if time_sum else loss
        losses.append(loss.item())
        for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters)):
            parameter.data -= 0.2 * gradient
    return losses


@pytest.mark.parametrize("reduction", Reduction)
@pytest.mark.parametrize("layers", [1, 2])
def test_training_is_truncated_backpropagation_with_torchs_lstm(layers: int, reduction: Reduction):
    model, data = LSTM(3, 4, layers=layers), stream()
    own = cohort(
        run(optimizer=SGD(0.2)),
        run(Clip(1e9), seed=1, optimizer=SGD(0.2)),
        data=data,
        model=model,
        epochs=1,
        batch_size=STREAMS,
        window=WINDOW,
        reduction=reduction,
    )
    start = {name: tensor.detach().clone() for name, tensor in own.weights.items()}
    _, journal = watch(own)
    journal.start, journal.tokens, journal.targets = start, data.train.inputs, data.train.targets
    for k in range(2):
        expected = by_hand(model, journal, k, 0, reduction is Reduction.time_sum)
        assert [own[k].item() for own in journal.losses] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("tokens", [10, 57, 100, 641])
def test_evaluation_sees_every_token_once(tokens: int):
    task, split = LanguageModel(stream(tokens)), stream(tokens).train
    batches = list(task.evaluation(split, 2))
    assert sum(int(batch.lengths[0].sum()) for batch in batches) == tokens
    assert all(torch.equal(batch.lengths[0], batch.lengths[1]) for batch in batches)
    streams: list[list[int]] = [[] for _ in range(EVALUATED_STREAMS)]
    for batch in batches:
        for b, length in enumerate(batch.lengths[1].tolist()):
            streams[b] += batch.inputs[1, :length, b].tolist()
    assert [token for own in streams for token in own] == split.inputs[0].tolist()
    assert [batch.begins for batch in batches] == [True] + [False] * (len(batches) - 1)


def test_perplexity_is_that_of_the_mean_over_tokens():
    """Not the mean of windows' perplexities, which the shorter last window would spoil."""
    data, model = stream(230), LSTM(3, 4)
    own = cohort(run(), run(seed=1), data=data, model=model)
    found = evaluate(own, data.train)
    weights = {name: tensor.detach() for name, tensor in own.weights.items()}
    for k in range(2):
        recurrent, embedding, head = twin(model, weights, k)
        total = 0.0
        columns = -(-230 // EVALUATED_STREAMS)
        for start in range(0, 230, columns):
            x = data.train.inputs[0, start : start + columns]
            y = data.train.targets[0, start : start + columns]
            outputs, _ = recurrent(embedding(x)[:, None])
            total += F.cross_entropy(head(outputs[:, 0]), y, reduction="sum").item()
        assert found["loss"][k].item() == pytest.approx(total / 230, rel=1e-9)
        assert found["perplexity"][k].item() == pytest.approx(math.exp(total / 230), rel=1e-9)
        assert found["bits"][k].item() == pytest.approx(total / 230 / math.log(2), rel=1e-9)


def test_windows_of_different_lengths_are_each_runs_own():
    """A run's windows follow from its own lengths; one that is through rests."""
    task, split = LanguageModel(stream(60)), stream(60).train
    lengths = [torch.tensor([4, 7]), torch.tensor([4, 7]), torch.tensor([5, 3])]

    def stretch(length: Tensor, index: int) -> Tensor:
        return lengths[index] if index < 3 else length

    how = Batching(STREAMS, 6, stretch)
    batches = list(task.batches(split, Noise(torch.arange(2)), how))
    for k, cuts in enumerate(([4, 4, 5, 6, 1], [7, 7, 3, 3])):
        active = [batch for batch in batches if batch.active[k]]
        assert [int(batch.lengths[k].max()) for batch in active] == cuts
        seen = torch.cat([b.inputs[k, : int(b.lengths[k].max())] for b in active])  # (20, B)
        assert torch.equal(seen.T.flatten(), split.inputs[0])


def test_steps_are_counted():
    task, split = LanguageModel(stream(100)), stream(100).train
    how = Batching(STREAMS, WINDOW)
    assert (
        task.steps(split, how) == len(list(task.batches(split, Noise(torch.arange(1)), how))) == 9
    )


def test_a_limit_is_so_many_times_64_tokens():
    own = cohort(run(), data=stream(1000), limit=2)
    assert own.split("train").inputs.shape == own.split("train").targets.shape == (1, 128)


def test_a_bidirectional_model_is_refused():
    with pytest.raises(BadInput, match=r"^model\.bidirectional: a language model must not see"):
        cohort(run(), data=stream(), model=GRU(3, 4, bidirectional=True))


def test_more_streams_than_tokens_are_refused():
    task, split = LanguageModel(stream(10)), stream(10).train
    with pytest.raises(BadInput, match=r"^training\.batch_size: 20 streams from 10 tokens$"):
        next(task.batches(split, Noise(torch.arange(1)), Batching(20)))


def test_known_is_as_long_as_validation():
    data = stream(100)
    known = LanguageModel(data).known(data.train, data.valid)
    assert isinstance(known, Split)
    assert known.inputs.shape == data.valid.inputs.shape

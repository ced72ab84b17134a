"""A decoder that reads its own words: the schedule, the draws, and the step-by-step decoder."""

import math
from unittest import mock

import numpy as np
import pytest
import torch
from torch import Tensor

from rnn_regexp.data.batches import Batch
from rnn_regexp.errors import BadInput
from rnn_regexp.models import GRU, LSTM, Model
from rnn_regexp.models.translation import decode, encode
from rnn_regexp.noise import Noise
from rnn_regexp.regularizers.application import Application
from rnn_regexp.regularizers.dropout import Dropout, Where
from rnn_regexp.regularizers.scheduled_sampling import Decay, ScheduledSampling
from rnn_regexp.regularizers.stack import stack
from rnn_regexp.regularizers.zoneout import Zoneout
from rnn_regexp.training import steps
from rnn_regexp.training.cohort import Cohort
from rnn_regexp.training.step import losses
from tests.regularizers.catalogue import CPU, remembering
from tests.training.tiny import cohort, run, stream, translations, watch


def technique(*runs: ScheduledSampling, epochs: int = 0) -> ScheduledSampling:
    """A stack of runs as it stands after so many epochs."""
    weights = cohort(*(run() for _ in runs)).weights
    own = remembering(stack(list(runs), CPU), weights)
    own.end_epoch(weights, epochs)
    return own


# The schedule


def share(own: ScheduledSampling, i: int) -> float:
    """The paper's section 2.4."""
    forms = {
        Decay.linear: 1 - own.k * i,
        Decay.exponential: own.k**i,
        Decay.inverse_sigmoid: own.k / (own.k + math.exp(i / own.k)),
    }
    return max(1 - own.rate, forms[own.decay])


def test_the_share_of_true_words_falls_as_in_the_paper():
    runs = [
        ScheduledSampling(1.0, Decay.linear, 0.15),
        ScheduledSampling(0.4, Decay.linear, 0.15),
        ScheduledSampling(1.0, Decay.exponential, 0.7),
        ScheduledSampling(0.9, Decay.inverse_sigmoid, 2.5),
        ScheduledSampling(),
    ]
    for i in (0, 1, 2, 5, 40):
        found = technique(*runs, epochs=i).true_share()
        assert found.tolist() == pytest.approx([share(own, i) for own in runs], rel=1e-12)
        assert found[-1] == 1


def test_it_counts_finished_epochs():
    own = cohort(run(ScheduledSampling(0.8, k=0.25)), data=translations(), model=GRU(4, 4))
    seen: list[float] = []
    step = steps.step

    def watched(cohort: Cohort, *rest: object) -> object:
        active = cohort.regularizers.active["scheduled_sampling"]
        seen.append(active.true_share().item())
        return step(cohort, *rest)

    with mock.patch.object(steps, "step", watched):
        watch(own)
    assert seen[::3] == pytest.approx([1, 0.75, 0.5, 0.25, 0.2, 0.2, 0.2])  # three an epoch
    assert len(seen) == 7 * 3


# The words


def logits(count: int, C: int = 4) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    row = torch.randn(C, generator=generator, dtype=torch.double)
    return row.expand(1, 50, count, C)


def test_so_many_words_are_its_own_each_decided_by_itself():
    own = technique(ScheduledSampling(0.3, k=1.0), epochs=1)
    said = logits(200)
    words = torch.full((1, 50, 200), 9)  # a word that it never says
    read = own.transform_previous(words, said, Noise(torch.tensor([4])))
    changed = (read != 9)[0].double()
    assert (read[:, 0] == 9).all()  # the start is not its word
    assert changed[1:].mean().item() == pytest.approx(0.3, abs=0.02)  # 9,800 words: 4 deviations
    assert changed[1:].mean(dim=0).std() < 0.1  # neither whole sentences
    assert changed[1:].mean(dim=1).std() < 0.06  # nor whole steps


@pytest.mark.parametrize("best", [False, True])
def test_its_own_words_follow_its_distribution_or_are_the_best(best: bool):
    own = technique(ScheduledSampling(1.0, k=1.0, best=best), epochs=1)
    said = logits(400)
    read = own.transform_previous(torch.full((1, 50, 400), 9), said, Noise(torch.tensor([4])))
    counts = torch.bincount(read[0, 1:].flatten(), minlength=4).double()
    p = said[0, 0, 0].softmax(dim=0)
    if best:
        assert counts[p.argmax()] == counts.sum()
    else:
        n = counts.sum()
        deviations = (counts - n * p).abs() / (n * p * (1 - p)).sqrt()
        assert deviations.max() < 4


def test_a_word_comes_from_what_was_said_a_step_before():
    own = technique(ScheduledSampling(1.0, k=1.0), epochs=1)
    said = torch.full((1, 5, 2, 6), -1e9, dtype=torch.double)
    said.scatter_(3, torch.arange(5).view(1, 5, 1, 1).expand(1, 5, 2, 1), 0.0)  # step t says t
    words = torch.full((1, 5, 2), 5)
    read = own.transform_previous(words, said, Noise(torch.tensor([0])))
    assert read[0, :, 0].tolist() == [5, 0, 1, 2, 3]


def test_evaluation_reads_the_true_words():
    own = technique(ScheduledSampling(1.0, k=1.0), epochs=1)
    words = torch.full((1, 50, 3), 9)
    assert torch.equal(own.transform_previous(words, logits(3), None), words)


# The decoder


def trained(model: Model, *beside: object) -> tuple[Cohort, Batch]:
    """A cohort whose decoders read seven in ten of their own words, and a batch."""
    techniques = (ScheduledSampling(0.7, k=1.0), *beside)
    runs = [run(*techniques), run(ScheduledSampling(0.7, k=1.0, best=True), seed=1)]
    own = cohort(*runs, data=translations(longest=8), model=model)
    own.end_epoch(1)
    with torch.no_grad():
        own.weights.flat.mul_(6)  # so that one word decides on the next
    noise = Noise(own.seeds, 1)
    return own, next(iter(own.task.batches(own.split("train"), noise, own.batching(noise))))


MODELS = [GRU(4, 6, layers=2, bidirectional=True), LSTM(4, 6)]


@pytest.mark.parametrize("model", MODELS, ids=["gru", "lstm"])
def test_it_reads_what_a_decoder_reads_that_goes_step_by_step(model: Model):
    own, batch = trained(model)
    network = own.network(Noise(own.seeds, 3))
    read, passes = previous(own, network.applied, batch)
    words = batch.targets[..., 1:].transpose(1, 2)
    true = torch.cat((torch.zeros_like(words[:, :1]), words[:, :-1].clamp_min(0)), dim=1)
    noise = Noise(own.seeds, 3, "decoder/")
    shape = tuple(true.shape[1:])
    u = noise.uniform("scheduled_sampling/word", shape).numpy()
    truth = noise.keep("scheduled_sampling/choice", shape, torch.full((2,), 0.7)).numpy()
    encoded = encode(own.network(), batch.inputs, batch.lengths)
    states, last = encoded.states, true[:, :1]
    for t in range(shape[0]):
        assert torch.equal(last, read[:, t : t + 1])
        step = decode(encoded, last, torch.ones_like(last[:, 0]), states)
        states, p = step.states, step.logits[:, 0].softmax(dim=-1).detach().numpy()
        if t + 1 < shape[0]:
            drawn = np.array(
                [[np.searchsorted(np.cumsum(p[0, b]), u[0, t, b], "right") for b in range(4)],
                 list(p[1].argmax(axis=-1))]
            )  # fmt: skip
            chosen = np.where(truth[:, t + 1], true[:, t + 1].numpy(), drawn)
            last = torch.from_numpy(chosen)[:, None]
    assert (read != true).any(dim=1).any(dim=1).all()
    assert 2 < passes <= shape[0]


def previous(own: Cohort, applied: Application, batch: Batch) -> tuple[Tensor, int]:
    """What the decoders read in a training pass, and how many passes that took."""
    seen: list[Tensor] = []
    original = Application.previous

    def watched(self: Application, true: Tensor, answer: object) -> Tensor:
        def counted(words: Tensor) -> Tensor:
            seen.append(words)
            return answer(words)

        return original(self, true, counted)

    with mock.patch.object(Application, "previous", watched):
        trace = own.task.forward(own.network(applied.noise), batch, None)
    table = own.weights["decoder.embedding"]
    distance = (trace.inputs[0][..., None, :] - table[:, None, None]).abs().sum(dim=-1)
    return distance.argmin(dim=-1), len(seen)


def test_with_masks_it_is_that_decoder_too():
    """The masks of a step are those of the pass: prefix by prefix the words are the same."""
    beside = (Dropout(0.4, [Where.input, Where.hidden, Where.output]), Zoneout(h=0.2))
    own, batch = trained(MODELS[0], *beside)
    found: list[tuple[Tensor, Tensor]] = []
    original = Application.previous

    def prefix_by_prefix(self: Application, true: Tensor, answer: object) -> Tensor:
        read = true.clone()
        (sampling,) = (o for o in self.active if isinstance(o, ScheduledSampling))
        for t in range(1, true.shape[1]):
            with torch.no_grad():
                said = answer(read)
            read[:, t] = sampling.transform_previous(true, said, self.noise)[:, t]
        found.append((read, original(self, true, answer)))
        return read

    with mock.patch.object(Application, "previous", prefix_by_prefix):
        own.task.forward(own.network(Noise(own.seeds, 3)), batch, None)
    ((expected, read),) = found
    assert torch.equal(read, expected)


def test_where_no_step_may_ask_the_device_the_words_are_the_same(
    monkeypatch: pytest.MonkeyPatch,
):
    own, batch = trained(MODELS[0], Zoneout(h=0.2))
    applied = own.network(Noise(own.seeds, 3)).applied
    read, passes = previous(own, applied, batch)
    monkeypatch.setattr("rnn_regexp.host.may_ask", lambda device: False)
    again, most = previous(own, applied, batch)
    assert torch.equal(again, read)
    assert passes < most == read.shape[1]


def test_no_gradient_flows_through_the_choice():
    """The gradient is that of a decoder that is taught the words it read."""
    own, batch = trained(MODELS[0])
    noise = Noise(own.seeds, 3)
    _, total = losses(own, batch, noise, None)
    own.weights.differentiate(total)
    gradient = own.weights.gradient.clone()
    read, _ = previous(own, own.network(noise).applied, batch)
    with mock.patch.object(Application, "previous", return_value=read):
        _, taught = losses(own, batch, noise, None)
    own.weights.differentiate(taught)
    torch.testing.assert_close(own.weights.gradient, gradient, rtol=1e-10, atol=1e-14)


# Where it cannot act


@pytest.mark.parametrize(("data", "task"), [(None, "classify"), (stream(), "language_model")])
def test_other_tasks_are_refused(data: object, task: str):
    with pytest.raises(BadInput) as caught:
        cohort(run(ScheduledSampling(0.2)), data=data)
    assert str(caught.value) == (
        "regularizers.scheduled_sampling: "
        f"only a decoder reads its own words (task {task}, not translate)"
    )


@pytest.mark.parametrize(
    ("decay", "k", "line"),
    [
        (Decay.exponential, 1.0, "must be below 1 where decay=exponential, got 1.0"),
        (Decay.inverse_sigmoid, 0.5, "must be at least 1 where decay=inverse_sigmoid, got 0.5"),
    ],
)
def test_a_share_that_would_grow_is_refused(decay: Decay, k: float, line: str):
    with pytest.raises(BadInput) as caught:
        cohort(run(ScheduledSampling(0.2, decay, k)), data=translations(), model=GRU(4, 4))
    assert str(caught.value) == f"regularizers.scheduled_sampling.k: {line}"

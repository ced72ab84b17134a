"""Recurrent batch normalization by the paper's equations, and the population's statistics."""

import dataclasses
import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import pad

from rnn_regexp.data.batches import Batch
from rnn_regexp.errors import BadInput
from rnn_regexp.models import GRU, LSTM, RNN, Model, Nonlinearity, Pooling
from rnn_regexp.noise import Noise
from rnn_regexp.recurrence.backends import Backend
from rnn_regexp.regularizers.base import Regularizer
from rnn_regexp.regularizers.dropout import Dropout, Where
from rnn_regexp.regularizers.early_stopping import EarlyStopping
from rnn_regexp.regularizers.fraternal import Fraternal
from rnn_regexp.regularizers.layer_norm import LayerNorm
from rnn_regexp.regularizers.nt_asgd import NtAsgd
from rnn_regexp.regularizers.recurrent_batch_norm import RecurrentBatchNorm
from rnn_regexp.regularizers.sam import Sam
from rnn_regexp.regularizers.swa import Swa
from rnn_regexp.training import loop
from rnn_regexp.training.checkpoint import Checkpoint
from rnn_regexp.training.cohort import Cohort
from rnn_regexp.training.optimizers import SGD
from rnn_regexp.training.step import losses, step
from rnn_regexp.training.tally import Tally
from tests.regularizers.catalogue import name_of, update_of
from tests.training.test_checkpoint import cut_after
from tests.training.tiny import cohort, pixels, run, stream

SMALL = 1e-5
BN = RecurrentBatchNorm
Array = np.ndarray
Moments = tuple[Array, Array]  # mean and variance, (N,) each


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


class Statistics:
    """Moments of each part at each step: of the batch in training, or those given."""

    def __init__(self, given: dict[tuple[str, int], Moments] | None = None) -> None:
        self.given, self.found = given, {}

    def __call__(self, part: str, t: int, a: Array) -> Array:
        """The sequences (n, N) that reach step t."""
        self.found[part, t] = a.mean(axis=0), a.var(axis=0, ddof=1) if len(a) > 1 else None
        if self.given is not None:
            mean, variance = self.given[part, t]
        elif len(a) > 1:
            mean, variance = a.mean(axis=0), a.var(axis=0)
        else:
            mean, variance = np.zeros(a.shape[1]), np.ones(a.shape[1])  # of no batch so far
        return (a - mean) / np.sqrt(variance + SMALL)


def last_states(
    model: Model, w: dict[str, Array], x: list[Array], bn: Statistics, h_0: Array | float = 0.0
) -> list[Array]:
    """The last state of each sequence of ``x`` by equations 6 to 8; step after step, no padding."""
    h = np.zeros((len(x), model.hidden)) + h_0
    c = np.zeros_like(h)
    for t in range(max(map(len, x))):
        here = np.array([b for b, own in enumerate(x) if len(own) > t])
        a = w["g_hx"] * bn("hx", t, np.stack([x[b][t] for b in here]) @ w["W_hx"].T) + w["b_hx"]
        b = w["g_hh"] * bn("hh", t, h[here] @ w["W_hh"].T) + w["b_hh"]
        if model.cell.gates == 1:
            h[here] = np.tanh(a + b)
        elif model.cell.gates == 3:
            H = model.hidden
            r, z = np.split(sigmoid(a[:, : 2 * H] + b[:, : 2 * H]), 2, axis=1)
            n = np.tanh(a[:, 2 * H :] + r * b[:, 2 * H :])
            h[here] = (1 - z) * n + z * h[here]
        else:
            i, f, g, o = np.split(a + b, 4, axis=1)
            c[here] = sigmoid(f) * c[here] + sigmoid(i) * np.tanh(g)
            h[here] = sigmoid(o) * np.tanh(w["g_c"] * bn("c", t, c[here]) + w["b_c"])
    return list(h)


def weights_of(own: Cohort, k: int) -> dict[str, Array]:
    named = own.weights.items()
    return {n.removeprefix("layer0.0."): W[k].detach().numpy() for n, W in named}


def sequences(batch: Batch, k: int) -> list[Array]:
    """Each sequence (T, D) in its own length."""
    pairs = zip(batch.inputs[k].unbind(1), batch.lengths[k])
    return [own[:length].numpy() for own, length in pairs]


def batches(own: Cohort) -> Iterator[Batch]:
    noise = Noise(own.seeds, 1)
    return own.task.batches(own.split("train"), noise, own.batching(noise))


def random_gains(own: Cohort) -> None:
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, W in own.weights.items():
            if ".g_" in name or ".b_c" in name:
                W.copy_(torch.rand(W.shape, generator=generator) + 0.5)


# The equations


@pytest.mark.parametrize("kind", [RNN, GRU, LSTM])
def test_training_follows_the_paper_and_no_padding_enters_a_statistic(kind: type[Model]):
    own = cohort(run(BN(True)), run(BN(True), seed=1), model=kind(3, 4), data=pixels())
    random_gains(own)
    for batch in batches(own):
        trace, _ = losses(own, batch, Noise(own.seeds, 1), None)
        for k in range(2):
            expected = last_states(own.model, weights_of(own, k), sequences(batch, k), Statistics())
            np.testing.assert_allclose(trace.read[k].detach(), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", [RNN, GRU, LSTM])
def test_evaluation_takes_the_mean_of_the_batches_moments_at_each_step(kind: type[Model]):
    own = cohort(run(BN(True, momentum=0.1), optimizer=SGD(0.1)), model=kind(3, 4), data=pixels())
    random_gains(own)
    told: dict[tuple[str, int], list[Moments]] = {}
    tally = Tally(1, own.weights.flat)
    for batch in batches(own):
        bn = Statistics()
        last_states(own.model, weights_of(own, 0), sequences(batch, 0), bn)
        for key, (mean, variance) in bn.found.items():
            if variance is not None:
                told.setdefault(key, []).append((mean, variance))
        step(own, batch, tally, None)
    population = {key: tuple(np.mean(m, axis=0) for m in zip(*all_)) for key, all_ in told.items()}
    longest = max(t for _, t in population)
    for (part, t), moments in list(population.items()):
        if t == longest:  # later steps take the last that is known
            population |= {(part, later): moments for later in range(t, 20)}
    batch = own.task.sample(own.split("valid"), 1)
    found = own.task.forward(own.network(), batch, None).read[0].detach()
    bn = Statistics(population)
    expected = last_states(own.model, weights_of(own, 0), sequences(batch, 0), bn)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_a_large_batch_of_gain_one_has_unit_variance_before_the_gates():
    """The limit of the oracle's definition: what each unit gets is standardized over the batch."""
    own = cohort(run(BN(True, gain=1.0)), model=RNN(3, 4), data=pixels(train=200), batch_size=200)
    (batch,) = batches(own)
    losses(own, batch, Noise(own.seeds, 1), None)
    (seen,) = own.regularizers.active["recurrent_batch_norm"].seen.values()
    assert seen.number[0, 0] == 200
    mean, variance = (m[0] for m in seen.seen["hx"][0])
    product = batch.inputs[0, 0] @ own.weights["layer0.0.W_hx"][0].T.detach()
    torch.testing.assert_close(mean, product.mean(dim=0))
    torch.testing.assert_close(variance, product.var(dim=0, correction=0))


# What is kept


def state(own: Cohort) -> dict[str, torch.Tensor]:
    return own.regularizers.active["recurrent_batch_norm"].state


def moved(*techniques: Regularizer, steps: int = 1, **settings: object) -> Cohort:
    """A cohort of one behind a few steps."""
    own = cohort(run(*techniques, optimizer=SGD(0.1)), model=LSTM(3, 4), data=pixels(), **settings)
    tally = Tally(1, own.weights.flat)
    for batch, _ in zip(batches(own), range(steps)):
        step(own, batch, tally, None)
    return own


def test_gains_start_at_a_tenth_and_the_bias_behind_c_at_zero():
    model = LSTM(3, 4, layers=2, bidirectional=True)
    own = cohort(run(BN(True)), run(BN(True, gain=0.5)), model=model)
    gains = [W for name, W in own.weights.items() if ".g_" in name]
    assert len(gains) == 4 * 3
    for W in gains:
        assert (W[0] == 0.1).all()
        assert (W[1] == 0.5).all()
    assert not any(W.any() for name, W in own.weights.items() if ".b_c" in name)


def test_the_average_is_plain_at_first_and_moving_later():
    """1, 1/2 and 1/3 of the news with momentum .1; half of it each time with momentum .5."""
    means = {m: [state(moved(BN(True, momentum=m), steps=s))["mean"] for s in (1, 2, 3)]
             for m in (0.1, 0.5, 1.0)}  # fmt: skip
    first, second, third = means[1.0]  # the newest alone
    torch.testing.assert_close(means[0.1][1], (first + second) / 2)
    torch.testing.assert_close(means[0.5][1], (first + second) / 2)
    known = state(moved(BN(True), steps=3))["count"] == 3
    plain, half = (first + second + third) / 3, ((first + second) / 2 + third) / 2
    for found, expected in ((means[0.1][2], plain), (means[0.5][2], half)):
        torch.testing.assert_close(found[known], expected[known])
    assert known.any()


def test_steps_behind_the_last_slot_share_it():
    apart, shared = moved(BN(True, steps=100)), moved(BN(True, steps=2))
    count = state(apart)["count"][0, 0]
    reached = int(count.sum())
    assert reached > 2  # more steps than slots
    assert state(shared)["count"].tolist() == [[[1.0, 1.0]]]
    for name in ("mean", "variance"):
        whole, few = state(apart)[name][0, 0], state(shared)[name][0, 0]
        torch.testing.assert_close(few[0], whole[0])
        torch.testing.assert_close(few[1], whole[1:reached].mean(dim=0))


def test_a_step_is_told_of_by_the_sequences_that_reach_it_and_there_must_be_two():
    own = cohort(run(BN(True)), model=GRU(3, 4), data=pixels(longest=20))
    batch = next(batches(own))
    step(own, batch, Tally(1, own.weights.flat), None)
    reach = [(batch.lengths[0] > t).sum() >= 2 for t in range(100)]
    assert state(own)["count"][0, 0].tolist() == [float(own) for own in reach]
    assert sum(reach) < batch.lengths.max()  # the longest goes on alone


@pytest.mark.parametrize("other", [Sam(0.5), Fraternal(0.15)], ids=lambda own: name_of(type(own)))
def test_of_several_passes_a_step_makes_the_first_one_counts(other: Regularizer):
    masks = Dropout(0.5, [Where.input])
    alone, beside = moved(BN(True), masks), moved(BN(True), masks, other)
    for name, expected in state(alone).items():
        assert torch.equal(state(beside)[name], expected), name
    assert not torch.equal(alone.weights.flat, beside.weights.flat)


def test_each_place_has_its_own():
    model = LSTM(3, 4, layers=2, bidirectional=True)
    own = cohort(run(BN(True)), model=model, data=pixels())
    W, batch = {name: own.detach().clone() for name, own in own.weights.items()}, next(batches(own))
    trace, _ = losses(own, batch, Noise(own.seeds), None)
    step(own, batch, Tally(1, own.weights.flat), None)
    last, sequence = batch.lengths[0] - 1, torch.arange(batch.inputs.shape[2])
    for index, (layer, direction) in enumerate(itertools.product((0, 1), repeat=2)):
        x = trace.inputs[layer][0].detach()  # (T, B, D)
        first = x[last, sequence] if direction else x[0]
        product = first @ W[f"layer{layer}.{direction}.W_hx"][0].T
        torch.testing.assert_close(state(own)["mean"][0, index, 0, :16], product.mean(dim=0))
        torch.testing.assert_close(state(own)["variance"][0, index, 0, :16], product.var(dim=0))


def test_a_run_that_makes_no_step_keeps_what_it_had():
    own = cohort(run(BN(True)), run(BN(True), seed=1), model=LSTM(3, 4), data=pixels())
    with torch.no_grad():
        own.weights["layer0.0.W_hx"][0, 3] = torch.nan  # the first has diverged
    losses(own, next(batches(own)), Noise(own.seeds, 1), None)
    update = update_of(own.weights)
    update.stepping[0] = False
    own.regularizers.after_step(own.weights, update)
    for name, untouched in (("mean", 0), ("variance", 1), ("count", 0)):
        assert (state(own)[name][0] == untouched).all()
        assert not (state(own)[name][1] == untouched).all()


def test_on_padding_nothing_grows():
    """A relu network whose states double at every step of 2000, behind the end of a sequence."""
    model = RNN(3, 4, nonlinearity=Nonlinearity.relu, pooling=Pooling.mean)
    own = cohort(run(BN(True, gain=30.0)), model=model, data=pixels())
    with torch.no_grad():
        own.weights["layer0.0.W_hh"].copy_(torch.eye(4))
    batch = next(batches(own))
    longer = dataclasses.replace(batch, inputs=pad(batch.inputs, (0, 0, 0, 0, 0, 2000)))
    for noise in (None, Noise(own.seeds, 1)):
        found, wanted = (
            own.task.forward(own.network(noise), it, None).logits for it in (longer, batch)
        )
        torch.testing.assert_close(found, wanted, rtol=1e-12, atol=0)
        own.weights.differentiate(found.sum(dim=(1, 2)))
        assert own.weights.gradient.isfinite().all()


def test_a_pass_without_a_step_leaves_nothing_behind():
    own = moved(BN(True))
    later = list(batches(own))
    losses(own, later[2], Noise(own.seeds, 7), None)
    step(own, later[1], Tally(1, own.weights.flat), None)
    expected = moved(BN(True), steps=2)
    for name, found in state(own).items():
        assert torch.equal(found, state(expected)[name]), name


def test_a_run_that_ended_or_diverged_keeps_its_own():
    """The neighbours' steps and their other lengths change nothing of it."""
    settings = {"model": LSTM(3, 4), "data": pixels(), "epochs": 4}
    ends = run(BN(True), EarlyStopping(1), seed=1, optimizer=SGD(50.0))
    others = [
        run(BN(True), seed=2, optimizer=SGD(1e300)),
        run(BN(True), seed=3, optimizer=SGD(0.5)),
    ]
    alone = [loop.train(cohort(own, **settings))[0] for own in (ends, *others)]
    together = loop.train(cohort(ends, *others, **settings))
    assert alone[0].stopped_at is not None
    assert alone[0].stopped_at < 4
    assert alone[1].diverged_at is not None
    for one, other in zip(together, alone):
        assert (one.stopped_at, one.diverged_at) == (other.stopped_at, other.diverged_at)
        assert one.metrics == pytest.approx(other.metrics, rel=1e-9)


def test_best_weights_are_judged_with_the_statistics_of_their_epoch():
    own = cohort(run(BN(True), optimizer=SGD(5.0)), model=LSTM(3, 4), data=pixels(), epochs=6)
    (outcome,) = loop.train(own)
    best = int(outcome.metrics["best/epoch"])
    assert best < 6
    shorter = cohort(
        run(BN(True), optimizer=SGD(5.0)), model=LSTM(3, 4), data=pixels(), epochs=best
    )
    (expected,) = loop.train(shorter)
    assert outcome.metrics["best/test/loss"] == expected.metrics["test/loss"]


def test_it_goes_on_behind_a_checkpoint_with_the_same_statistics(tmp_path: Path):
    def own() -> Cohort:
        return cohort(run(BN(True)), run(BN(True), seed=1), model=LSTM(3, 4), epochs=3)

    whole, again = own(), own()
    loop.train(whole)
    path = tmp_path / "a.safetensors"
    cut_after(own(), Checkpoint(path, "me"), 5)
    loop.train(again, checkpoint=Checkpoint(path, "me"))
    for name, expected in state(whole).items():
        assert expected.any()
        assert torch.equal(state(again)[name], expected), name


# Noise on the start


def test_the_start_is_noisy_in_training_alone():
    own, plain = (
        cohort(run(BN(True, h_0=h_0)), model=LSTM(3, 4), data=pixels()) for h_0 in (0.1, 0.0)
    )
    batch, noise = next(batches(own)), Noise(own.seeds, 1)
    trace, _ = losses(own, batch, noise, None)
    drawn = noise.normal("recurrent_batch_norm/0.0", (batch.inputs.shape[2], 4))
    x, start = sequences(batch, 0), 0.1 * drawn[0].numpy()
    expected = last_states(own.model, weights_of(own, 0), x, Statistics(), start)
    np.testing.assert_allclose(trace.read[0].detach(), expected, rtol=1e-9, atol=1e-12)
    evaluated = [it.task.forward(it.network(), batch, None).read for it in (own, plain)]
    assert torch.equal(*evaluated)


# Refused


REFUSED = {
    "recurrent_batch_norm: layer_norm beside it normalizes the same products (take one)": (
        [LayerNorm(True)], {},
    ),
    "recurrent_batch_norm: training.backend=scan has no such cell (take auto or cells)": (
        [], {"backend": Backend.scan},
    ),
    "recurrent_batch_norm: swa beside it judges weights with which no batch was normalized": (
        [Swa(2)], {},
    ),
    "recurrent_batch_norm: nt_asgd beside it judges weights with which no batch was normalized": (
        [NtAsgd(5)], {},
    ),
    "recurrent_batch_norm: one sequence has no variance (training.batch_size=1)": (
        [], {"batch_size": 1},
    ),
    "recurrent_batch_norm.h_0: on the task language_model states go on from batch to batch": (
        [], {"data": stream(), "model": LSTM(4, 4)},
    ),
}  # fmt: skip


@pytest.mark.parametrize("line", REFUSED)
def test_what_cannot_be_computed_is_refused(line: str):
    others, settings = REFUSED[line]
    with pytest.raises(BadInput) as caught:
        cohort(run(BN(True, h_0=0.1 * (".h_0" in line)), *others), **settings)
    assert str(caught.value) == f"regularizers.{line}"

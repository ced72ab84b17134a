"""Evaluation by sampling: the mean of probabilities over masks, run by run."""

import math
from unittest import mock

import pytest
import torch
from torch import Tensor

from rnn_regexp.data.batches import Batch
from rnn_regexp.data.sequences import SequenceData
from rnn_regexp.models import LSTM
from rnn_regexp.noise import Noise
from rnn_regexp.regularizers.base import Regularizer
from rnn_regexp.regularizers.dropout import Dropout, Where
from rnn_regexp.regularizers.monte_carlo import MonteCarlo
from rnn_regexp.regularizers.state_reset import StateReset
from rnn_regexp.regularizers.weight_drop import WeightDrop
from rnn_regexp.regularizers.word_dropout import WordDropout
from rnn_regexp.regularizers.zoneout import Zoneout
from rnn_regexp.tasks import Task
from rnn_regexp.training.cohort import Cohort
from rnn_regexp.training.evaluate import evaluate
from rnn_regexp.training.optimizers import SGD
from tests.training.tiny import cohort, run, sentences, stream, watch

DATA = {"sentences": sentences(valid=7), "stream": stream(1600)}
DROPS = (Dropout(0.5), WeightDrop(0.4), Zoneout(0.3, 0.3))


def own_cohort(data: SequenceData, *runs: tuple[Regularizer, ...]) -> Cohort:
    settings = [run(*own, seed=seed) for seed, own in enumerate(runs)]
    return cohort(*settings, data=data, model=LSTM(3, 4))


def by_hand(own: Cohort, draws: int) -> tuple[list[Tensor], list[Batch]]:
    """Mean probabilities of each batch, each sample a pass of its own over the whole split."""
    passes, batches = [], []
    for draw in range(1, draws + 1):
        probabilities, states, batches = [], None, []
        for index, batch in enumerate(own.task.evaluation(own.split("valid"), own.runs)):
            if not own.task.carries:
                states = None
            elif batch.begins:
                states = ()
            noise = Noise(own.seeds, index, f"draw{draw}/")
            trace = own.task.forward(own.network(noise), batch, states)
            probabilities.append(trace.logits.detach().softmax(dim=-1))
            batches.append(batch)
            states = trace.states
        passes.append(probabilities)
    return [torch.stack(same).mean(dim=0) for same in zip(*passes)], batches


@pytest.mark.parametrize("name", DATA)
def test_it_is_the_mean_of_probabilities(name: str):
    data = DATA[name]
    own = own_cohort(data, (*DROPS, MonteCarlo(3)), (*DROPS, MonteCarlo(3)))
    probabilities, batches = by_hand(own, 3)
    assert len(batches) == (1 if name == "sentences" else 2)
    total = count = 0.0
    for p, batch in zip(probabilities, batches):
        surprise = -p.gather(-1, batch.targets[..., None]).squeeze(-1).log()
        if name == "stream":
            inside = torch.arange(surprise.shape[1])[:, None] < batch.lengths[:, None]
            surprise, count = surprise * inside, count + inside.sum(dim=(1, 2))
        else:
            count += batch.targets.shape[1]
        total += surprise.flatten(1).sum(dim=1)
    found = evaluate(own, own.split("valid"))
    torch.testing.assert_close(found["loss"], total / count, rtol=1e-12, atol=0)
    plain = own_cohort(data, DROPS, DROPS)
    assert (evaluate(plain, plain.split("valid"))["loss"] - found["loss"]).abs().min() > 1e-4


def test_averaging_logarithms_would_be_something_else():
    task = cohort(run()).task
    logits = torch.randn(4, 1, 5, 3, generator=torch.Generator().manual_seed(1))
    mean = task.mixture(iter(logits), torch.tensor([4.0]))
    torch.testing.assert_close(mean.exp().sum(dim=-1), torch.ones(1, 5))
    torch.testing.assert_close(mean.exp(), logits.softmax(dim=-1).mean(dim=0))
    assert not torch.allclose(mean, logits.log_softmax(dim=-1).mean(dim=0), atol=1e-2)


@pytest.mark.parametrize("name", DATA)
def test_each_run_has_its_own_number_of_samples(name: str):
    data, counts = DATA[name], (0, 1, 4)
    beside = own_cohort(data, *[(*DROPS, MonteCarlo(count)) for count in counts])
    together = evaluate(beside, beside.split("valid"))
    for seed, count in enumerate(counts):
        own = cohort(run(*DROPS, MonteCarlo(count), seed=seed), data=data, model=LSTM(3, 4))
        alone = evaluate(own, own.split("valid"))
        for metric, value in alone.items():
            close = {"rtol": 0, "atol": 0} if count == 0 else {"rtol": 1e-12, "atol": 0}
            torch.testing.assert_close(together[metric][seed], value[0], **close)


def test_more_samples_come_nearer_to_their_mean():
    data = DATA["sentences"]

    def loss(samples: int) -> float:
        own = own_cohort(data, (Dropout(0.5), MonteCarlo(samples)))
        return float(evaluate(own, own.split("valid"))["loss"])

    far, near = (abs(loss(samples) - loss(2000)) for samples in (1, 400))
    assert near < far / 4


def test_training_is_untouched_and_evaluation_is_a_function_of_the_weights():
    settings = {"seed": 3, "optimizer": SGD(0.1)}
    _, plain = watch(cohort(run(*DROPS, **settings), model=LSTM(3, 4)))
    own = cohort(run(*DROPS, MonteCarlo(2), **settings), model=LSTM(3, 4))
    (outcome,), sampled = watch(own)
    assert torch.equal(sampled.weights[-1], plain.weights[-1])
    again = evaluate(own, own.split("valid"), sampled.weights[-1])
    assert outcome.metrics["valid/loss"] == again["loss"].item()


def drawn_in_evaluation(*techniques: Regularizer, data: SequenceData) -> set[str]:
    own = own_cohort(data, techniques)
    sites: set[str] = set()
    bits = Noise.bits

    def watched(noise: Noise, site: str, count: int) -> Tensor:
        sites.add(noise.branch + site)
        return bits(noise, site, count)

    with mock.patch.object(Noise, "bits", watched):
        evaluate(own, own.split("valid"))
    return sites


def test_masks_are_drawn_and_disturbances_of_the_data_are_not():
    techniques = Dropout(0.5), WordDropout(0.5), StateReset(0.5), MonteCarlo(2)
    sites = drawn_in_evaluation(*techniques, data=DATA["stream"])
    assert sites == {"draw1/dropout/output/1", "draw2/dropout/output/1"}
    assert drawn_in_evaluation(*techniques[:-1], data=DATA["stream"]) == set()


def test_batches_and_samples_have_masks_of_their_own():
    data = DATA["stream"]
    own = own_cohort(data, (Dropout(0.5, [Where.output]), MonteCarlo(2)))
    seen: list[Tensor] = []
    forward = Task.forward

    def watched(task: Task, *words: object) -> object:
        trace = forward(task, *words)
        seen.append(trace.read == 0)
        return trace

    with mock.patch.object(Task, "forward", watched):
        evaluate(own, own.split("valid"))
    plain, noisy = seen[::3], [*seen[1::3], *seen[2::3]]
    assert not any(mask.any() for mask in plain)
    shortest = min(mask.shape[1] for mask in noisy)
    masks = torch.stack([mask[:, :shortest] for mask in noisy]).double()
    for one in range(len(masks)):
        for other in range(one):
            assert (masks[one] == masks[other]).double().mean() < 0.6


def test_without_masks_it_is_the_plain_evaluation():
    own, plain = own_cohort(DATA["sentences"], (MonteCarlo(3),)), own_cohort(DATA["sentences"], ())
    found, expected = (evaluate(o, o.split("valid")) for o in (own, plain))
    assert math.isclose(found["loss"], expected["loss"], rel_tol=1e-12)

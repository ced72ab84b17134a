"""SWA and NT-ASGD average what their papers say; windows of variable BPTT have its lengths."""

import pytest
import torch
from torch import Tensor, nn
from torch.optim import swa_utils

from rnn_regexp.noise import Noise
from rnn_regexp.regularizers.ema import Ema
from rnn_regexp.regularizers.nt_asgd import NtAsgd
from rnn_regexp.regularizers.stack import stack
from rnn_regexp.regularizers.swa import Swa
from rnn_regexp.regularizers.variable_bptt import VariableBptt
from rnn_regexp.training.evaluate import evaluate
from rnn_regexp.training.optimizers import SGD, Adam
from tests.regularizers.catalogue import CPU, random_weights, remembering, update_of
from tests.training.tiny import cohort, run, stream, watch


def test_swa_is_the_mean_over_the_ends_of_epochs():
    own = cohort(run(Swa(3, every=2), optimizer=Adam(0.1)), run(optimizer=Adam(0.1)))
    outcomes, journal = watch(own)
    ends = [own[0] for own in journal.evaluated]  # of epochs 1 to 7
    expected = torch.stack([ends[2], ends[4], ends[6]]).mean(dim=0)
    flat = torch.stack((expected, journal.weights[-1][1]))
    losses = evaluate(own, own.split("test"), flat)["loss"].tolist()
    assert [one.metrics["test/loss"] for one in outcomes] == pytest.approx(losses, rel=1e-9)
    valid = evaluate(own, own.split("valid"), torch.stack((ends[1], ends[1])))["loss"][0].item()
    assert outcomes[0].history[1]["valid/loss"] == pytest.approx(
        valid, rel=1e-12
    )  # before it begins


def by_torch(path: Tensor, decay: float | None = None) -> Tensor:
    """torch's average (P,) of weights (S, P): exponential with a decay, else the plain mean."""
    weights = nn.ParameterList([nn.Parameter(path[0].clone())])
    average = None if decay is None else swa_utils.get_ema_multi_avg_fn(decay)
    model = swa_utils.AveragedModel(weights, multi_avg_fn=average)
    for own in path:
        with torch.no_grad():
            weights[0].copy_(own)
        model.update_parameters(weights)
    return next(model.parameters()).detach()


def test_averages_are_those_of_torchs_swa_utils():
    own = cohort(run(Ema(0.9)), run(Swa(1), seed=1), epochs=4)
    _, journal = watch(own)
    ema, swa = (own.regularizers.active[name] for name in ("ema", "swa"))
    flat = own.weights.flat
    found = by_torch(journal.path(0), 0.9)
    torch.testing.assert_close(ema.averaged(flat)[0], found, rtol=1e-12, atol=1e-14)
    found = by_torch(torch.stack([own[1] for own in journal.evaluated]))
    torch.testing.assert_close(swa.averaged(flat)[1], found, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("losses", "patience", "triggered"),
    [
        ((3.0, 2.0, 2.5), 1, True),  # 2.5 > min(3, 2)
        ((3.0, 2.0, 2.5), 2, False),  # 2.5 < 3
        ((3.0, 2.0, 2.5, 2.4), 2, True),  # 2.4 > min(3, 2)
        ((3.0, 2.0, 1.0, 1.9), 2, False),  # 1.9 < min(3, 2)
        ((2.0,), 1, False),
        ((2.0, 2.0), 1, False),
    ],
)
def test_nt_asgd_begins_after_the_papers_condition(
    losses: tuple[float, ...], patience: int, triggered: bool
):
    own = remembering(stack([NtAsgd(patience), NtAsgd()], CPU), random_weights(2))
    for end in range(1, len(losses) + 1):
        own.after_epoch([[{"valid/loss": loss} for loss in losses[:end]]] * 2)
    assert own.state["triggered"].tolist() == [triggered, False]


def test_nt_asgd_averages_every_step_behind_its_trigger_the_first_included():
    weights = random_weights(2)
    own = remembering(stack([NtAsgd(1), NtAsgd(1)], CPU), weights)
    own.state["triggered"][0] = True
    seen = []
    for _ in range(5):
        with torch.no_grad():
            weights.flat += 1
            own.after_step(weights, update_of(weights))
        seen.append(weights.flat.detach().clone())
    judged = own.averaged(weights.flat)
    torch.testing.assert_close(judged[0], torch.stack(seen).mean(dim=0)[0])
    assert torch.equal(judged[1], weights.flat[1])


def lengths(own: VariableBptt, runs: int, window: int) -> torch.Tensor:
    stacked, base = stack([own] * runs, CPU), torch.full((runs,), window)
    noise = Noise(torch.arange(runs), 1)
    return torch.stack([stacked.window(base, index, noise) for index in range(50)]).double()


def test_windows_have_the_lengths_of_the_paper():
    drawn = lengths(VariableBptt(5.0, 0.05), 200, 70).flatten()
    whole = drawn[drawn > 52]
    assert len(whole) / len(drawn) == pytest.approx(0.95, abs=0.01)
    assert whole.mean().item() == pytest.approx(69.5, abs=0.2)  # floor takes half a step
    assert whole.std().item() == pytest.approx(5, abs=0.2)
    assert drawn[drawn < 52].mean().item() == pytest.approx(34.5, abs=1)
    assert lengths(VariableBptt(30.0, 0.0, least=8), 100, 10).min() == 8
    halved = lengths(VariableBptt(0.0, 0.5), 100, 10)
    assert set(halved.unique().tolist()) == {5, 10}


def test_the_rate_follows_the_length_of_the_window():
    data, decay = stream(), VariableBptt(2.0, 0.3, least=2)
    own = cohort(
        run(decay, optimizer=SGD(0.4)), run(optimizer=SGD(0.4)), data=data, window=6, epochs=1
    )
    rates = []
    original = own.optimizers.step

    def step(*words: object) -> None:
        rates.append(own.optimizers.learning_rate.tolist())
        original(*words)

    own.optimizers.step = step
    watch(own)
    noise = Noise(own.seeds, 1)
    batches = list(own.task.batches(own.split("train"), noise, own.batching(noise)))
    expected = [0.4 * int(batch.lengths[0].max()) / 6 for batch in batches]
    assert [own[0] for own in rates] == pytest.approx(expected)
    assert {own[1] for own in rates} == {0.4}
    assert len({int(batch.lengths[0].max()) for batch in batches}) > 2

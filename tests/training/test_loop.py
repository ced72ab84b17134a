"""Epochs, data order, what is evaluated when, and the best epoch."""

import pytest
import torch

from rnn_regexp.data.batches import Batch, shuffled
from rnn_regexp.noise import Noise
from rnn_regexp.regularizers.dropout import Dropout
from rnn_regexp.regularizers.l2 import L2
from rnn_regexp.regularizers.weight_decay import WeightDecay
from rnn_regexp.tasks import base
from rnn_regexp.training import loop
from rnn_regexp.training.cohort import Cohort
from rnn_regexp.training.evaluate import evaluate
from rnn_regexp.training.optimizers import Adam
from rnn_regexp.training.record import Outcome, Record
from tests.training.tiny import Journal, cohort, pixels, run, sentences, watch

Trained = tuple[Cohort, list[Outcome], Journal]


@pytest.fixture(scope="module")
def overfits() -> Trained:
    """Three runs that learn the training data by heart, at different speeds."""
    runs = [run(seed=seed, optimizer=Adam(lr)) for seed, lr in ((0, 0.1), (1, 0.03), (2, 0.2))]
    own = cohort(*runs, epochs=10)
    return own, *watch(own)


def metrics_at(own: Cohort, weights: torch.Tensor, split: str) -> dict[str, torch.Tensor]:
    with torch.no_grad():
        own.weights.flat.copy_(weights)
    return evaluate(own, own.split(split))


def test_the_history_has_a_row_for_each_epoch(overfits: Trained):
    _, outcomes, _ = overfits
    for outcome in outcomes:
        assert [row["epoch"] for row in outcome.history] == list(range(1, 11))
        assert [row["step"] for row in outcome.history] == list(range(3, 31, 3))
        times = [row["time"] for row in outcome.history]
        assert times == sorted(times)


def test_training_metrics_are_means_over_the_epochs_steps(overfits: Trained):
    _, outcomes, journal = overfits
    for k, outcome in enumerate(outcomes):
        for row in outcome.history:
            steps = slice(row["step"] - 3, row["step"])
            losses, norms = (torch.stack(j[steps])[:, k] for j in (journal.losses, journal.norms))
            assert row["train/loss"] == pytest.approx(losses.mean().item(), rel=1e-12)
            assert row["train/gradient_norm"] == pytest.approx(norms.mean().item(), rel=1e-12)
            assert row["train/clipped_fraction"] == 0


def test_each_epochs_evaluation_is_of_the_weights_at_its_end(overfits: Trained):
    own, outcomes, journal = overfits
    for epoch, weights in enumerate(journal.evaluated):
        valid = metrics_at(own, weights, "valid")
        for k, outcome in enumerate(outcomes):
            assert outcome.history[epoch]["valid/loss"] == valid["loss"][k].item()
            assert outcome.history[epoch]["valid/accuracy"] == valid["accuracy"][k].item()


def test_train_eval_is_the_training_data_without_noise():
    """As many sequences as there are for validation, from the front."""
    own = cohort(run(Dropout(0.5)), epochs=2)
    (outcome,), journal = watch(own)
    with torch.no_grad():
        own.weights.flat.copy_(journal.evaluated[-1])
    known = evaluate(own, own.split("train").head(7))
    assert outcome.metrics["train_eval/loss"] == known["loss"].item()


def test_final_metrics_are_of_the_last_epoch(overfits: Trained):
    own, outcomes, journal = overfits
    test = metrics_at(own, journal.weights[-1], "test")
    for k, outcome in enumerate(outcomes):
        assert outcome.metrics["valid/loss"] == outcome.history[-1]["valid/loss"]
        assert outcome.metrics["test/loss"] == test["loss"][k].item()
        assert outcome.metrics["test/accuracy"] == test["accuracy"][k].item()


def test_best_metrics_are_of_the_epoch_with_the_least_validation_loss(overfits: Trained):
    own, outcomes, journal = overfits
    losses = [[row["valid/loss"] for row in outcome.history] for outcome in outcomes]
    best = [own.index(min(own)) for own in losses]
    assert len(set(best)) > 1  # the runs do not agree in it
    assert max(best) < 9  # and it is not the last
    for k, outcome in enumerate(outcomes):
        assert outcome.metrics["best/epoch"] == best[k] + 1
        assert outcome.metrics["best/valid/loss"] == losses[k][best[k]]
        test = metrics_at(own, journal.evaluated[best[k]], "test")
        assert outcome.metrics["best/test/loss"] == test["loss"][k].item()


def test_training_leaves_the_best_weights_in_the_cohort():
    own = cohort(run(optimizer=Adam(0.2)), run(seed=1, optimizer=Adam(0.03)), epochs=8)
    outcomes, journal = watch(own)
    for k, outcome in enumerate(outcomes):
        epoch = int(outcome.metrics["best/epoch"])
        assert torch.equal(own.weights.flat[k], journal.evaluated[epoch - 1][k])


def test_the_best_epoch_is_found_in_the_precision_of_the_losses():
    own = cohort(run())
    record = Record(own)
    for epoch, loss in ((1, 1.0), (2, 1.0 - 1e-12), (3, 1.0 - 1e-13)):
        with torch.no_grad():
            own.weights.flat.fill_(epoch)
        record.tally.epoch_steps += 1
        valid = {"loss": torch.tensor([loss], dtype=torch.double)}
        record.epoch(0.0, valid=valid)
    (outcome,) = record.finish({"": {}, "best/": {}})
    assert outcome.metrics["best/epoch"] == 2
    assert record.best.flat.unique().tolist() == [2]


def test_of_equal_epochs_the_first_is_the_best():
    own = cohort(run())
    record = Record(own)
    for epoch in (1, 2):
        with torch.no_grad():
            own.weights.flat.fill_(epoch)
        record.tally.epoch_steps += 1
        record.epoch(0.0, valid={"loss": torch.ones(1, dtype=torch.double)})
    (outcome,) = record.finish({"": {}, "best/": {}})
    assert outcome.metrics["best/epoch"] == 1
    assert record.best.flat.unique().tolist() == [1]


def test_each_epoch_has_an_order_of_its_own_that_only_the_seed_decides(
    monkeypatch: pytest.MonkeyPatch,
):
    seen: list[Batch] = []

    def watched(*arguments: object) -> object:
        for batch in shuffled(*arguments):
            seen.append(batch)
            yield batch

    monkeypatch.setattr(base, "shuffled", watched)
    settings = [run(seed=7), run(Dropout(0.5), L2(0.1), seed=7, optimizer=Adam(0.3)), run(seed=8)]
    own = cohort(*settings, epochs=2)
    loop.train(own)
    targets = torch.cat([batch.targets for batch in seen], dim=1)  # (K, 2 epochs * 11)
    split = own.split("train")
    for k, seed in enumerate((7, 7, 8)):
        noise = [Noise(torch.tensor([seed]), epoch) for epoch in (1, 2)]
        orders = [own.permutation("order", 11)[0] for own in noise]
        assert torch.equal(targets[k], torch.cat([split.targets[order] for order in orders]))
        assert not torch.equal(orders[0], orders[1])


def test_progress_counts_epochs():
    counted: list[int] = []
    loop.train(cohort(run(), epochs=3), counted.append)
    assert counted == [1, 2, 3]


@pytest.mark.parametrize(("limit", "used"), [(2, (2, 2, 2)), (6, (6, 6, 6)), (9, (9, 7, 6))])
def test_limit_takes_the_first_sequences_of_each_split(limit: int, used: tuple[int, ...]):
    own = cohort(run(), limit=limit, epochs=1)
    splits = [own.split(name) for name in ("train", "valid", "test")]
    assert tuple(map(len, splits)) == used
    assert torch.equal(splits[0].inputs, sentences().train.inputs[:limit])
    _, journal = watch(own)
    assert len(journal.losses) == -(-limit // 4)


def test_a_limited_run_sees_nothing_behind_its_limit():
    short = sentences(seed=1)
    for name in ("train", "valid", "test"):
        split = getattr(short, name)
        split.inputs[4:], split.targets[4:] = 1, 0
    data = [sentences(seed=1), short]
    outcomes = [watch(cohort(run(), limit=4, data=own))[0][0] for own in data]
    assert outcomes[0].metrics == outcomes[1].metrics


def test_features_are_learnt_too():
    own = cohort(run(optimizer=Adam(0.05)), data=pixels(longest=8), epochs=30)
    assert "embedding" not in own.weights
    (outcome,), _ = watch(own)
    assert outcome.history[-1]["train/loss"] < 0.5 * outcome.history[0]["train/loss"]


@pytest.mark.parametrize("data", [sentences(), pixels()], ids=["tokens", "features"])
def test_what_stands_behind_the_lengths_changes_no_number(data: object):
    outcomes = [watch(cohort(run(Dropout(0.5), WeightDecay(0.01)), data=data))[0][0]]
    for name in ("train", "valid", "test"):
        split = getattr(data, name)
        split.inputs[torch.arange(5) >= split.lengths[:, None]] = 2
    outcomes.append(watch(cohort(run(Dropout(0.5), WeightDecay(0.01)), data=data))[0][0])
    assert outcomes[1].metrics == pytest.approx(outcomes[0].metrics, rel=1e-12)

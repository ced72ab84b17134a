"""The Mogrifier as an option of the LSTM: parameters, techniques beside it, cohorts, refusals."""

import dataclasses
from pathlib import Path

import pytest
import torch
from torch import Tensor

from rnn_regexp.data.sequences import SequenceData
from rnn_regexp.diagnostics import Diagnostic
from rnn_regexp.errors import BadInput
from rnn_regexp.models import LSTM
from rnn_regexp.models.lstm import Mogrifier
from rnn_regexp.noise import Noise
from rnn_regexp.recurrence import cells
from rnn_regexp.recurrence.backends import Backend
from rnn_regexp.regularizers.base import Regularizer
from rnn_regexp.regularizers.dropout import Dropout, Where
from rnn_regexp.regularizers.layer_norm import LayerNorm
from rnn_regexp.regularizers.recurrent_batch_norm import RecurrentBatchNorm
from rnn_regexp.regularizers.truncated_bptt import TruncatedBptt
from rnn_regexp.regularizers.variational_dropout import VariationalDropout
from rnn_regexp.regularizers.weight_norm import WeightNorm
from rnn_regexp.regularizers.zoneout import Zoneout
from rnn_regexp.training import loop
from rnn_regexp.training.checkpoint import Checkpoint
from rnn_regexp.training.cohort import Cohort, key
from rnn_regexp.training.step import losses
from rnn_regexp.weights import Kind
from tests.models.test_forward import STEPS, random_inputs, random_weights
from tests.models.test_forward import run as logits_of
from tests.regularizers.catalogue import Technique, each, problem_of, strong
from tests.training.test_checkpoint import cut_after, equal
from tests.training.tiny import cohort, pixels, run, sentences, stream, watch

BOTH = LSTM(3, 4, layers=2, bidirectional=True, mogrifier=Mogrifier(5))
FEW = Mogrifier(3, rank=2)
INSIDE = [
    Dropout(0.5, [Where.hidden]),
    Zoneout(0.3, 0.3),
    VariationalDropout(0.3, 0.3, 0.3),
    LayerNorm(True),
    RecurrentBatchNorm(True),
    WeightNorm(True),
]
each_inside = pytest.mark.parametrize("technique", INSIDE, ids=lambda own: type(own).__name__)


def test_without_rounds_nothing_is_added():
    plain, neutral = LSTM(3, 4), LSTM(3, 4, mogrifier=Mogrifier(0, rank=7))
    assert neutral.specs(9, 0, 3) == plain.specs(9, 0, 3)
    assert neutral.cell is neutral.cell_at("layer0.0", {}) is cells.LSTM


def test_its_matrices_fit_what_they_read_and_gate():
    specs = {own.name: own for own in BOTH.specs(9, 0, 3)}
    added = [name for name in specs if name.startswith("layer1.0.") and name[9] in "QR"]
    assert [name[9:] for name in added] == ["Q1", "R2", "Q3", "R4", "Q5"]
    assert [specs[f"layer0.1.{name}"].shape for name in ("Q1", "R2")] == [(3, 4), (4, 3)]
    assert [specs[f"layer1.1.{name}"].shape for name in ("Q5", "R4")] == [(8, 4), (4, 8)]
    assert {specs[name].kind for name in added} == {Kind.input_hidden}
    low = {own.name: own.shape for own in LSTM(3, 4, mogrifier=Mogrifier(2, 2)).specs(9, 0, 3)}
    factors = [low[f"layer0.0.{n}"] for n in ("Q1_left", "Q1_right", "R2_left", "R2_right")]
    assert factors == [(3, 2), (2, 4), (4, 2), (2, 3)]


def test_runs_with_other_rounds_or_ranks_are_cohorts_of_their_own():
    settings = [Mogrifier(), Mogrifier(2), Mogrifier(3), Mogrifier(3, rank=2)]
    assert len({key([LSTM(3, 4, mogrifier=own)]) for own in settings}) == len(settings)


def test_zero_matrices_gate_nothing():
    """2 sigmoid(0) = 1."""
    weights, (inputs, lengths) = random_weights(BOTH, True), random_inputs(True)
    with torch.no_grad():
        for name, W in weights.items():
            if ".Q" in name or ".R" in name:
                W.zero_()
    plain = dataclasses.replace(BOTH, mogrifier=Mogrifier())
    expected = logits_of(plain, weights, inputs, lengths, backend=Backend.cells)
    found = logits_of(BOTH, weights, inputs, lengths)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("tokens", [True, False], ids=["tokens", "features"])
def test_what_stands_behind_the_length_changes_nothing(tokens: bool):
    weights, (inputs, lengths) = random_weights(BOTH, tokens), random_inputs(tokens)
    behind = torch.arange(STEPS)[None, :, None] >= lengths[:, None]
    other = inputs.clone()
    other[behind] = 7 if tokens else 1e3
    results = []
    for seen in (inputs, torch.cat((other, other[:, :2]), dim=1)):
        logits = logits_of(BOTH, weights, seen, lengths)
        weights.differentiate(logits.square().sum(dim=(1, 2)))
        results.append((logits.detach(), weights.gradient.clone()))
    torch.testing.assert_close(results[0], results[1], rtol=1e-12, atol=1e-14)


def test_single_precision_differs_by_rounding_only():
    inputs, lengths = random_inputs(True)
    single = logits_of(BOTH, random_weights(BOTH, True, torch.float32), inputs, lengths)
    assert single.dtype is torch.float32
    wanted = logits_of(BOTH, random_weights(BOTH, True), inputs, lengths)
    torch.testing.assert_close(single.double(), wanted, rtol=1e-4, atol=1e-5)


# With techniques


@each_inside
@pytest.mark.parametrize("data", [sentences(), stream()], ids=["sentences", "stream"])
def test_alone_equals_in_a_cohort(technique: Regularizer, data: SequenceData):
    own, others = run(technique, seed=2), [run(technique, seed=seed) for seed in (0, 1)]
    settings = {"model": BOTH, "data": data, "epochs": 2, "window": 6}
    if data.task == "language_model":
        settings["model"] = dataclasses.replace(BOTH, bidirectional=False)
    (alone,), single = watch(cohort(own, **settings))
    together, journal = watch(cohort(*others, own, **settings))
    torch.testing.assert_close(journal.path(2), single.path(0), rtol=1e-10, atol=1e-12)
    assert together[2].metrics == pytest.approx(alone.metrics, rel=1e-10)


@each_inside
def test_the_gradient_is_that_of_finite_differences(technique: Regularizer):
    own = cohort(run(technique), model=BOTH, data=pixels())
    batch, flat = own.task.sample(own.split("train"), 1), own.weights.flat.detach().clone()

    def total(at: Tensor) -> Tensor:
        with torch.no_grad():
            own.weights.flat.copy_(at)
        return losses(own, batch, Noise(own.seeds, 5), None)[1]

    own.weights.differentiate(total(flat))
    gradient = own.weights.gradient.clone()
    along = torch.randn(flat.shape, generator=torch.Generator().manual_seed(0), dtype=flat.dtype)
    ahead, behind = (total(flat + sign * 1e-6 * along).detach() for sign in (1, -1))
    torch.testing.assert_close(
        (gradient * along).sum(dim=1), (ahead - behind) / 2e-6, rtol=1e-6, atol=1e-8
    )


def test_layer_norm_normalizes_the_product_of_the_gated_input():
    """A gate that scales the whole input alike is not felt behind the normalization."""
    model = LSTM(3, 4, mogrifier=Mogrifier(1))
    logits = []
    for sign in (0.0, 50.0):
        own = cohort(run(LayerNorm(True)), model=model, data=pixels())
        with torch.no_grad():  # Q_1 h is sign * h_1 for all inputs alike
            own.weights["layer0.0.Q1"].zero_()
            own.weights["layer0.0.Q1"][..., 0] = sign
            own.weights["layer0.0.W_hx"].mul_(1e6)  # far above the small number in LN
        batch = own.task.sample(own.split("train"), 1)
        logits.append(own.task.forward(own.network(), batch, None).logits)
    torch.testing.assert_close(*logits, rtol=1e-5, atol=1e-6)


def test_the_gates_read_the_weights_that_techniques_give():
    """Under weight norm the size of Q1's rows is no matter, and g is."""
    own = cohort(run(WeightNorm(True)), model=BOTH, data=pixels())
    batch, logits = own.task.sample(own.split("train"), 1), []
    for name in ("layer1.1.Q1", "layer1.1.Q1", "layer1.1.Q1.g"):
        logits.append(own.task.forward(own.network(), batch, None).logits)
        with torch.no_grad():
            own.weights[name].mul_(3)
    logits.append(own.task.forward(own.network(), batch, None).logits)
    torch.testing.assert_close(logits[1], logits[0], rtol=1e-12, atol=1e-14)
    assert not torch.allclose(logits[3], logits[2])


def test_truncation_cuts_the_way_through_the_gates_too():
    """With a cut at every step the loss feels the last input alone."""
    model = LSTM(3, 4, mogrifier=Mogrifier(5))
    own = cohort(run(TruncatedBptt(1)), model=model, data=pixels())
    batch = own.task.sample(own.split("train"), 1)
    x = batch.inputs.clone().requires_grad_()
    _, total = losses(own, dataclasses.replace(batch, inputs=x), Noise(own.seeds, 1), None)
    (gradient,) = torch.autograd.grad(total.sum(), x)
    reached = gradient.abs().sum(dim=-1)[0] > 0  # (T, B)
    last = torch.arange(len(reached))[:, None] == batch.lengths[0] - 1
    assert torch.equal(reached, last)


@each
def test_every_technique_trains_beside_it(technique: Technique):
    problem = problem_of(strong(technique))
    model = problem.model if isinstance(problem.model, LSTM) else LSTM(3, 4)
    changed = dataclasses.replace(problem, model=dataclasses.replace(model, mogrifier=FEW))
    if found := list(changed.objections(strong(technique))):
        pytest.skip(found[0])
    (outcome,) = loop.train(changed.cohort(run(strong(technique)), epochs=1, limit=8))
    assert outcome.diverged_at is None
    assert outcome.metrics["valid/loss"] > 0


def test_cut_short_it_goes_on_with_the_same_bits(tmp_path: Path):
    def own() -> Cohort:
        return cohort(run(Zoneout(0.3, 0.3)), run(seed=1), model=BOTH, epochs=3)

    undisturbed, again = own(), own()
    expected = loop.train(undisturbed)
    cut_after(own(), Checkpoint(tmp_path / "a", "me"), 4)
    assert equal(loop.train(again, checkpoint=Checkpoint(tmp_path / "a", "me")), expected)
    assert torch.equal(again.weights.flat, undisturbed.weights.flat)


def test_its_gates_learn():
    own = cohort(run(), model=BOTH, epochs=1)
    before = own.weights["layer1.1.Q5"].detach().clone()
    loop.train(own)
    assert not torch.equal(own.weights["layer1.1.Q5"], before)


def test_every_diagnostic_looks_at_it_but_at_its_gates():
    own = cohort(run(), model=BOTH, epochs=1, diagnostics=list(Diagnostic))
    (outcome,) = loop.train(own)
    seen = {name.split("/")[1] for name in outcome.history[0] if name.startswith("diagnostics/")}
    assert seen == {"gradient_flow", "spectrum", "sparsity"}


@pytest.mark.parametrize("backend", [Backend.scan, Backend.native, Backend.cuda])
def test_kernels_that_do_not_know_it_are_refused(backend: Backend):
    with pytest.raises(BadInput) as caught:
        cohort(run(), model=BOTH, backend=backend)
    reason = f"training.backend={backend.name} has none (take auto or cells)"
    assert str(caught.value) == f"model.mogrifier: {reason}"


def test_the_backend_of_the_equations_may_be_named():
    assert cohort(run(), model=BOTH, backend=Backend.cells).runs == 1

"""Weight drop leaves the parameters alone: what broke its public implementations is tested here."""

import copy

import pytest
import torch
from torch import Tensor

from rnn_regexp.models import LSTM
from rnn_regexp.noise import Noise
from rnn_regexp.regularizers.weight_drop import WeightDrop
from rnn_regexp.training.cohort import Cohort
from rnn_regexp.training.evaluate import evaluate
from tests.regularizers.test_contracts import first_batch
from tests.training.tiny import cohort, run, watch


def two_layers(*techniques: WeightDrop) -> Cohort:
    return cohort(*(run(own) for own in techniques), model=LSTM(3, 4, layers=2))


def effective(own: Cohort, noise: Noise | None) -> dict[str, Tensor]:
    network = own.network(noise)
    return dict(network.applied.weights(network.weights))


@pytest.mark.parametrize("variational", [False, True])
def test_evaluation_drops_nothing(variational: bool):
    """Trap: one published variant has ``training=True`` written into its evaluation."""
    own = two_layers(WeightDrop(0.5, variational=variational))
    assert all(effective(own, None)[name] is own.weights[name] for name in own.weights)


def test_training_evaluation_and_training_again():
    """Trap: rebinding the parameter fails on the way back, or leaves the last mask in place."""
    own = two_layers(WeightDrop(0.5))
    (outcome,), journal = watch(own)
    assert len(outcome.history) == 7
    before = own.weights.flat.clone()
    evaluate(own, own.split("valid"))
    assert torch.equal(own.weights.flat, before)
    zeros = [(own.weights[f"layer{layer}.0.W_hh"] == 0).sum() for layer in (0, 1)]
    assert zeros == [0, 0]
    assert not torch.equal(journal.weights[-1], journal.weights[0])


def test_a_copy_is_a_copy_before_and_after_a_forward_pass():
    """Trap: copies that share the original's weights, and modules that cannot be copied."""
    settings = copy.deepcopy(WeightDrop(0.5, layers=[1]))
    assert settings == WeightDrop(0.5, layers=[1])
    own = two_layers(settings)
    own.task.forward(own.network(Noise(own.seeds, 1)), first_batch(own), None)
    part = own.select([0])
    with torch.no_grad():
        part.weights.flat.zero_()
    assert own.weights["layer1.0.W_hh"].abs().min() > 0


def test_dropped_weights_get_no_gradient_and_the_others_are_scaled():
    own = two_layers(WeightDrop(0.5))
    noise, batch = Noise(own.seeds, 1), first_batch(own)
    trace = own.task.forward(own.network(noise), batch, None)
    own.weights.differentiate(own.task.loss(trace, batch, own.network(noise).applied))
    gradients = dict(own.weights._views(own.weights.gradient))
    for name in ("layer0.0.W_hh", "layer1.0.W_hh"):
        dropped = effective(own, noise)[name] == 0
        assert 0.2 < dropped.double().mean() < 0.8
        assert not gradients[name][dropped].any()
        assert gradients[name][~dropped].all()
        torch.testing.assert_close(
            effective(own, noise)[name][~dropped], 2 * own.weights[name][~dropped]
        )


@pytest.mark.parametrize("layers", [[], [0], [1], [0, 1]])
def test_the_chosen_layers_alone(layers: list[int]):
    own = two_layers(WeightDrop(0.5, layers=layers))
    changed = {name for name, W in effective(own, Noise(own.seeds)).items() if (W == 0).any()}
    assert changed == {f"layer{layer}.0.W_hh" for layer in layers or [0, 1]}


def test_both_directions_of_a_layer():
    own = cohort(run(WeightDrop(0.5)), model=LSTM(3, 4, bidirectional=True))
    found = effective(own, Noise(own.seeds))
    forth, back = (found[f"layer0.{direction}.W_hh"] == 0 for direction in (0, 1))
    assert not torch.equal(forth, back)


def test_torchs_kernel_with_the_masked_matrix():
    """One layer of torch's own LSTM, given W_hh * M, has the same outputs and gradients."""
    own = cohort(run(WeightDrop(0.5)), model=LSTM(3, 4))
    noise, batch = Noise(own.seeds, 2), first_batch(own)
    lengths = torch.full_like(batch.lengths, batch.inputs.shape[1])
    batch = type(batch)(batch.inputs, lengths, batch.targets)
    trace = own.task.forward(own.network(noise), batch, None)
    twin = torch.nn.LSTM(3, 4).double()
    names = {"weight_ih_l0": "W_hx", "bias_ih_l0": "b_hx", "bias_hh_l0": "b_hh"}
    values = {n: own.weights[f"layer0.0.{short}"][0].detach() for n, short in names.items()}
    W_hh = own.weights["layer0.0.W_hh"][0].detach().clone().requires_grad_()
    mask = (noise.uniform("weight_drop/layer0.0.W_hh", (16, 4))[0] >= 0.5).double() * 2
    x = own.weights["embedding"][0].detach()[batch.inputs[0]]
    state = {**values, "weight_hh_l0": W_hh * mask}
    expected, _ = torch.func.functional_call(twin, state, (x,))
    torch.testing.assert_close(trace.outputs[0][0], expected, rtol=1e-12, atol=1e-14)
    expected.sum().backward()
    own.weights.differentiate(trace.outputs[0].sum()[None])
    found = dict(own.weights._views(own.weights.gradient))["layer0.0.W_hh"][0]
    torch.testing.assert_close(found, W_hh.grad, rtol=1e-10, atol=1e-14)

"""What does not fit is refused with the argument, what it is and what it must be."""

import pytest
import torch

from rnn_regexp.recurrence.backends import Backend
from rnn_regexp.recurrence.cells import GRU, LSTM, TANH, Cell
from rnn_regexp.recurrence.layer import carried, layer, run
from rnn_regexp.recurrence.perturbation import RecurrentNoise
from tests.recurrence.examples import BY_HAND, B, H, T, example

STATE, GATED = torch.ones(2, T, B, H).double(), torch.ones(2, 1, B, 3, H).double()


@pytest.mark.parametrize(
    ("cell", "noise", "message"),
    [
        (
            GRU,
            {"h": STATE},
            "noise.h must be (2, 1 or 6, 4, 1 or 3, 5), got (2, 6, 4, 5)",
        ),
        (LSTM, {"h": GATED}, "noise.h must be (2, 1 or 6, 4, 1 or 4, 5), got (2, 1, 4, 3, 5)"),
        (TANH, {"h": GATED}, "noise.h must be (2, 1 or 6, 4, 1, 5), got (2, 1, 4, 3, 5)"),
        (GRU, {"state": STATE[:1]}, "noise.state must be (2, 1 or 6, 4, 5), got (1, 6, 4, 5)"),
        (LSTM, {"zoneout_c": STATE[:, :3]}, "noise.zoneout_c must be (2, 1 or 6, 4, 5), got"),
        (
            GRU,
            {"candidate": STATE.float()},
            "noise.candidate must be torch.float64 on cpu as the weights are,"
            " got torch.float32 on cpu",
        ),
        (TANH, {"candidate": STATE}, "noise.candidate needs a gated cell, GRU or LSTM"),
        (GRU, {"cell": STATE}, "noise.cell acts on the state c, which only the LSTM has"),
        (TANH, {"zoneout_c": STATE}, "noise.zoneout_c acts on the state c, which only the LSTM"),
    ],
)
@pytest.mark.parametrize("backend", [Backend.auto, Backend.cells, *BY_HAND])
def test_noise(cell: Cell, noise: dict[str, torch.Tensor], message: str, backend: Backend):
    own = example(cell, runs=2)
    with pytest.raises(ValueError) as refusal:  # noqa: PT011
        run(cell, own.inputs, own.states[0], own.weights[0], backend, RecurrentNoise(**noise))
    assert message in str(refusal.value)


def test_native_refuses_noise():
    own = example(GRU, runs=2)
    with pytest.raises(ValueError, match="native has no recurrent noise: take auto, scan or cells"):
        layer(GRU, own.inputs, None, own.weights, Backend.native, RecurrentNoise(state=STATE))


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("inputs", "inputs must be (2, 6, 4, 3), got (2, 6, 4, 2)"),
        ("W_hx", "W_hx must be (2, 15, 3), got (2, 14, 3)"),
        ("W_hh", "W_hh must be (2, 15, 5), got (2, 14, 5)"),
        ("b_hx", "b_hx must be (2, 15), got (2, 14)"),
        ("b_hh", "b_hh must be (2, 15), got (2, 14)"),
        ("h_0", "h_0 must be (2, 4, 5), got (2, 3, 5)"),
    ],
)
def test_shapes(argument: str, message: str):
    own = example(GRU, runs=2)
    names = ("W_hx", "W_hh", "b_hx", "b_hh")
    weights = [w[:, :-1] if argument == n else w for n, w in zip(names, own.weights[0])]
    inputs = own.inputs[..., :-1] if argument == "inputs" else own.inputs
    state = tuple(s[:, :-1] if argument == "h_0" else s for s in own.states[0])
    with pytest.raises(ValueError) as refusal:  # noqa: PT011
        run(GRU, inputs, state, tuple(weights), Backend.auto)
    assert message in str(refusal.value)


def test_noise_is_checked_before_padding_changes_it():
    own = example(GRU, runs=2)
    with pytest.raises(ValueError, match=r"noise\.state must be \(2, 1 or 6, 4, 5\), got \(1, 6,"):
        layer(GRU, own.inputs, own.lengths, own.weights, noise=RecurrentNoise(state=STATE[:1]))


def test_number_of_dimensions_and_states():
    own = example(LSTM, runs=2)
    with pytest.raises(
        ValueError, match=r"inputs must be \(K, T, B, D\), each at least 1, got \(6, 4, 3\)"
    ):
        layer(LSTM, own.inputs[0], None, own.weights)
    with pytest.raises(ValueError, match="state must be 2 tensors for lstm, got 1"):
        run(LSTM, own.inputs, own.states[0][:1], own.weights[0], Backend.auto)


def test_lengths():
    own = example(GRU, runs=2)
    with pytest.raises(ValueError, match=r"lengths must be \(2, 4\), got \(2, 3\)"):
        layer(GRU, own.inputs, own.lengths[:, :3], own.weights)


def test_types():
    own = example(GRU, runs=2)
    with pytest.raises(ValueError, match=r"inputs must be torch\.float64 on cpu as the weights"):
        layer(GRU, own.inputs.float(), None, own.weights)
    half = example(GRU, runs=2, dtype=torch.bfloat16)
    with pytest.raises(ValueError, match=r"must be torch.float32 or torch.float64, got .*bfloat16"):
        layer(GRU, half.inputs, None, half.weights)


@pytest.mark.parametrize("size", range(4))
def test_nothing_to_compute(size: int):
    own = example(GRU, runs=2)
    inputs = own.inputs.narrow(size, 0, 0)
    with pytest.raises(ValueError, match=r"inputs must be \(K, T, B, D\), each at least 1, got \("):
        layer(GRU, inputs, None, own.weights)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda own: own + 1, "lengths must be 0 to 6, the steps of inputs, got 2 to 7"),
        (lambda own: own - 2, "lengths must be 0 to 6, the steps of inputs, got -1 to 4"),
        (lambda own: own.double(), "lengths must be whole numbers, got torch.float64"),
        (lambda own: own > 2, "lengths must be whole numbers, got torch.bool"),
    ],
)
def test_lengths_that_inputs_do_not_have(change, message: str):
    own = example(GRU, runs=2)
    with pytest.raises(ValueError) as refusal:  # noqa: PT011
        layer(GRU, own.inputs, change(own.lengths), own.weights)
    assert str(refusal.value) == message


def test_one_of_each_for_a_direction():
    own = example(GRU, runs=2, directions=2)
    with pytest.raises(ValueError, match="noise must be one for each of 2 directions, got 1"):
        layer(GRU, own.inputs, None, own.weights, noise=(None,))
    with pytest.raises(ValueError, match="states must be one for each of 2 directions, got 1"):
        carried(GRU, own.inputs, None, own.weights, own.states[:1])
    with pytest.raises(ValueError, match="cell must be one for each of 2 directions, got 3"):
        layer((GRU, GRU, GRU), own.inputs, None, own.weights)

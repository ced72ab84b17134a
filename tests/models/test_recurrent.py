"""What is set about a model decides its parameters, which are those of torch's modules."""

from itertools import product

import pytest

from rnn_regexp.models import ALL, GRU, LSTM, RNN, Model, Nonlinearity
from rnn_regexp.recurrence import cells
from rnn_regexp.weights import Kind
from tests.models.twin import Twin

INPUTS = {"tokens": (11, 0), "features": (0, 5)}
GRID = list(product(ALL, (1, 3), (False, True)))


@pytest.mark.parametrize("inputs", INPUTS)
@pytest.mark.parametrize(("kind", "layers", "bidirectional"), GRID)
def test_the_parameters_are_those_of_torch(
    kind: type[Model], layers: int, bidirectional: bool, inputs: str
):
    model = kind(embedding=3, hidden=4, layers=layers, bidirectional=bidirectional)
    specs = model.specs(*INPUTS[inputs], outputs=6)
    twin = Twin(model, *INPUTS[inputs], outputs=6)
    parameters = [twin.parameter(spec.name) for spec in specs]
    assert {id(own) for own in parameters} == {id(own) for own in twin.parameters()}
    assert [tuple(own.shape) for own in parameters] == [spec.shape for spec in specs]
    assert sum(spec.size for spec in specs) == sum(own.numel() for own in twin.parameters())


def test_the_articles_classifier_has_its_number_of_parameters():
    specs = GRU(embedding=128, hidden=256).specs(vocabulary=1000, features=0, outputs=2)
    recurrent = 3 * (256 * 128 + 256 * 256 + 2 * 256)
    assert sum(spec.size for spec in specs) == 1000 * 128 + recurrent + 2 * 256 + 2


def test_kinds_gates_and_fans():
    specs = {spec.name: spec for spec in LSTM(embedding=3, hidden=4, layers=2).specs(11, 0, 6)}
    kinds = {name: spec.kind for name, spec in specs.items()}
    assert kinds["embedding"] is Kind.embedding
    assert kinds["layer1.0.W_hx"] is Kind.input_hidden
    assert kinds["layer1.0.W_hh"] is Kind.hidden_hidden
    assert kinds["layer1.0.b_hx"] is kinds["head.b_y"] is Kind.bias
    assert kinds["head.W_yh"] is Kind.hidden_output
    assert {spec.gates for name, spec in specs.items() if name.startswith("layer")} == {4}
    assert specs["head.W_yh"].gates == 1
    assert {spec.fan for name, spec in specs.items() if name != "embedding"} == {4}


@pytest.mark.parametrize("kind", ALL)
def test_says_where_it_comes_from(kind: type[Model]):
    assert kind.source
    assert kind.__doc__


def test_cells():
    assert RNN().cell is cells.TANH
    assert RNN(nonlinearity=Nonlinearity.relu).cell is cells.RELU
    assert (GRU().cell, LSTM().cell) == (cells.GRU, cells.LSTM)


@pytest.mark.parametrize("field", ["embedding", "hidden", "layers"])
def test_sizes_below_one_are_refused(field: str):
    with pytest.raises(ValueError, match=rf"^GRU\.{field} must be in \[1, inf\), got 0$"):
        GRU(**{field: 0})

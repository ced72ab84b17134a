"""Forget bias and chrono by their formulas, and embeddings that were trained before."""

import dataclasses
import math

import pytest
import torch
from scipy import stats

from rnn_regexp.errors import BadInput
from rnn_regexp.models import GRU, LSTM, RNN, Model
from rnn_regexp.regularizers.base import Regularizer
from rnn_regexp.regularizers.chrono import Chrono
from rnn_regexp.regularizers.forget_bias import ForgetBias
from rnn_regexp.training.cohort import Cohort
from tests.training.tiny import cohort, run, sentences


def biases(own: Cohort, k: int, layer: str = "layer0.0") -> tuple[torch.Tensor, ...]:
    """The sum of both biases of a run, by gate."""
    pair = (own.weights[f"{layer}.{name}"][k].detach() for name in ("b_hx", "b_hh"))
    return sum(pair).chunk(own.model.cell.gates)


def started(model: Model, *techniques: Regularizer) -> Cohort:
    """A run with each technique, and one without any, all of one seed."""
    return cohort(*(run(own) for own in techniques), run(), model=model)


def test_the_forget_gates_bias_is_set_once_and_nothing_else_moves():
    own = started(LSTM(3, 50, layers=2, bidirectional=True), ForgetBias(1.0), ForgetBias(-2.0))
    for layer in ("layer0.0", "layer0.1", "layer1.0", "layer1.1"):
        for k, bias in ((0, 1.0), (1, -2.0)):
            i, f, g, o = biases(own, k, layer)
            assert (f == bias).all()
            plain = biases(own, 2, layer)
            assert all(torch.equal(a, b) for a, b in zip((i, g, o), plain[:1] + plain[2:]))
    for name, W in own.weights.items():
        assert ".b_h" in name or torch.equal(W[0], W[2])


def test_chrono_draws_the_lstms_gates_by_the_paper():
    own = started(LSTM(3, 4000), Chrono(100), Chrono(3))
    for k, longest in ((0, 100), (1, 3)):
        i, f, g, o = biases(own, k)
        assert torch.equal(i, -f)
        law = stats.uniform(1, longest - 2)
        assert stats.kstest(f.exp().numpy(), law.cdf).pvalue > 1e-3
        assert f.max() <= math.log(longest - 1)
        assert torch.equal(g, biases(own, 2)[2])
        assert torch.equal(o, biases(own, 2)[3])


def test_chrono_keeps_the_grus_old_state():
    """With z = sigmoid(log u) the state halves in about u * log 2 steps; torch's z keeps."""
    own = started(GRU(3, 2000), Chrono(100))
    r, z, n = biases(own, 0)
    assert stats.kstest(z.exp().numpy(), stats.uniform(1, 98).cdf).pvalue > 1e-3
    assert torch.equal(r, biases(own, 1)[0])
    assert torch.equal(n, biases(own, 1)[2])


REFUSED = {
    "forget_bias: only the LSTM has a forget gate (model=gru)": (GRU, [ForgetBias(1.0)]),
    "chrono: only gates have a time to remember (model=rnn)": (RNN, [Chrono(9)]),
    "chrono.longest: must be at least 3 steps, got 2": (LSTM, [Chrono(2)]),
    "chrono: forget_bias beside it sets the same biases (take one)": (
        LSTM,
        [Chrono(9), ForgetBias(1.0)],
    ),
}


@pytest.mark.parametrize("line", REFUSED)
def test_what_has_no_such_gate_is_refused(line: str):
    model, techniques = REFUSED[line]
    with pytest.raises(BadInput) as caught:
        cohort(run(*techniques), model=model(3, 4))
    assert str(caught.value) == f"regularizers.{line}"


def with_vectors(width: int):
    vectors = torch.arange(9.0 * width).view(9, width)
    vectors[[0, 4]] = math.nan
    return dataclasses.replace(sentences(), vectors=vectors), vectors


def test_known_words_start_from_their_vectors_and_others_as_drawn():
    data, vectors = with_vectors(3)
    runs = run(seed=1), run(seed=2)
    plain, own = cohort(*runs), cohort(*runs, data=data)
    known = ~vectors.isnan().any(dim=1)
    for k in range(2):
        table = own.weights["embedding"][k].detach()
        assert torch.equal(table[known], vectors[known].double())
        assert torch.equal(table[~known], plain.weights["embedding"][k][~known])
    for name in set(own.weights) - {"embedding"}:
        assert torch.equal(own.weights[name], plain.weights[name])


def test_vectors_of_another_width_are_refused_in_one_line():
    with pytest.raises(BadInput) as caught:
        cohort(run(), data=with_vectors(7)[0])
    assert str(caught.value) == "model.embedding must be 7, as wide as dataset.vectors, got 3"

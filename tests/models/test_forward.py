"""K runs compute what torch's own modules compute for each of them on packed sequences."""

from collections.abc import Callable
from itertools import product

import pytest
import torch
from torch import Tensor

from rnn_regexp.data.batches import Batch
from rnn_regexp.models import GRU, LSTM, RNN, Model, Nonlinearity
from rnn_regexp.models.forward import Network, forward
from rnn_regexp.recurrence.backends import Backend
from rnn_regexp.regularizers.application import NOTHING, Application
from rnn_regexp.regularizers.base import Site
from rnn_regexp.weights import Weights
from tests.models.twin import Twin

RUNS, STEPS, BATCH, VOCABULARY, FEATURES, CLASSES = 3, 6, 5, 9, 4, 3
CELLS = {
    "tanh": (RNN, {}),
    "relu": (RNN, {"nonlinearity": Nonlinearity.relu}),
    "gru": (GRU, {}),
    "lstm": (LSTM, {}),
}
GRID = list(product(CELLS, (1, 2), (False, True)))
BACKENDS = [(*own, Backend.auto) for own in GRID] + [
    (cell, 2, True, backend) for cell in CELLS for backend in (Backend.cells, Backend.native)
]


def model_of(cell: str, layers: int = 1, bidirectional: bool = False) -> Model:
    kind, other = CELLS[cell]
    return kind(embedding=3, hidden=4, layers=layers, bidirectional=bidirectional, **other)


def random_weights(model: Model, tokens: bool, dtype: torch.dtype = torch.double) -> Weights:
    sizes = (VOCABULARY, 0) if tokens else (0, FEATURES)
    weights = Weights.zeros(model.specs(*sizes, CLASSES), RUNS, dtype, torch.device("cpu"))
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for own in weights.values():
            own.copy_(0.6 * torch.randn(own.shape, generator=generator, dtype=torch.double))
    return weights


def run(
    model: Model,
    weights: Weights,
    inputs: Tensor,
    lengths: Tensor,
    applied: Application = NOTHING,
    backend: Backend = Backend.auto,
) -> Tensor:
    """Logits of a batch."""
    return forward(
        Network(model, weights, applied, backend), Batch(inputs, lengths, lengths)
    ).logits


def random_inputs(tokens: bool, dtype: torch.dtype = torch.double) -> tuple[Tensor, Tensor]:
    """Inputs and lengths; every run has its own, and no two runs the same lengths."""
    generator = torch.Generator().manual_seed(2)
    lengths = torch.tensor([[6, 1, 4, 3, 6], [2, 5, 6, 1, 1], [3, 3, 2, 1, 4]])  # the last: below T
    if tokens:
        inputs = torch.randint(VOCABULARY, (RUNS, STEPS, BATCH), generator=generator)
    else:
        shape = (RUNS, STEPS, BATCH, FEATURES)
        inputs = torch.randn(shape, generator=generator, dtype=torch.double).to(dtype)
    return inputs, lengths


@pytest.mark.parametrize("tokens", [True, False], ids=["tokens", "features"])
@pytest.mark.parametrize(("cell", "layers", "bidirectional", "backend"), BACKENDS)
def test_logits_and_gradients_are_those_of_torch(
    cell: str, layers: int, bidirectional: bool, tokens: bool, backend: Backend
):
    model = model_of(cell, layers, bidirectional)
    weights, (inputs, lengths) = random_weights(model, tokens), random_inputs(tokens)
    logits = run(model, weights, inputs, lengths, backend=backend)
    assert logits.shape == (RUNS, BATCH, CLASSES)
    weigh = torch.linspace(-1, 1, BATCH * CLASSES, dtype=torch.double).view(BATCH, CLASSES)
    gradients = torch.autograd.grad((logits.sin() * weigh).sum(), list(weights.values()))
    for k in range(RUNS):
        twin = Twin.of(model, weights, k)
        expected = twin(inputs[k], lengths[k])
        torch.testing.assert_close(logits[k], expected, rtol=1e-10, atol=1e-12)
        (expected.sin() * weigh).sum().backward()
        for name, gradient in zip(weights, gradients):
            want = twin.parameter(name).grad
            torch.testing.assert_close(
                gradient[k], want, rtol=1e-10, atol=1e-12, msg=lambda text, name=name: name + text
            )


@pytest.mark.parametrize("cell", CELLS)
def test_single_precision_differs_by_rounding_only(cell: str):
    model = model_of(cell, layers=2, bidirectional=True)
    weights, (inputs, lengths) = random_weights(model, True, torch.float32), random_inputs(True)
    logits = run(model, weights, inputs, lengths)
    assert logits.dtype is torch.float32
    for k in range(RUNS):
        expected = Twin.of(model, weights, k).double()(inputs[k], lengths[k])
        torch.testing.assert_close(logits[k].double(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("tokens", [True, False], ids=["tokens", "features"])
def test_what_stands_behind_the_length_changes_nothing(cell: str, tokens: bool):
    model = model_of(cell, layers=2, bidirectional=True)
    weights, (inputs, lengths) = random_weights(model, tokens), random_inputs(tokens)
    behind = torch.arange(STEPS)[None, :, None] >= lengths[:, None]  # (K, T, B)
    other = inputs.clone()
    other[behind] = 7 if tokens else 1e3
    wider = torch.cat((other, other[:, :2]), dim=1)  # and two steps more
    results = []
    for seen in (inputs, wider):
        logits = run(model, weights, seen, lengths)
        weights.differentiate(logits.square().sum(dim=(1, 2)))
        results.append((logits.detach(), weights.gradient.clone()))
    torch.testing.assert_close(results[0], results[1], rtol=1e-12, atol=1e-14)


class Watched(Application):
    """Activations pass through a function."""

    def __init__(self, see: Callable[[Site, int, Tensor], Tensor]) -> None:
        super().__init__()
        self.activations = see


def test_sites_in_order_with_their_shapes():
    model = model_of("gru", layers=3, bidirectional=True)
    weights, (inputs, lengths) = random_weights(model, True), random_inputs(True)
    seen: list[tuple[str, int, tuple[int, ...]]] = []

    def watch(site: Site, layer: int, x: Tensor) -> Tensor:
        seen.append((site.name, layer, tuple(x.shape)))
        return x

    run(model, weights, inputs, lengths, Watched(watch))
    assert seen == [
        ("input", 0, (RUNS, STEPS, BATCH, 3)),
        ("between", 1, (RUNS, STEPS, BATCH, 8)),
        ("between", 2, (RUNS, STEPS, BATCH, 8)),
        ("output", 3, (RUNS, BATCH, 8)),
    ]


@pytest.mark.parametrize("site", Site)
def test_what_a_site_gives_back_is_what_goes_on(site: Site):
    """Twice the activations at a site are twice the matrix that they meet."""
    model = model_of("lstm", layers=2, bidirectional=True)
    weights, (inputs, lengths) = random_weights(model, True), random_inputs(True)

    def double(here: Site, layer: int, x: Tensor) -> Tensor:
        return 2 * x if here is site else x

    logits = run(model, weights, inputs, lengths, Watched(double))
    meets = {Site.input: "layer0.{}.W_hx", Site.between: "layer1.{}.W_hx", Site.output: "head.W_yh"}
    with torch.no_grad():
        for name in {meets[site].format(direction) for direction in (0, 1)}:
            weights[name].mul_(2)
    expected = run(model, weights, inputs, lengths)
    torch.testing.assert_close(logits, expected, rtol=1e-12, atol=1e-14)

"""One flat tensor, and the parameters of K runs as views of it."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from rnn_regexp.weights import Kind, Spec, Weights, offsets, total

SPECS = (
    Spec("embedding", (5, 3), Kind.embedding),
    Spec("layer0.0.W_hx", (8, 3), Kind.input_hidden, gates=4, fan=2),
    Spec("layer0.0.W_hh", (8, 2), Kind.hidden_hidden, gates=4, fan=2),
    Spec("layer0.0.b_hx", (8,), Kind.bias, gates=4, fan=2),
    Spec("head.W_yh", (3, 2), Kind.hidden_output, fan=2),
)
RUNS = 3


@pytest.fixture
def weights() -> Weights:
    weights = Weights.zeros(SPECS, RUNS, torch.double, torch.device("cpu"))
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for leaf in weights.values():
            leaf.copy_(torch.randn(leaf.shape, generator=generator))
    return weights


def test_a_mapping_from_names_to_the_tensors_of_all_runs(weights: Weights):
    assert list(weights) == [spec.name for spec in SPECS]
    assert len(weights) == len(SPECS)
    assert weights.runs == RUNS
    for spec in SPECS:
        leaf = weights[spec.name]
        assert leaf.shape == (RUNS, *spec.shape)
        assert leaf.is_leaf
        assert leaf.requires_grad


def test_views_and_flat_are_one_memory(weights: Weights):
    with torch.no_grad():
        for number, (_, start) in enumerate(offsets(SPECS)):
            weights.flat[1, start] = 100 + number
        weights["head.W_yh"][2, 1, 1] = -7
    assert [leaf[1].flatten()[0].item() for leaf in weights.values()] == [100, 101, 102, 103, 104]
    assert (weights.flat[2] == -7).sum() == 1
    assert not (weights.flat[:2] == -7).any()


def test_every_parameter_starts_on_a_cache_line():
    weights = Weights.zeros(SPECS, RUNS, torch.float32, torch.device("cpu"))
    for name in weights:
        own = weights[name]
        assert [run.data_ptr() % 64 for run in own] == [0] * RUNS, name


def test_each_run_gets_the_gradient_of_its_own_loss(weights: Weights):
    def losses(parts: dict[str, Tensor]) -> Tensor:
        drive = torch.einsum("kvd,kgd->k", parts["embedding"], parts["layer0.0.W_hx"].sin())
        return drive.exp() + parts["head.W_yh"].pow(3).sum(dim=(1, 2))

    weights.differentiate(losses(dict(weights)))
    for k in range(RUNS):
        own = {name: leaf[k : k + 1].detach().clone() for name, leaf in weights.items()}
        for part in own.values():
            part.requires_grad_()
        losses(own)[0].backward()
        for spec, start in offsets(SPECS):
            found = weights.gradient[k, start : start + spec.size].view(spec.shape)
            grad = own[spec.name].grad
            expected = torch.zeros(spec.shape) if grad is None else grad[0]
            assert torch.allclose(found, expected.double(), rtol=1e-13, atol=0), spec.name


def test_a_second_call_replaces_the_gradient(weights: Weights):
    for _ in range(2):
        weights.differentiate(3 * weights["head.W_yh"].sum(dim=(1, 2)))
    assert weights.gradient.unique().tolist() == [0, 3]
    weights.differentiate(weights["embedding"].sum(dim=(1, 2)))
    assert weights.gradient.sum() == RUNS * 15


def test_what_lies_between_parameters_has_no_gradient(weights: Weights):
    weights.differentiate(sum(leaf.flatten(1).sum(dim=1) for leaf in weights.values()))
    assert weights.gradient.sum() == RUNS * sum(spec.size for spec in SPECS)


@pytest.mark.parametrize(
    ("kinds", "names"),
    [
        ([Kind.bias], ["layer0.0.b_hx"]),
        ([Kind.hidden_output, Kind.embedding], ["embedding", "head.W_yh"]),
        (list(Kind), [spec.name for spec in SPECS]),
        ([], []),
    ],
)
def test_parameters_of_some_kinds_in_their_order(
    weights: Weights, kinds: list[Kind], names: list[str]
):
    found = list(weights.of(*kinds))
    assert [spec.name for spec, _ in found] == names
    assert all(tensor is weights[spec.name] for spec, tensor in found)


@settings(derandomize=True, deadline=None, database=None)
@given(st.lists(st.lists(st.integers(1, 40), min_size=1, max_size=3), max_size=6))
def test_parameters_never_overlap_and_leave_gaps_below_a_cache_line(shapes: list[list[int]]):
    specs = tuple(Spec(str(n), tuple(shape), Kind.bias) for n, shape in enumerate(shapes))
    edges = [(start, start + spec.size) for spec, start in offsets(specs)]
    following = [start for start, _ in edges[1:]] + [total(specs)]
    for (start, end), after in zip(edges, following):
        assert start % 16 == 0
        assert end <= after < end + 16

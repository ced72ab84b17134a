"""Products by compiled tiles, against torch's in float64."""

import os
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest
import torch

pytest.importorskip("numba", reason="Numba is not installed: its kernels are not tested")

from rnn_regexp.recurrence import cpu_products, products

SIZES = (1, 3, 8, 15, 16, 17, 31, 33, 50, 64, 100)


def matrices(runs: int, rows: int, columns: int, turned: bool) -> torch.Tensor:
    """Random ones, whose rows or columns adjoin."""
    if turned:
        return torch.randn(runs, columns, rows, dtype=torch.float64).transpose(1, 2)
    return torch.randn(runs, rows, columns, dtype=torch.float64)


@pytest.mark.parametrize("turned", list(product((False, True), repeat=2)), ids=str)
@pytest.mark.parametrize("depth", [1, 2, 40, 384, 385, 800])
@pytest.mark.parametrize("rows", [1, 2, 7, 8, 13, 33])
def test_every_shape(rows: int, depth: int, turned: tuple[bool, bool]):
    for columns, runs in product(SIZES, (1, 3)):
        A, B = matrices(runs, rows, depth, turned[0]), matrices(runs, depth, columns, turned[1])
        start = torch.randn(runs, columns, dtype=torch.float64)
        wanted = A @ B
        for dtype, exactness in ((torch.float64, 1e-12), (torch.float32, 1e-5)):
            own = [x.to(dtype) for x in (A, B, start)]
            found = cpu_products.product(*own[:2])
            assert (found - wanted).abs().max() < exactness * depth
            begun = cpu_products.product(*own)
            assert (begun - wanted - start[:, None]).abs().max() < exactness * depth


def test_no_rows_no_runs_and_no_depth():
    for shape in product((0, 2), repeat=3):
        runs, rows, depth = shape
        found = cpu_products.product(torch.ones(runs, rows, depth), torch.ones(runs, depth, 5))
        assert torch.equal(found, torch.full((runs, rows, 5), float(depth)))


def test_a_row_is_the_same_alone_and_among_others():
    A, B = torch.randn(1, 45, 70), torch.randn(1, 70, 90)
    every = cpu_products.product(A, B)
    for row in range(45):
        assert torch.equal(cpu_products.product(A[:, row : row + 1], B)[:, 0], every[:, row])


def test_what_is_not_a_number_or_infinite_reaches_the_product():
    A, B = torch.ones(1, 9, 20), torch.ones(1, 20, 40)
    A[0, 3, 5], B[0, 7, 35], A[0, 8, 2] = float("nan"), float("inf"), -float("inf")
    assert torch.equal(cpu_products.product(A, B).nan_to_num(7), (A @ B).nan_to_num(7))


@pytest.mark.parametrize("width", [3, 40])
def test_the_recurrence_takes_tiles_on_one_thread_alone(
    width: int, monkeypatch: pytest.MonkeyPatch
):
    x, d_a = torch.randn(2, 6, 5, width), torch.randn(2, 6, 5, 12)
    W, b = torch.randn(2, 12, width), torch.randn(2, 12)
    tiled, asked, found = cpu_products.product, [], {}

    def spied(A: torch.Tensor, B: torch.Tensor, *start: torch.Tensor | None) -> torch.Tensor:
        asked.append(B.shape[2])
        return tiled(A, B, *start)

    monkeypatch.setattr(cpu_products, "product", spied)
    for threads in (1, 2):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        found[threads] = products.of_steps(x, W, b), products.over_steps(d_a, x)
    assert asked == [12, 12 if width == 3 else 40]  # a narrow product is computed turned
    for one, two in zip(*found.values()):
        torch.testing.assert_close(one, two, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("rows", [3, 500])
def test_biases_whose_numbers_lie_apart(rows: int, monkeypatch: pytest.MonkeyPatch):
    """oneDNN takes no notice of how far apart they are."""
    x, W, b = torch.randn(2, rows, 300), torch.randn(2, 257, 300), torch.randn(257, 2).T
    wanted = x @ W.mT + b[:, None]
    for threads in (1, 2):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        torch.testing.assert_close(products.of_steps(x, W, b), wanted, rtol=1e-4, atol=1e-3)


NARROWER = """
import llvmlite.binding, torch
features = llvmlite.binding.get_host_cpu_features()
features["avx512f"] = False  # for Numba too
llvmlite.binding.get_host_cpu_features = lambda: features
from rnn_regexp.recurrence import cpu_tiles
from rnn_regexp.recurrence.cpu_products import product
assert cpu_tiles.VECTOR == 32
for rows in (1, 3, 6, 9):
    for columns in (2, 7, 8, 13, 16, 45):
        A, B = torch.randn(2, rows, 30), torch.randn(2, 30, columns)
        torch.testing.assert_close(product(A, B), A @ B, rtol=1e-4, atol=1e-4)
"""


def test_on_a_processor_without_the_widest_vectors(tmp_path: Path):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", NARROWER], env=environment, check=True)

"""Products of K runs by compiled tiles: the inputs of all steps, and the gradients of weights."""

from functools import cache, lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from rnn_regexp.compiler import compiled, first
from rnn_regexp.recurrence.cpu_matrices import Factor, multiply, pack, room

_CHUNK = 384  # of the depth, summed by itself: packed it stays in the nearest cache
_ONES: dict[torch.dtype, Any] = {torch.float32: np.float32(1), torch.float64: np.float64(1)}


class Stack(NamedTuple):
    """K matrices: the address, and how far apart in numbers they, rows, and a row's numbers are."""

    at: int
    run: int
    row: int
    next: int


def product(A: Tensor, B: Tensor, start: Tensor | None = None) -> Tensor:
    """A B + start: (K, rows, depth), (K, depth, columns), (K, columns) -> (K, rows, columns)."""
    (K, rows, depth), columns, size = A.shape, B.shape[2], A.itemsize
    C = A.new_empty(K, rows, columns)
    spare = A.new_empty(rows, columns) if depth > _CHUNK else C
    packed = A.new_empty(room(min(depth, _CHUNK), columns, size))
    S = _zeros(columns, A.dtype) if start is None else start.contiguous()
    of_S = S.data_ptr(), 0 if start is None else columns
    buffers = packed.data_ptr(), spare.data_ptr(), C.data_ptr()
    one, stacks = _one(A.dtype), (_stack(A), _stack(B))
    _products(one, size, K, *stacks, *of_S, *buffers, rows, depth, columns)
    return C


def _stack(x: Tensor) -> Stack:
    return Stack(x.data_ptr(), *x.stride())


@lru_cache(maxsize=256)
def _zeros(columns: int, dtype: torch.dtype) -> Tensor:
    return torch.zeros(columns, dtype=dtype, device="cpu")  # whatever is the default


@cache
def _one(dtype: torch.dtype) -> Any:
    """1, when the kernel is compiled for the type of numbers: called with no runs."""
    one, none = _ONES[dtype], Stack(0, 0, 0, 0)
    first(lambda: _products(one, dtype.itemsize, 0, none, none, *(0,) * 8))
    return one


@compiled
def _products(one, size, K, A, B, S, S_run, packed, spare, C, rows, depth, columns):
    """Chunk after chunk of the depth, by turns to ``spare`` and to C, the last to C."""
    chunks, whole = max(1, (depth + _CHUNK - 1) // _CHUNK), rows * columns * size
    for k in range(K):
        start, start_row = S + k * S_run * size, 0
        for c in range(chunks):
            done, some = c * _CHUNK, min(_CHUNK, depth - c * _CHUNK)
            of_A = Factor(A.at + (k * A.run + done * A.next) * size, A.row, A.next)
            of_B = Factor(B.at + (k * B.run + done * B.row) * size, B.row, B.next)
            to = C + k * whole if (chunks - c) % 2 else spare
            pack(one, size, of_B, packed, some, columns)
            multiply(one, size, of_A, packed, start, start_row, to, rows, some, columns)
            start, start_row = to, columns

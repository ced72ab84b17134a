"""torch's fused kernels (oneDNN, cuDNN), run by run, where they compute the same recurrence.

On CUDA the runs go to parallel streams: one run of a small network leaves most of a device idle.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import cache

import torch
from torch import Tensor

from rnn_regexp.recurrence.cells import LSTM, Cell, LayerWeights, State

_STREAMS = 8


def native(cell: Cell, inputs: Tensor, state: State, weights: LayerWeights) -> tuple[Tensor, State]:
    """One layer of torch's kernel for each run: outputs (K, T, B, H) and the last state."""
    if len(inputs) == 1:  # views, where several runs need copies
        output, last = _one(cell, inputs.squeeze(0), state, [w.squeeze(0) for w in weights])
        return output[None], last
    starts = zip(*(s.split(1) for s in state), strict=True)  # (1, B, H) of each run
    matrices = zip(*(w.unbind() for w in weights), strict=True)
    runs = list(zip(inputs, starts, map(list, matrices), strict=True))
    each = _side_by_side(cell, runs) if inputs.is_cuda else [_one(cell, *own) for own in runs]
    outputs, lasts = zip(*each, strict=True)
    return torch.stack(outputs), tuple(torch.cat(s) for s in zip(*lasts, strict=True))


Run = tuple[Tensor, State, list[Tensor]]  # inputs (T, B, D), states (1, B, H), weights


def _side_by_side(cell: Cell, runs: list[Run]) -> list[tuple[Tensor, State]]:
    """Each run on one of a few streams, which fork from the current one and join it again."""
    device = runs[0][0].device
    here, streams, results = torch.cuda.current_stream(device), _streams(device), []
    used = streams[: len(runs)]
    for stream in used:
        stream.wait_stream(here)
    for index, own in enumerate(runs):
        with torch.cuda.stream(used[index % len(used)]):
            results.append(_one(cell, *own))
    for stream in used:
        here.wait_stream(stream)
    for output, last in results:
        for tensor in (output, *last):
            tensor.record_stream(here)  # made in another stream's memory
    return results


@cache
def _streams(device: torch.device) -> tuple[torch.cuda.Stream, ...]:
    return tuple(torch.cuda.Stream(device) for _ in range(_STREAMS))


def _one(cell: Cell, inputs: Tensor, state: State, weights: list[Tensor]) -> tuple[Tensor, State]:
    """Inputs (T, B, D), states (1, B, H): outputs (T, B, H) and the last states."""
    kernel = getattr(torch, cell.name)
    start = state if cell is LSTM else state[0]
    with _cudnn() if inputs.is_cuda else nullcontext():
        output, *last = kernel(inputs, start, weights, True, 1, 0.0, True, False, False)
    return output, tuple(last)


@contextmanager
def _cudnn() -> Iterator[None]:
    """cuDNN without its warning that weights lie apart, as they must: rows of all runs."""
    _full_precision()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "RNN module weights are not part of single contiguous")
        yield


@cache
def _full_precision() -> None:
    """Make cuDNN multiply float32 as float32, as torch's own products do unless told otherwise.

    Its default, TF32, keeps 10 bits: a run alone and the same run in a cohort, which our kernels
    compute, would differ by more than rounding.  Set once, at first use; later settings hold.
    """
    torch.backends.cudnn.allow_tf32 = torch.get_float32_matmul_precision() != "highest"

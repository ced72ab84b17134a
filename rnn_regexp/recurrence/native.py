"""torch's fused kernels (oneDNN, cuDNN), run by run, where they compute the same recurrence.

On CUDA the runs go to parallel streams: one run of a small network leaves most of a device idle.
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from rnn_regexp.recurrence.cells import LSTM, Cell, LayerWeights, State

_STREAMS = 8
_WORTH_A_CALL = 1_600_000  # rows that are saved, times H squared


Run = tuple[Tensor, State, list[Tensor]]  # inputs (T, B, D), states (1, B, H), weights


def native(cell: Cell, inputs: Tensor, state: State, weights: LayerWeights) -> tuple[Tensor, State]:
    """One layer of torch's kernel for each run: outputs (K, T, B, H) and the last state."""
    runs = _apart(inputs, state, weights)
    each = _side_by_side(cell, runs) if inputs.is_cuda else [_one(cell, *own) for own in runs]
    outputs, lasts = zip(*each, strict=True)
    return _stacked(outputs), tuple(map(_joined, zip(*lasts, strict=True)))


def native_in_pieces(
    cell: Cell, inputs: Tensor, state: State, weights: LayerWeights, lengths: Tensor
) -> Tensor:
    """Outputs (K, T, B, H) of ``native``, zero on padding that it can leave out; on the host."""
    (_, T, B, _), H = inputs.shape, state[0].shape[-1]
    cuts = cut(lengths, H) if T * B * H * H >= 2 * _WORTH_A_CALL else []
    if all(len(own.rows) == 0 and own.end == T for own in cuts):
        return native(cell, inputs, state, weights)[0]
    runs = _apart(inputs, state, weights)
    return _stacked([_pieces(cell, *own, at) for own, at in zip(runs, cuts, strict=True)])


def _apart(inputs: Tensor, state: State, weights: LayerWeights) -> list[Run]:
    if len(inputs) == 1:  # views whose way back is a view
        return [(inputs.squeeze(0), state, [w.squeeze(0) for w in weights])]
    starts = zip(*(s.split(1) for s in state), strict=True)  # (1, B, H) of each run
    matrices = zip(*(w.unbind() for w in weights), strict=True)
    return list(zip(inputs, starts, map(list, matrices), strict=True))


def _joined(states: Sequence[Tensor]) -> Tensor:
    return states[0] if len(states) == 1 else torch.cat(list(states))


def _stacked(outputs: Sequence[Tensor]) -> Tensor:
    return outputs[0][None] if len(outputs) == 1 else torch.stack(list(outputs))


class Cut(NamedTuple):
    """Where the kernel goes on with some of the rows, and where it ends."""

    step: int
    end: int
    rows: Tensor


def cut(lengths: Tensor, H: int) -> list[Cut]:
    """The cut of each run that saves most, behind the last step where it saves too little."""
    (_, B), (longest, order) = lengths.shape, lengths.sort(dim=1, descending=True, stable=True)
    saved = (longest[:, :1] - longest) * (B - torch.arange(B))  # rows, by the rank that ends first
    most, ranks = saved.max(dim=1)
    ranks = ranks * (most * H * H >= _WORTH_A_CALL)
    steps, ends = longest.gather(1, ranks[:, None])[:, 0].tolist(), longest[:, 0].tolist()
    rows = [own[:rank] for own, rank in zip(order, ranks.tolist(), strict=True)]
    return list(map(Cut, steps, ends, rows))


def _pieces(cell: Cell, inputs: Tensor, state: State, weights: list[Tensor], at: Cut) -> Tensor:
    """Outputs (T, B, H) of one run, all rows up to the cut and the longer ones behind it."""
    (T, B, _), first = inputs.shape, max(at.step, 1)
    output, state = _one(cell, inputs[:first], state, weights)
    parts, count = [output], at.end - first
    if count > 0:
        index = (torch.arange(count)[:, None] * B + at.rows).flatten()
        longer = inputs[first : at.end].flatten(0, 1).index_select(0, index)
        state = tuple(s.index_select(1, at.rows) for s in state)
        output, _ = _one(cell, longer.unflatten(0, (count, -1)), state, weights)
        rest = output.new_zeros(count * B, output.shape[-1])
        parts.append(rest.index_add_(0, index, output.flatten(0, 1)).view(count, B, -1))
    if (left := T - max(first, at.end)) > 0:
        parts.append(output.new_zeros(left, B, output.shape[-1]))
    return parts[0] if len(parts) == 1 else torch.cat(parts)


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

"""What leaving out padding saves: batches of the docstrings, as long as they are.

Usage: ``python -m scripts.benchmark_lengths [--cells gru lstm] [--hidden 64] [--runs 1 16]
[--csv FILE]``.  Forward and backward pass of one layer over the longest text of all runs.  *padded*
is ours on full steps; torch computes one run after the other, padded and packed
(``pack_padded_sequence``), and the loop goes over torch's cells with zoneout on h.  Rivals take
turns; times are medians over the turns, in milliseconds of one run.
"""

import argparse
from collections.abc import Iterator
from functools import partial
from itertools import chain, product
from pathlib import Path
from statistics import median

import torch
from torch import Tensor
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from rnn_regexp.allocator import keep_freed_memory
from rnn_regexp.data import Docstrings
from rnn_regexp.recurrence.cells import ALL, Cell
from rnn_regexp.recurrence.layer import layer
from rnn_regexp.recurrence.lengths import valid
from rnn_regexp.recurrence.perturbation import RecurrentNoise
from scripts import table
from scripts.benchmark_recurrence import Pass, loop, modules_of, timed

BATCH = 32
COLUMNS = "left,% ours padded torch packed loop".split()


def lengths_of(runs: int) -> Tensor:
    """A shuffled batch of each run, (K, B)."""
    every = Docstrings().load().train.lengths
    generator = torch.Generator().manual_seed(0)
    return torch.stack(
        [every[torch.randperm(len(every), generator=generator)[:BATCH]] for _ in range(runs)]
    )


def rivals_of(cell: Cell, H: int, lengths: Tensor, noisy: bool) -> dict[str, Pass]:
    """Passes of all runs, by name."""
    (runs, B), T = lengths.shape, int(lengths.max())
    modules = modules_of(cell, H, runs, "cpu")
    theirs = [w for module in modules for w in module.parameters()]
    each = zip(*(module.parameters() for module in modules), strict=True)
    W_hx, W_hh, b_hx, b_hh = (
        torch.stack([w.detach() for w in own]).requires_grad_() for own in each
    )
    pull = torch.randn(runs, T, B, H) * valid(lengths, T)[..., None]
    x = torch.randn_like(pull).requires_grad_()
    keep = (torch.rand_like(pull) < 0.1).to(pull)
    noise = RecurrentNoise(zoneout_h=keep) if noisy else None

    def ours(of: Tensor | None) -> object:
        outputs, _ = layer(cell, x, of, ((W_hx, W_hh, b_hx, b_hh),), noise=noise)
        return torch.autograd.grad(outputs, [x, W_hx, W_hh, b_hx, b_hh], pull)

    def padded() -> object:
        outputs = torch.stack([own(x_k)[0] for own, x_k in zip(modules, x, strict=True)])
        return torch.autograd.grad(outputs, [x, *theirs], pull)

    def packed() -> object:
        outputs = []
        for own, x_k, of in zip(modules, x, lengths, strict=True):
            made, _ = own(pack_padded_sequence(x_k, of, enforce_sorted=False))
            outputs.append(pad_packed_sequence(made, total_length=T)[0])
        return torch.autograd.grad(torch.stack(outputs), [x, *theirs], pull)

    def looped() -> object:
        assert noise is not None
        weights = [W_hx, W_hh, b_hx, b_hh]
        outputs = loop(cell, x, weights, [noise.at(t) for t in range(T)])
        return torch.autograd.grad(outputs, [x, *weights], pull)

    found = {"ours": partial(ours, lengths), "padded": partial(ours, None)}
    return found | ({"loop": looped} if noisy else {"torch": padded, "packed": packed})


def row(cell: Cell, H: int, runs: int, noisy: bool, turns: int) -> list[str]:
    """The figures of one cell, size, cohort and kind of noise."""
    lengths = lengths_of(runs)
    rivals = rivals_of(cell, H, lengths, noisy)
    times: dict[str, list[float]] = {name: [] for name in rivals}
    for _ in range(turns):
        for name, run in rivals.items():
            times[name].append(timed(run, "cpu", 3) / runs)
    left = 100 * float(lengths.float().mean()) / int(lengths.max())
    figures = [f"{median(times[name]):.2f}" if name in times else "" for name in COLUMNS[1:]]
    return [cell.name, str(H), str(runs), "zoneout" if noisy else "", f"{left:.0f}", *figures]


def rows(options: argparse.Namespace) -> Iterator[list[str]]:
    cells = [cell for cell in ALL if cell.name in options.cells]
    for cell, H, runs, noisy in product(cells, options.hidden, options.runs, (False, True)):
        yield row(cell, H, runs, noisy, options.turns)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cells", nargs="+", default=["rnn_tanh", "gru", "lstm"])
    parser.add_argument("--hidden", nargs="+", type=int, default=[32, 64, 128, 256])
    parser.add_argument("--runs", nargs="+", type=int, default=[1, 16])
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--csv", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()  # as a training does
    header = ["cell", "hidden", "K", "noise", *COLUMNS]
    table.write(options.csv, table.aligned(chain([header], rows(options)), 10))


if __name__ == "__main__":
    main()

"""Forward and backward pass of one recurrent layer against torch's kernels and a loop over cells.

Usage: ``python -m scripts.benchmark_recurrence [--cells lstm] [--hidden 32 650] [--runs K]
[--device cuda] [--csv FILE]``.  Of several runs, torch and the loop compute one after the other.
All rivals of one cell and size take turns.  A time is the median over the turns, a ratio the median
of the ratios within a turn.  Memory is what one pass adds at its peak (CUDA, or Linux).
"""

import argparse
import ctypes
import os
import re
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from statistics import median

import torch
from torch import Tensor, nn

from rnn_regexp.allocator import keep_freed_memory
from rnn_regexp.recurrence.backends import Backend
from rnn_regexp.recurrence.cells import ALL, GRU, LSTM, Cell
from rnn_regexp.recurrence.layer import layer
from rnn_regexp.recurrence.perturbation import NONE, RecurrentNoise
from scripts import table

Pass = Callable[[], object]
KINDS = ("plain", "h", "h per gate", "candidate", "state", "zoneout_h", "cell", "zoneout_c")
COLUMNS = "ours_ms torch_ms loop_ms ours/torch ours/plain loop/ours ours_MiB torch_MiB loop_MiB"


def noise_of(kind: str, cell: Cell, like: Tensor) -> RecurrentNoise:
    """A mask for outputs (K, T, B, H), fresh at every step."""
    gates = cell.gates if kind == "h per gate" else 1
    shape = (*like.shape[:3], gates, like.shape[3]) if kind[0] == "h" else like.shape
    mask = (torch.rand(shape, device=like.device) < 0.7).to(like)
    return NONE if kind == "plain" else RecurrentNoise(**{kind.split()[0]: mask})


def loop(cell: Cell, x: Tensor, weights: list[Tensor], noise: list[RecurrentNoise]) -> Tensor:
    """The usual loop over torch's own cell with noise around it: (K, T, B, D) to (K, T, B, H)."""
    return torch.stack([loop_of_run(cell, x, weights, noise, k) for k in range(len(x))])


def loop_of_run(
    cell: Cell, x: Tensor, weights: list[Tensor], noise: list[RecurrentNoise], k: int
) -> Tensor:
    h = c = x.new_zeros(x.shape[2], weights[1].shape[2])
    step, own, outputs = getattr(torch, f"{cell.name}_cell"), [w[k] for w in weights], []
    for x_t, now in zip(x[k], noise, strict=True):
        seen = h if now.h is None else h * now.h[k, :, 0]
        made = step(x_t, (seen, c) if cell is LSTM else seen, *own)
        new_h, new_c = made if cell is LSTM else (made, c)
        h = new_h if now.zoneout_h is None else torch.lerp(new_h, h, now.zoneout_h[k])
        c = new_c if now.zoneout_c is None else torch.lerp(new_c, c, now.zoneout_c[k])
        h = h if now.state is None else h * now.state[k]
        outputs.append(h)
    return torch.stack(outputs)


def modules_of(cell: Cell, H: int, runs: int, device: str) -> list[nn.Module]:
    """torch's layer for each run."""
    kind = {"gru": nn.GRU, "lstm": nn.LSTM}.get(cell.name, nn.RNN)
    settings = {"nonlinearity": cell.name.removeprefix("rnn_")} if kind is nn.RNN else {}
    return [kind(H, H, device=device, **settings) for _ in range(runs)]


def rivals_of(cell: Cell, H: int, options: argparse.Namespace) -> dict[tuple[str, str], Pass]:
    """By noise and name: ours, torch, and the loop, written out where the noise is in the cell."""
    modules = modules_of(cell, H, options.runs, options.device)
    theirs: list[Tensor] = [w for module in modules for w in module.parameters()]
    each = zip(*(module.parameters() for module in modules), strict=True)
    W_hx, W_hh, b_hx, b_hh = (
        torch.stack([w.detach() for w in own]).requires_grad_() for own in each
    )
    stacked = [W_hx, W_hh, b_hx, b_hh]
    size = (options.runs, options.steps, options.batch, H)
    pull = torch.randn(size, device=options.device)
    x = torch.randn_like(pull).requires_grad_()

    def torchs() -> Tensor:
        return torch.stack([module(own)[0] for module, own in zip(modules, x, strict=True)])

    def both(forward: Callable[[], Tensor], weights: list[Tensor] = stacked) -> Pass:
        return lambda: torch.autograd.grad(forward(), [x, *weights], pull)

    def ours(noise: RecurrentNoise, backend: Backend = Backend.auto) -> Tensor:
        return layer(cell, x, None, ((W_hx, W_hh, b_hx, b_hh),), backend, noise)[0]

    rivals = {("plain", "torch"): both(torchs, theirs)}
    for name in KINDS[: 8 if cell is LSTM else 6]:
        within = name in ("h per gate", "candidate", "cell") or (name == "h" and cell is GRU)
        if cell.gates > 1 or not within:
            noise = noise_of(name, cell, pull)
            usual = partial(loop, cell, x, stacked, [noise.at(t) for t in range(options.steps)])
            rivals[name, "ours"] = both(partial(ours, noise))
            rivals[name, "loop"] = both(partial(ours, noise, Backend.cells) if within else usual)
    return rivals


def synchronize(device: str) -> None:
    """Wait until the device has done what it was given."""
    if device == "cuda":
        torch.cuda.synchronize()


def timed(run: Pass, device: str, passes: int) -> float:
    """Milliseconds of a pass; one more goes before, as training repeats the same step."""
    run()
    synchronize(device)
    start = time.perf_counter()
    for _ in range(passes):
        run()
    synchronize(device)
    return 1e3 * (time.perf_counter() - start) / passes


def peak(run: Pass, device: str) -> float:
    """MiB on top of what is there already."""
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        run()
        return (torch.cuda.max_memory_allocated() - before) / 2**20
    status = Path("/proc/self/status")
    ctypes.CDLL(None).malloc_trim(0)  # gives back what earlier passes freed
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    before = int(re.findall(r"VmRSS:\s+(\d+)", status.read_text())[0])
    run()
    return (int(re.findall(r"VmHWM:\s+(\d+)", status.read_text())[0]) - before) / 2**10


def rows(cell: Cell, H: int, options: argparse.Namespace) -> Iterator[list[str]]:
    """One row for each kind of noise."""
    rivals = rivals_of(cell, H, options)
    first = {key: timed(run, options.device, 1) for key, run in rivals.items()}
    memory = {key: peak(run, options.device) for key, run in rivals.items()}
    times: dict[tuple[str, str], list[float]] = {key: [] for key in rivals}
    for _ in range(options.turns):
        for key, run in rivals.items():
            passes = 1 + int(options.milliseconds / first[key])
            times[key].append(timed(run, options.device, passes))
    for name in dict.fromkeys(name for name, _ in rivals):
        keys = own, theirs, loops = [(name, rival) for rival in ("ours", "torch", "loop")]
        numbers = [median(times[key]) if key in times else None for key in keys]
        for pair in ((own, theirs), (own, ("plain", "ours")), (loops, own)):
            ratios = [a / b for a, b in zip(*(times.get(key, ()) for key in pair), strict=False)]
            numbers.append(median(ratios) if ratios else None)
        numbers += [memory.get(key) for key in keys]
        yield [cell.name, str(H), name, *("" if n is None else f"{n:.2f}" for n in numbers)]


def machine(options: argparse.Namespace) -> str:
    """What was measured on."""
    cpu = re.findall(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())[0]
    device = torch.cuda.get_device_name() if options.device == "cuda" else cpu
    sizes = f"K={options.runs}, T={options.steps}, B={options.batch}"
    sizes += ", inputs as wide as the layer, float32"
    return f"{device}, {os.cpu_count()} cores, 1 thread, torch {torch.__version__}, {sizes}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cells", nargs="+", default=[cell.name for cell in ALL])
    parser.add_argument("--hidden", nargs="+", type=int, default=[32, 64, 128, 256, 650])
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--steps", type=int, default=35)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--turns", type=int, default=15)
    parser.add_argument("--milliseconds", type=float, default=30.0, help="for a rival in a turn")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--csv", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()  # as a training does
    torch.backends.cudnn.allow_tf32 = False  # float32 of all rivals
    print(note := machine(options))
    cells = (cell for cell in ALL if cell.name in options.cells)
    measured = (rows(cell, H, options) for cell in cells for H in options.hidden)
    header = ["cell", "hidden", "noise", *COLUMNS.split()]
    table.write(options.csv, table.aligned(chain([header], *measured), 11), note)


if __name__ == "__main__":
    main()

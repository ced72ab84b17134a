"""The random numbers of ``noise.py`` by one Triton kernel for all runs: the same, bit for bit.

Of each 64-bit word, made and used up in registers, two numbers are written, or two bits of a mask:
nothing else passes through memory.
"""

import math

import torch
import triton
import triton.language as tl
from torch import Tensor

_WORDS = 512  # of a program


@triton.jit
def _mix(z):
    """The finalizer of SplitMix64, on unsigned 64-bit integers."""
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB
    return z ^ (z >> 31)


@triton.jit(do_not_specialize=["site", "count"])
def _draw(out, seeds, steps, rates, site, count, WORDS: tl.constexpr):
    """Numbers (K, count), or, given ``rates`` (K,), whether they are not below a run's rate."""
    k = tl.program_id(1)
    start = tl.program_id(0).to(tl.int64) * WORDS
    seed = tl.load(seeds + k + tl.zeros((1,), tl.int64))  # of one element: numpy's scalars warn
    step = tl.load(steps + k + tl.zeros((1,), tl.int64))
    key = _mix(_mix(seed.to(tl.uint64) + site.to(tl.uint64)) + step.to(tl.uint64))
    position = (start + 1 + tl.arange(0, WORDS)).to(tl.uint64)
    word = _mix(key + position * 0x9E3779B97F4A7C15)
    halves = tl.interleave((word >> 8) & 0xFFFFFF, word >> 40)  # 24 bits each, low half first
    drawn = halves.to(tl.int32).to(tl.float32) * (1.0 / (1 << 24))
    place = 2 * start + tl.arange(0, 2 * WORDS)
    if rates is not None:
        drawn = drawn >= tl.load(rates + k)
    tl.store(out + k.to(tl.int64) * count + place, drawn, mask=place < count)


def draw(
    seeds: Tensor, site: int, step: int | Tensor, shape: tuple[int, ...], rate: Tensor | None = None
) -> Tensor:
    """``Noise.uniform``, or given ``rate`` (K,) ``Noise.keep``, of a site with key ``site``."""
    K, count = len(seeds), math.prod(shape)
    out = seeds.new_empty((K, *shape), dtype=torch.float32 if rate is None else torch.bool)
    steps = step if isinstance(step, Tensor) else torch.full_like(seeds, step)
    rates = None if rate is None else rate.to(seeds.device, torch.float32).contiguous()
    with torch.cuda.device_of(seeds):
        _draw[(triton.cdiv(max(count, 1), 2 * _WORDS), K)](
            out, seeds.contiguous(), steps.contiguous(), rates, site, count, WORDS=_WORDS
        )
    return out

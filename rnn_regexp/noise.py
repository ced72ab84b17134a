"""Keyed random numbers for K runs at once: no generator, no state, no order of drawing.

A number depends on (run seed, site, step, position) alone, so a run sees the same masks alone and
in any cohort, whichever other regularizers are on, after it is resumed, on CPU and on CUDA::

    z_i = mix(key + i * gamma),   key = mix(mix(seed + site) + step)

This is SplitMix64 (Steele, Lea & Flood 2014, "Fast splittable pseudorandom number generators",
section 4) started at a hashed key.  Each 64-bit output gives two numbers of 24 bits.
Positions are counted in row-major order: growing the *first* dimension of a shape leaves the
numbers that were there unchanged, so padding a batch to more time steps changes no mask.
"""

import hashlib
import math

import torch
from torch import Tensor

from rnn_regexp import kernels


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value


_GAMMA = _signed(0x9E3779B97F4A7C15)
_FIRST = _signed(0xBF58476D1CE4E5B9)
_SECOND = _signed(0x94D049BB133111EB)


class Noise:
    """The random numbers of K runs at one optimizer step (or epoch, or at initialization: 0)."""

    def __init__(self, seeds: Tensor, step: int | Tensor = 0, branch: str = "") -> None:
        self.seeds = seeds  # (K,) int64
        self.step = step  # or one for each run, (K,) int64
        self.branch = branch

    def branched(self, name: str) -> "Noise":
        """Other numbers at the same sites: for a second pass over the same batch."""
        return Noise(self.seeds, self.step, f"{self.branch}{name}/")

    def bits(self, site: str, count: int) -> Tensor:
        """``count`` 64-bit integers for each run, (K, count) int64."""
        position = torch.arange(1, count + 1, device=self.seeds.device) * _GAMMA  # (count,)
        return _mix(self._keys(site)[:, None] + position)

    def _keys(self, site: str) -> Tensor:
        return _mix(_mix(self.seeds + _site_key(self.branch + site)) + self.step)  # (K,)

    def uniform(self, site: str, shape: tuple[int, ...]) -> Tensor:
        """Numbers in [0, 1), multiples of 2^-24, (K, *shape) float32."""
        if kernels.ready(self.seeds.device):
            return self._by_kernel(site, shape)
        count = math.prod(shape)
        words = self.bits(site, (count + 1) // 2).view(torch.int32)[:, :count]  # (K, count)
        numbers = words.bitwise_right_shift(8).bitwise_and_(0xFFFFFF)
        return numbers.float().mul_(2.0**-24).view(-1, *shape)

    def keep(self, site: str, shape: tuple[int, ...], rate: Tensor) -> Tensor:
        """True with probability 1 - rate, with one rate (K,) a run; (K, *shape) bool."""
        if kernels.ready(self.seeds.device):
            return self._by_kernel(site, shape, rate)
        drawn = self.uniform(site, shape)
        return drawn >= rate.to(drawn).view(-1, *(1 for _ in shape))

    def keep_at(self, site: str, places: Tensor, rate: Tensor) -> Tensor:
        """What ``keep`` says at ``places`` (K, ...), positions in a shape of any size; bool."""
        each = (-1, *(1 for _ in places.shape[1:]))
        words = _mix(self._keys(site).view(each) + (places // 2 + 1) * _GAMMA)
        numbers = torch.where(places % 2 == 0, words >> 8, words >> 40).bitwise_and_(0xFFFFFF)
        drawn = numbers.float().mul_(2.0**-24)
        return drawn >= rate.to(drawn).view(each)

    def normal(self, site: str, shape: tuple[int, ...]) -> Tensor:
        """Standard normal numbers by inversion, (K, *shape) float64."""
        middle = self.uniform(site, shape).double() + 2.0**-25  # in (0, 1), symmetric about 1/2
        return torch.erfinv(2.0 * middle - 1.0) * math.sqrt(2.0)

    def permutation(self, site: str, count: int) -> Tensor:
        """A random order of 0..count-1 for each run, (K, count) int64."""
        return self.bits(site, count).argsort(dim=1, stable=True)

    def _by_kernel(self, site: str, shape: tuple[int, ...], rate: Tensor | None = None) -> Tensor:
        from rnn_regexp.noise_cuda import draw

        return draw(self.seeds, _site_key(self.branch + site), self.step, shape, rate)


def substream(seed: int, number: int) -> int:
    """The seed of a family of random numbers beside that of ``seed``, which is number 0."""
    return _signed((seed + _site_key(f"stream/{number}")) % (1 << 64)) if number else seed


def _site_key(site: str) -> int:
    return int.from_bytes(
        hashlib.blake2b(site.encode(), digest_size=8).digest(), "little", signed=True
    )


def _mix(z: Tensor) -> Tensor:
    """The finalizer of SplitMix64; shifts are logical, hence the masks."""
    z = z ^ (z >> 30).bitwise_and_((1 << 34) - 1)
    z = z.mul_(_FIRST)
    z ^= (z >> 27).bitwise_and_((1 << 37) - 1)
    z = z.mul_(_SECOND)
    z ^= (z >> 31).bitwise_and_((1 << 33) - 1)
    return z

"""Speech as log-mel frames: the energies of frequency bands as wide as the ear hears them."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

FLOOR = 1e-10  # added to a band's power: digital silence would be log 0
Signal = NDArray[np.float64]


def log_mel(
    signal: Signal, rate: int, bands: int, window: float = 0.025, hop: float = 0.010
) -> NDArray[np.float32]:
    """log(mel(|rfft(hann * signal)|^2) + 1e-10): frames (T, bands), ``window`` s every ``hop`` s.

    ``signal`` (samples,) in [-1, 1]. The first frame starts at the first sample, and what does not
    fill a frame at the end is left out; a signal shorter than one window is filled up with silence.
    """
    width, step = round(window * rate), round(hop * rate)
    if len(signal) < width:
        signal = np.pad(signal, (0, width - len(signal)))
    frames = np.lib.stride_tricks.sliding_window_view(signal, width)[::step]  # (T, width)
    size = 1 << (width - 1).bit_length()  # the next power of two: frames are filled up with 0
    power = np.abs(np.fft.rfft(frames * _hann(width), size)) ** 2  # (T, size/2 + 1)
    return np.log(power @ filters(rate, size, bands) + FLOOR).astype(np.float32)


@cache
def _hann(width: int) -> Signal:
    """The periodic Hann window."""
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(width) / width)


@cache
def filters(rate: int, size: int, bands: int) -> Signal:
    """Triangles (size/2 + 1, bands) from 0 Hz to rate/2, evenly spaced in mel, of height 1.

    mel(f) = 2595 log10(1 + f/700), O'Shaughnessy 1987, as in HTK.
    """
    top = 2595 * np.log10(1 + rate / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, top, bands + 2) / 2595) - 1)  # Hz
    frequencies = np.linspace(0, rate / 2, size // 2 + 1)[:, None]
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    rising = (frequencies - low) / (middle - low)
    falling = (high - frequencies) / (high - middle)
    return np.maximum(0, np.minimum(rising, falling))

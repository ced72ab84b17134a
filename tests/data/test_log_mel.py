"""Log-mel frames against the equations, with the Fourier sum written out."""

import numpy as np
import pytest

from rnn_regexp.data.log_mel import filters, log_mel

RATE = 8000


def mel(hertz: float) -> float:
    return 2595 * np.log10(1 + hertz / 700)


def equation(signal: np.ndarray, bands: int) -> np.ndarray:
    """The docstring's formula, one number at a time."""
    width, hop, size = 200, 80, 256
    edges = [700 * (10 ** (own / 2595) - 1) for own in np.linspace(0, mel(4000), bands + 2)]
    n = np.arange(width)
    hann = 0.5 * (1 - np.cos(2 * np.pi * n / width))
    frames = []
    for start in range(0, len(signal) - width + 1, hop):
        cut = signal[start : start + width] * hann
        power = [
            abs(np.sum(cut * np.exp(-2j * np.pi * k * n / size))) ** 2 for k in range(size // 2 + 1)
        ]
        frame = []
        for low, middle, high in zip(edges, edges[1:], edges[2:]):
            total = 0.0
            for k, energy in enumerate(power):
                hertz = k * RATE / size
                if low < hertz <= middle:
                    total += energy * (hertz - low) / (middle - low)
                elif middle < hertz < high:
                    total += energy * (high - hertz) / (high - middle)
            frame.append(np.log(total + 1e-10))
        frames.append(frame)
    return np.array(frames)


def test_agrees_with_the_equation():
    signal = np.random.default_rng(0).normal(size=600) * 0.1
    np.testing.assert_allclose(log_mel(signal, RATE, 20), equation(signal, 20), rtol=1e-5)


@pytest.mark.parametrize(("samples", "frames"), [(1, 1), (200, 1), (279, 1), (280, 2), (8000, 98)])
def test_frames_of_25_ms_every_10_ms(samples: int, frames: int):
    assert log_mel(np.ones(samples), RATE, 40).shape == (frames, 40)


def test_silence_is_finite():
    found = log_mel(np.zeros(400), RATE, 40)
    assert found.tolist() == np.full((3, 40), np.float32(np.log(1e-10))).tolist()


@pytest.mark.parametrize("hertz", [300, 1000, 2500])
def test_a_tone_is_loudest_in_its_band(hertz: float):
    tone = np.sin(2 * np.pi * hertz * np.arange(1600) / RATE)
    band = np.argmax(log_mel(tone, RATE, 40).mean(axis=0))
    centres = np.linspace(0, mel(4000), 42)[1:-1]
    assert band == np.argmin(abs(centres - mel(hertz)))


def test_every_band_hears_something():
    assert (filters(RATE, 256, 64).sum(axis=0) > 0).all()

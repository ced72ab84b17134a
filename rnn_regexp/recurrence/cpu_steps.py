"""The products of each compiled step with W_hh, which is packed once for all steps."""

from rnn_regexp.compiler import compiled
from rnn_regexp.recurrence.cpu_matrices import Factor, multiply, pack


@compiled
def pack_forth(own):
    """W_hh^T of each run and mask, (H, G*H/M), to ``packed``."""
    wide = own.G * own.H // own.masks
    for i in range(own.K * own.masks):
        W = Factor(own.W + i * wide * own.H * own.size, 1, own.H)
        pack(own.one, own.size, W, own.packed + i * own.room * own.size, own.H, wide)


@compiled
def pack_back(own):
    """W_hh of each run and mask, (G*H/M, H), to ``packed``."""
    wide = own.G * own.H // own.masks
    for i in range(own.K * own.masks):
        W = Factor(own.W + i * wide * own.H * own.size, own.H, 1)
        pack(own.one, own.size, W, own.packed + i * own.room * own.size, wide, own.H)


@compiled
def forth(own, steps, t):
    """``products`` of step t: W_hh (m * h), for each run and mask (n, G*H/M)."""
    n, wide, of_row = steps[t, 0], own.G * own.H // own.masks, own.H * own.size
    for i in range(own.K * own.masks):
        h = own.hs + (i // own.masks * own.M + steps[t, 2]) * of_row
        if own.seen != 0:
            h = own.seen + i * n * of_row
        W, to = own.packed + i * own.room * own.size, own.products + i * n * wide * own.size
        multiply(own.one, own.size, Factor(h, own.H, 1), W, own.zeros, 0, to, n, own.H, wide)


@compiled
def back(own, steps, t):
    """``products`` of step t: W_hh^T dL/da_t, for each run and mask (n, H)."""
    n, wide, of_row = steps[t, 0], own.G * own.H // own.masks, own.H * own.size
    for i in range(own.K * own.masks):
        k, m = i // own.masks, i % own.masks
        d_a = own.d_a + (k * own.N + steps[t, 1]) * own.G * of_row + m * wide * own.size
        W, to = own.packed + i * own.room * own.size, own.products + i * n * of_row
        d_a = Factor(d_a, own.G * own.H, 1)
        multiply(own.one, own.size, d_a, W, own.zeros, 0, to, n, wide, own.H)

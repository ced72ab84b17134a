"""The GRU's kernels: some steps of K runs, forward and backward."""

import triton
import triton.language as tl

from rnn_regexp.recurrence.cuda_tiles import (
    RUNTIME,
    arrived,
    back,
    forth,
    gate_of,
    load,
    place,
    see,
    settled,
    sigmoid,
    store,
    tanh,
    times,
    unsettled,
)


@triton.jit(do_not_specialize=RUNTIME)
def forward(
    gates, a_n, hs, b_n, W, products, seen,
    h_noise, candidate_noise, zoneout_h_noise, state_noise,
    h_steps, candidate_steps, zoneout_h_steps, state_steps,
    first, last, T, B, S: tl.constexpr,
):  # fmt: skip
    """Steps first ... last - 1: ``gates`` from the input's share to r, z, n; ``a_n``; ``hs``."""
    k, b, j = place(S)
    inside, H, WIDTH = (b < B) & (j < S.H), S.H, 3 * S.H
    mask, zoneout = (h_noise, h_steps), (zoneout_h_noise, zoneout_h_steps)
    W_r, W_z, W_n = gate_of(W, k, 0, S), gate_of(W, k, 1, S), gate_of(W, k, 2, S)
    h = load(hs, (k * (T + 1) + first) * B + b, j, inside, H)
    bias = load(b_n, k, j, j < H, H)
    for t in tl.range(first, last, num_stages=1):
        at, row = (k, t, b, j, T, B), (k * T + t) * B + b
        a_r = forth(0, W_r, products, h, hs, mask, at, S)
        a_z = forth(1, W_z, products, h, hs, mask, at, S)
        a = forth(2, W_n, products, h, hs, mask, at, S) + bias
        r = sigmoid(load(gates, row, j, inside, WIDTH) + a_r)
        z = sigmoid(load(gates, row, H + j, inside, WIDTH) + a_z)
        n = tanh(load(gates, row, 2 * H + j, inside, WIDTH) + r * a)
        store(gates, row, j, inside, r, WIDTH)
        store(gates, row, H + j, inside, z, WIDTH)
        store(gates, row, 2 * H + j, inside, n, WIDTH)
        store(a_n, row, j, inside, a, H)
        new = times(n, (candidate_noise, candidate_steps), at, S)
        new += z * (h - new)
        h = settled(new, h, zoneout, (state_noise, state_steps), at, S)
        store(hs, (k * (T + 1) + t + 1) * B + b, j, inside, h, H)
        see(seen, h, mask, at, S)
        if not S.RESIDENT:
            tl.debug_barrier()  # other threads load in the next step what this one stores


@triton.jit
def _slopes(d_new, r, z, n, a, h, candidate, at, S: tl.constexpr):
    """dL/da of r and z, and dL/dx_n, from dL/dh~_t."""
    d_z = d_new * (h - times(n, candidate, at, S)) * z * (1.0 - z)
    d_n = times(d_new * (1.0 - z), candidate, at, S) * (1.0 - n * n)
    return d_n * a * r * (1.0 - r), d_z, d_n


@triton.jit(do_not_specialize=RUNTIME)
def backward(
    gates, a_n, hs, W, d_outputs, d_h_0, d_a, d_x_n, products,
    h_noise, candidate_noise, zoneout_h_noise, state_noise,
    h_steps, candidate_steps, zoneout_h_steps, state_steps,
    first, last, T, B, S: tl.constexpr,
):  # fmt: skip
    """Steps last - 1 ... first: ``d_a``, ``d_x_n``; ``d_h_0`` from dL/dh at last to first."""
    k, b, j = place(S)
    inside, H, WIDTH = (b < B) & (j < S.H), S.H, 3 * S.H
    mask, zoneout = (h_noise, h_steps), (zoneout_h_noise, zoneout_h_steps)
    W_r, W_z, W_n = gate_of(W, k, 0, S), gate_of(W, k, 1, S), gate_of(W, k, 2, S)
    d_h = load(d_h_0, k * B + b, j, inside, H)
    for step in tl.range(first, last, num_stages=1):
        t = first + last - 1 - step
        at, row = (k, t, b, j, T, B), (k * T + t) * B + b
        d_h = arrived(d_h, products, mask, at, S) + load(d_outputs, row, j, inside, H)
        d_new, d_h = unsettled(d_h, zoneout, (state_noise, state_steps), at, S)
        r, z = load(gates, row, j, inside, WIDTH), load(gates, row, H + j, inside, WIDTH)
        n, a = load(gates, row, 2 * H + j, inside, WIDTH), load(a_n, row, j, inside, H)
        h = load(hs, (k * (T + 1) + t) * B + b, j, inside, H)
        candidate = (candidate_noise, candidate_steps)
        d_r, d_z, d_n = _slopes(d_new, r, z, n, a, h, candidate, at, S)
        d_h += d_new * z
        store(d_x_n, row, j, inside, d_n, H)
        d_n *= r
        store(d_a, row, j, inside, d_r, WIDTH)
        store(d_a, row, H + j, inside, d_z, WIDTH)
        store(d_a, row, 2 * H + j, inside, d_n, WIDTH)
        if products is None:
            if not S.RESIDENT:
                tl.debug_barrier()
            d_h += back(0, W_r, d_r, d_a, mask, at, S) + back(1, W_z, d_z, d_a, mask, at, S)
            d_h += back(2, W_n, d_n, d_a, mask, at, S)
    store(d_h_0, k * B + b, j, inside, d_h, H)

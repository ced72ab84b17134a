"""The Elman network's kernels: some steps of K runs, forward and backward."""

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
    store,
    tanh,
    unsettled,
)


@triton.jit(do_not_specialize=RUNTIME)
def forward(
    gates, hs, W, products, seen,
    h_noise, zoneout_h_noise, state_noise, h_steps, zoneout_h_steps, state_steps,
    first, last, T, B, S: tl.constexpr, RELU: tl.constexpr,
):  # fmt: skip
    """Steps first ... last - 1: ``gates`` from the input's share to f(a_t); ``hs``."""
    k, b, j = place(S)
    inside = (b < B) & (j < S.H)
    mask, zoneout = (h_noise, h_steps), (zoneout_h_noise, zoneout_h_steps)
    W_h = gate_of(W, k, 0, S)
    h = load(hs, (k * (T + 1) + first) * B + b, j, inside, S.H)
    for t in tl.range(first, last, num_stages=1):
        at, row = (k, t, b, j, T, B), (k * T + t) * B + b
        a = load(gates, row, j, inside, S.H) + forth(0, W_h, products, h, hs, mask, at, S)
        new = tl.where(a <= 0, 0.0, a) if RELU else tanh(a)  # nan stays nan
        store(gates, row, j, inside, new, S.H)
        h = settled(new, h, zoneout, (state_noise, state_steps), at, S)
        store(hs, (k * (T + 1) + t + 1) * B + b, j, inside, h, S.H)
        see(seen, h, mask, at, S)
        if not S.RESIDENT:
            tl.debug_barrier()  # other threads load in the next step what this one stores


@triton.jit(do_not_specialize=RUNTIME)
def backward(
    gates, W, d_outputs, d_h_0, d_a, products,
    h_noise, zoneout_h_noise, state_noise, h_steps, zoneout_h_steps, state_steps,
    first, last, T, B, S: tl.constexpr, RELU: tl.constexpr,
):  # fmt: skip
    """Steps last - 1 ... first: ``d_a``; ``d_h_0`` from what is known of dL/dh at last to first."""
    k, b, j = place(S)
    inside = (b < B) & (j < S.H)
    mask, zoneout = (h_noise, h_steps), (zoneout_h_noise, zoneout_h_steps)
    W_h = gate_of(W, k, 0, S)
    d_h = load(d_h_0, k * B + b, j, inside, S.H)
    for step in tl.range(first, last, num_stages=1):
        t = first + last - 1 - step
        at, row = (k, t, b, j, T, B), (k * T + t) * B + b
        d_h = arrived(d_h, products, mask, at, S) + load(d_outputs, row, j, inside, S.H)
        d_new, d_h = unsettled(d_h, zoneout, (state_noise, state_steps), at, S)
        new = load(gates, row, j, inside, S.H)
        d_new *= (new > 0).to(new.dtype) if RELU else 1.0 - new * new
        store(d_a, row, j, inside, d_new, S.H)
        if products is None:
            if not S.RESIDENT:
                tl.debug_barrier()
            d_h += back(0, W_h, d_new, d_a, mask, at, S)
    store(d_h_0, k * B + b, j, inside, d_h, S.H)

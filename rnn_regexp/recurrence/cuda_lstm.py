"""The LSTM's kernels: some steps of K runs, forward and backward."""

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


@triton.jit
def _load_gates(gates, row, j, inside, S: tl.constexpr):
    i, f = load(gates, row, j, inside, 4 * S.H), load(gates, row, S.H + j, inside, 4 * S.H)
    g = load(gates, row, 2 * S.H + j, inside, 4 * S.H)
    return i, f, g, load(gates, row, 3 * S.H + j, inside, 4 * S.H)


@triton.jit
def _store_gates(gates, row, j, inside, i, f, g, o, S: tl.constexpr):
    store(gates, row, j, inside, i, 4 * S.H)
    store(gates, row, S.H + j, inside, f, 4 * S.H)
    store(gates, row, 2 * S.H + j, inside, g, 4 * S.H)
    store(gates, row, 3 * S.H + j, inside, o, 4 * S.H)


@triton.jit
def _new_c(i, f, g, c, candidate, cell, at, S: tl.constexpr):
    """c~ = cell * (f * c_{t-1} + i * candidate * g)."""
    return times(f * c + i * times(g, candidate, at, S), cell, at, S)


@triton.jit(do_not_specialize=RUNTIME)
def forward(
    gates, hs, cs, W, products, seen,
    h_noise, candidate_noise, cell_noise, zoneout_h_noise, zoneout_c_noise, state_noise,
    h_steps, candidate_steps, cell_steps, zoneout_h_steps, zoneout_c_steps, state_steps,
    first, last, T, B, S: tl.constexpr,
):  # fmt: skip
    """Steps first ... last - 1: ``gates`` from the input's share to i, f, g, o; ``hs``; ``cs``."""
    k, b, j = place(S)
    inside = (b < B) & (j < S.H)
    mask, candidate, cell = (
        (h_noise, h_steps), (candidate_noise, candidate_steps), (cell_noise, cell_steps),
    )  # fmt: skip
    zoneout_h, zoneout_c = (zoneout_h_noise, zoneout_h_steps), (zoneout_c_noise, zoneout_c_steps)
    W_i, W_f, W_g, W_o = (
        gate_of(W, k, 0, S), gate_of(W, k, 1, S), gate_of(W, k, 2, S), gate_of(W, k, 3, S),
    )  # fmt: skip
    h = load(hs, (k * (T + 1) + first) * B + b, j, inside, S.H)
    c = load(cs, (k * (T + 1) + first) * B + b, j, inside, S.H)
    for t in tl.range(first, last, num_stages=1):
        at, row = (k, t, b, j, T, B), (k * T + t) * B + b
        x_i, x_f, x_g, x_o = _load_gates(gates, row, j, inside, S)
        i = sigmoid(x_i + forth(0, W_i, products, h, hs, mask, at, S))
        f = sigmoid(x_f + forth(1, W_f, products, h, hs, mask, at, S))
        g = tanh(x_g + forth(2, W_g, products, h, hs, mask, at, S))
        o = sigmoid(x_o + forth(3, W_o, products, h, hs, mask, at, S))
        _store_gates(gates, row, j, inside, i, f, g, o, S)
        new = _new_c(i, f, g, c, candidate, cell, at, S)
        h = settled(o * tanh(new), h, zoneout_h, (state_noise, state_steps), at, S)
        c = settled(new, c, zoneout_c, (None, 1), at, S)
        store(hs, (k * (T + 1) + t + 1) * B + b, j, inside, h, S.H)
        store(cs, (k * (T + 1) + t + 1) * B + b, j, inside, c, S.H)
        see(seen, h, mask, at, S)
        if not S.RESIDENT:
            tl.debug_barrier()  # other threads load in the next step what this one stores


@triton.jit
def _slopes(d_new, d_new_c, i, f, g, o, c, tanh_c, candidate, cell, at, S: tl.constexpr):
    """dL/da of i, f, g, o from dL/dh~_t and dL/dc~_t; and dL/dc_{t-1} through c~."""
    d_c = times(d_new_c, cell, at, S)
    d_g = times(d_c * i, candidate, at, S) * (1.0 - g * g)
    d_i = times(d_c * g, candidate, at, S) * i * (1.0 - i)
    return d_i, d_c * c * f * (1.0 - f), d_g, d_new * tanh_c * o * (1.0 - o), d_c * f


@triton.jit(do_not_specialize=RUNTIME)
def backward(
    gates, cs, W, d_outputs, d_cells, d_h_0, d_c_0, d_a, products,
    h_noise, candidate_noise, cell_noise, zoneout_h_noise, zoneout_c_noise, state_noise,
    h_steps, candidate_steps, cell_steps, zoneout_h_steps, zoneout_c_steps, state_steps,
    first, last, T, B, S: tl.constexpr,
):  # fmt: skip
    """Steps last - 1 ... first: ``d_a``; ``d_h_0`` and ``d_c_0`` from the last step's on."""
    k, b, j = place(S)
    inside = (b < B) & (j < S.H)
    mask, candidate, cell = (
        (h_noise, h_steps), (candidate_noise, candidate_steps), (cell_noise, cell_steps),
    )  # fmt: skip
    zoneout_h, zoneout_c = (zoneout_h_noise, zoneout_h_steps), (zoneout_c_noise, zoneout_c_steps)
    W_i, W_f, W_g, W_o = (
        gate_of(W, k, 0, S), gate_of(W, k, 1, S), gate_of(W, k, 2, S), gate_of(W, k, 3, S),
    )  # fmt: skip
    d_h, d_c = load(d_h_0, k * B + b, j, inside, S.H), load(d_c_0, k * B + b, j, inside, S.H)
    for step in tl.range(first, last, num_stages=1):
        t = first + last - 1 - step
        at, row = (k, t, b, j, T, B), (k * T + t) * B + b
        i, f, g, o = _load_gates(gates, row, j, inside, S)
        c = load(cs, (k * (T + 1) + t) * B + b, j, inside, S.H)
        tanh_c = tanh(_new_c(i, f, g, c, candidate, cell, at, S))
        d_h = arrived(d_h, products, mask, at, S) + load(d_outputs, row, j, inside, S.H)
        d_new, d_h = unsettled(d_h, zoneout_h, (state_noise, state_steps), at, S)
        if d_cells is not None:
            d_c += load(d_cells, row, j, inside, S.H)
        d_new_c, past = unsettled(d_c, zoneout_c, (None, 1), at, S)
        d_new_c += d_new * o * (1.0 - tanh_c * tanh_c)
        d_i, d_f, d_g, d_o, d_c = _slopes(
            d_new, d_new_c, i, f, g, o, c, tanh_c, candidate, cell, at, S
        )
        d_c += past
        _store_gates(d_a, row, j, inside, d_i, d_f, d_g, d_o, S)
        if products is None:
            if not S.RESIDENT:
                tl.debug_barrier()
            d_h += back(0, W_i, d_i, d_a, mask, at, S) + back(1, W_f, d_f, d_a, mask, at, S)
            d_h += back(2, W_g, d_g, d_a, mask, at, S) + back(3, W_o, d_o, d_a, mask, at, S)
    store(d_h_0, k * B + b, j, inside, d_h, S.H)
    store(d_c_0, k * B + b, j, inside, d_c, S.H)

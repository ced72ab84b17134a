"""What the Triton kernels of all cells share: tiles of arrays, noise, the recurrent product.

A program computes a tile: of run ``k`` the sequences ``b`` (ROWS, 1) and the units ``j`` (1, COLS).
Its place is ``at`` = (k, t, b, j, T, B), noise is a pair (array or None, its number of steps), and
``S`` are the ``Sizes`` of ``recurrence/cuda.py``.  Arrays are contiguous.  One that is absent is
None, and no code is compiled for it.
"""

import triton
import triton.language as tl

PART = tl.constexpr(32)  # columns of W_hh that are read at a time
_KINDS = ("h", "state", "candidate", "cell", "zoneout_h", "zoneout_c")
RUNTIME = ("first", "last", "T", "B", *(f"{kind}_steps" for kind in _KINDS))  # one code for all


@triton.jit
def place(S: tl.constexpr):
    """k, b and j of this program; k has 64 bits, and so has every offset made from it."""
    k = tl.program_id(0).to(tl.int64)
    b = tl.program_id(1) * S.ROWS + tl.arange(0, S.ROWS)
    j = tl.program_id(2) * S.COLS + tl.arange(0, S.COLS)
    return k, b[:, None], j[None, :]


@triton.jit
def load(array, row, column, inside, WIDTH: tl.constexpr):
    """A tile of an array (rows, WIDTH); zero outside, so that padding units stay zero."""
    return tl.load(array + row * WIDTH + column, mask=inside, other=0.0)


@triton.jit
def store(array, row, column, inside, value, WIDTH: tl.constexpr):
    tl.store(array + row * WIDTH + column, value, mask=inside)


@triton.jit
def noise_at(noise, at, S: tl.constexpr, gate=0, MASKS: tl.constexpr = 1):
    """Step t of noise (K, 1 or T, B, MASKS, H)."""
    array, steps = noise
    k, t, b, j, _, B = at
    row = (k * steps + tl.minimum(t, steps - 1)) * B + b
    return load(array, row * MASKS + gate % MASKS, j, (b < B) & (j < S.H), S.H)


@triton.jit
def times(x, noise, at, S: tl.constexpr):
    """x * noise, or x where there is none."""
    if noise[0] is not None:
        x = x * noise_at(noise, at, S)
    return x


@triton.jit
def settled(new, old, zoneout, mask, at, S: tl.constexpr):
    """mask * (share * old + (1 - share) * new), the share from ``zoneout``."""
    if zoneout[0] is not None:
        new = new + noise_at(zoneout, at, S) * (old - new)
    return times(new, mask, at, S)


@triton.jit
def unsettled(d, zoneout, mask, at, S: tl.constexpr):
    """What of dL/dh_t reaches the cell's new h, and what goes past it to h_{t-1}."""
    d = times(d, mask, at, S)
    past = tl.zeros_like(d)
    if zoneout[0] is not None:
        past = d * noise_at(zoneout, at, S)
    return d - past, past


@triton.jit
def sigmoid(a):
    return 1.0 / (1.0 + tl.exp(-a))


@triton.jit
def tanh(a):
    """2 sigmoid(2a) - 1, as in ``sigmoid.py``."""
    return 2.0 / (1.0 + tl.exp(-2.0 * a)) - 1.0


@triton.jit
def gate_of(W, k, gate, S: tl.constexpr):
    """One gate's (H, H) of W_hh (K, GATES * H, H): its tile where RESIDENT, else its address."""
    own = W + (k * S.GATES + gate) * S.H * S.H
    if S.RESIDENT:
        to, of = tl.arange(0, S.COLS)[:, None], tl.arange(0, S.COLS)[None, :]
        own = load(own, to, of, (to < S.H) & (of < S.H), S.H)
    return own


@triton.jit
def forth(gate, W, products, h, hs, noise, at, S: tl.constexpr):
    """One gate's W_hh (m_t * h_{t-1}), of the tile's units; h_{t-1} is ``h``, also in ``hs``."""
    k, t, b, j, T, B = at
    inside = (b < B) & (j < S.H)
    if products is not None and S.MASKS > 1:
        a = load(products, (k * S.GATES + gate) * B + b, j, inside, S.H)
    elif products is not None:
        a = load(products, k * B + b, gate * S.H + j, inside, S.GATES * S.H)
    elif S.RESIDENT:
        if noise[0] is not None:
            h = h * noise_at(noise, at, S, gate, S.MASKS)
        a = tl.dot(h, tl.trans(W), input_precision=S.PRECISION)
    else:
        a = tl.zeros_like(h)
        for start in tl.range(0, S.COLS, PART, num_stages=3):
            i, to = start + tl.arange(0, PART)[None, :], tl.arange(0, S.COLS)[:, None]
            seen = load(hs, (k * (T + 1) + t) * B + b, i, (b < B) & (i < S.H), S.H)
            if noise[0] is not None:
                seen = seen * noise_at(noise, (k, t, b, i, T, B), S, gate, S.MASKS)
            part = tl.trans(load(W, to, i, (to < S.H) & (i < S.H), S.H))
            a = tl.dot(seen, part, a, input_precision=S.PRECISION, out_dtype=a.dtype)
    return a


@triton.jit
def back(gate, W, d_gate, d_a, noise, at, S: tl.constexpr):
    """One gate's m_t * (W_hh^T dL/da_t); its dL/da_t is ``d_gate``, also in ``d_a``."""
    k, t, b, _, T, B = at
    if S.RESIDENT:
        d_h = tl.dot(d_gate, W, input_precision=S.PRECISION)
    else:
        d_h = tl.zeros_like(d_gate)
        for start in tl.range(0, S.COLS, PART, num_stages=3):
            i, to = start + tl.arange(0, PART), tl.arange(0, S.COLS)[None, :]
            inside, column = (b < B) & (i[None, :] < S.H), gate * S.H + i[None, :]
            own = load(d_a, (k * T + t) * B + b, column, inside, S.GATES * S.H)
            part = load(W, i[:, None], to, (i[:, None] < S.H) & (to < S.H), S.H)
            d_h = tl.dot(own, part, d_h, input_precision=S.PRECISION, out_dtype=d_h.dtype)
    if noise[0] is not None:
        d_h = d_h * noise_at(noise, at, S, gate, S.MASKS)
    return d_h


@triton.jit
def see(seen, h, noise, at, S: tl.constexpr):
    """m_{t+1} * h_t, what the next product takes, (K, MASKS, B, H)."""
    k, t, b, j, T, B = at
    if seen is not None:
        masks: tl.constexpr = S.MASKS
        for gate in tl.static_range(masks):
            value = h * noise_at(noise, (k, t + 1, b, j, T, B), S, gate, S.MASKS)
            store(seen, (k * S.MASKS + gate) * B + b, j, (b < B) & (j < S.H), value, S.H)


@triton.jit
def arrived(d_h, products, noise, at, S: tl.constexpr):
    """d_h and what comes from step t + 1 through a product (K, MASKS, B, H), if one was made."""
    k, t, b, j, T, B = at
    if products is not None:
        masks: tl.constexpr = S.MASKS
        for gate in tl.static_range(masks):
            own = load(products, (k * S.MASKS + gate) * B + b, j, (b < B) & (j < S.H), S.H)
            if noise[0] is not None:
                own = own * noise_at(noise, (k, t + 1, b, j, T, B), S, gate, S.MASKS)
            d_h += own
    return d_h

"""The GRU's compiled steps of K runs, forward and backward."""

from rnn_regexp.compiler import compiled
from rnn_regexp.recurrence.cpu_rows import (
    FIRST,
    OTHER,
    READ,
    SECOND,
    STATE,
    THIRD,
    get,
    mixed,
    put,
    row,
    sigmoid,
    tanh,
)
from rnn_regexp.recurrence.cpu_state import arrive, gate, noise, place, product, see
from rnn_regexp.recurrence.cpu_steps import back, forth, pack_back, pack_forth


@compiled
def _gates(address, here, own):
    r, z = gate(address, 0, here, own), gate(address, 1, here, own)
    return r, z, gate(address, 2, here, own)


@compiled
def _products(products, here, own):
    r, z = product(products, 0, here, own), product(products, 1, here, own)
    return r, z, product(products, 2, here, own)


@compiled
def _noise(here, own):
    candidate, share = noise(own.candidate_noise, here, own), noise(own.zoneout_h_noise, here, own)
    return candidate, share, noise(own.state_noise, here, own)


@compiled
def _forward(products, here, own):
    a_r, a_z, x_n = _gates(own.gates, here, own)
    p_r, p_z, p_n = _products(products, here, own)
    candidate, share, state = _noise(here, own)
    b_n, a_n = row(own.b_n, here.k, own), row(own.a_n, here.row, own)
    h_t, new_h, one = row(own.hs, here.old, own), row(own.hs, here.new, own), own.one
    for j in range(own.H):
        r = sigmoid(get(a_r, j, FIRST) + get(p_r, j, READ))
        z = sigmoid(get(a_z, j, SECOND) + get(p_z, j, READ))
        a = get(p_n, j, READ) + get(b_n, j, READ)
        n = tanh(get(x_n, j, THIRD) + r * a)
        put(a_r, j, FIRST, r)
        put(a_z, j, SECOND, z)
        put(x_n, j, THIRD, n)
        put(a_n, j, OTHER, a)
        h, made = get(h_t, j, READ), n * get(candidate, j, READ)
        made += z * (h - made)
        put(new_h, j, STATE, mixed(get(share, j, READ), h, made, one) * get(state, j, READ))
    see(new_h, here, own)


@compiled
def _backward(products, here, own):
    r_t, z_t, n_t = _gates(own.gates, here, own)
    d_r, d_z, d_n = _gates(own.d_a, here, own)
    candidate, share, state = _noise(here, own)
    a_n, d_x_n = row(own.a_n, here.row, own), row(own.d_x_n, here.row, own)
    d_outputs, d_h_t = noise(own.d_outputs, here, own), row(own.d_h_0, here.carried, own)
    h_t, one = row(own.hs, here.old, own), own.one
    arrive(d_h_t, products, here, own)
    for j in range(own.H):
        r, z, n = get(r_t, j, READ), get(z_t, j, READ), get(n_t, j, READ)
        by_n = get(candidate, j, READ)
        d_h = (get(d_h_t, j, STATE) + get(d_outputs, j, READ)) * get(state, j, READ)
        past = d_h * get(share, j, READ)
        d_made = d_h - past
        d_x = d_made * (one - z) * by_n * (one - n * n)
        put(d_h_t, j, STATE, past + d_made * z)
        put(d_x_n, j, OTHER, d_x)
        put(d_r, j, FIRST, d_x * get(a_n, j, READ) * r * (one - r))
        put(d_z, j, SECOND, d_made * (get(h_t, j, READ) - n * by_n) * z * (one - z))
        put(d_n, j, THIRD, d_x * r)


@compiled
def forward(layout, steps, t, products):
    """Step t: ``gates`` from the input's share to r, z, n; ``a_n``, ``hs``, ``seen``."""
    own = layout[0]
    for k in range(own.K):
        for b in range(steps[t, 0]):
            _forward(products, place(own, steps, t, k, b), own)


@compiled
def backward(layout, steps, t, products):
    """Step t: ``d_a`` and ``d_x_n``; ``d_h_0`` from after the step to before it."""
    own = layout[0]
    for k in range(own.K):
        for b in range(steps[t, 0]):
            _backward(products, place(own, steps, t, k, b), own)


@compiled
def forward_all(layout, steps):
    """Every step, with its product."""
    own = layout[0]
    pack_forth(own)
    for t in range(len(steps) - 1):
        forth(own, steps, t)
        forward(layout, steps, t, own.products)


@compiled
def backward_all(layout, steps):
    """Every step from the last to the first, with its product."""
    own = layout[0]
    pack_back(own)
    for t in range(len(steps) - 2, -1, -1):
        backward(layout, steps, t, own.products)
        back(own, steps, t)

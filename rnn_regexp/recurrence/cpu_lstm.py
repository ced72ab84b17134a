"""The LSTM's compiled steps of K runs, forward and backward."""

from rnn_regexp.compiler import compiled
from rnn_regexp.recurrence.cpu_rows import (
    CELL,
    FIRST,
    FOURTH,
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
    i, f = gate(address, 0, here, own), gate(address, 1, here, own)
    return i, f, gate(address, 2, here, own), gate(address, 3, here, own)


@compiled
def _products(products, here, own):
    i, f = product(products, 0, here, own), product(products, 1, here, own)
    return i, f, product(products, 2, here, own), product(products, 3, here, own)


@compiled
def _noise(here, own):
    candidate, cell = noise(own.candidate_noise, here, own), noise(own.cell_noise, here, own)
    share_h, share_c = noise(own.zoneout_h_noise, here, own), noise(own.zoneout_c_noise, here, own)
    return candidate, cell, share_h, share_c, noise(own.state_noise, here, own)


@compiled
def _forward(products, here, own):
    a_i, a_f, a_g, a_o = _gates(own.gates, here, own)
    p_i, p_f, p_g, p_o = _products(products, here, own)
    candidate, cell, share_h, share_c, state = _noise(here, own)
    h_t, c_t = row(own.hs, here.old, own), row(own.cs, here.old, own)
    new_h, new_c, one = row(own.hs, here.new, own), row(own.cs, here.new, own), own.one
    for j in range(own.H):
        i = sigmoid(get(a_i, j, FIRST) + get(p_i, j, READ))
        f = sigmoid(get(a_f, j, SECOND) + get(p_f, j, READ))
        g = tanh(get(a_g, j, THIRD) + get(p_g, j, READ))
        o = sigmoid(get(a_o, j, FOURTH) + get(p_o, j, READ))
        put(a_i, j, FIRST, i)
        put(a_f, j, SECOND, f)
        put(a_g, j, THIRD, g)
        put(a_o, j, FOURTH, o)
        h, c = get(h_t, j, READ), get(c_t, j, READ)
        made = (f * c + i * (g * get(candidate, j, READ))) * get(cell, j, READ)
        out = o * tanh(made)
        put(new_c, j, CELL, mixed(get(share_c, j, READ), c, made, one))
        put(new_h, j, STATE, mixed(get(share_h, j, READ), h, out, one) * get(state, j, READ))
    see(new_h, here, own)


@compiled
def _backward(products, here, own):
    i_t, f_t, g_t, o_t = _gates(own.gates, here, own)
    d_i, d_f, d_g, d_o = _gates(own.d_a, here, own)
    candidate, cell, share_h, share_c, state = _noise(here, own)
    d_outputs, d_cells = noise(own.d_outputs, here, own), noise(own.d_cells, here, own)
    d_h_t, d_c_t = row(own.d_h_0, here.carried, own), row(own.d_c_0, here.carried, own)
    c_t, one = row(own.cs, here.old, own), own.one
    arrive(d_h_t, products, here, own)
    for j in range(own.H):
        i, f, c = get(i_t, j, READ), get(f_t, j, READ), get(c_t, j, READ)
        g, o = get(g_t, j, READ), get(o_t, j, READ)
        by_g, by_cell = get(candidate, j, READ), get(cell, j, READ)
        tanh_c = tanh((f * c + i * (g * by_g)) * by_cell)
        d_h = (get(d_h_t, j, STATE) + get(d_outputs, j, READ)) * get(state, j, READ)
        d_c = get(d_c_t, j, CELL) + get(d_cells, j, READ)
        past_h, past_c = d_h * get(share_h, j, READ), d_c * get(share_c, j, READ)
        d_out = d_h - past_h
        d_made = (d_c - past_c + d_out * o * (one - tanh_c * tanh_c)) * by_cell
        put(d_h_t, j, STATE, past_h)
        put(d_c_t, j, CELL, past_c + d_made * f)
        put(d_i, j, FIRST, d_made * g * by_g * i * (one - i))
        put(d_f, j, SECOND, d_made * c * f * (one - f))
        put(d_g, j, THIRD, d_made * i * by_g * (one - g * g))
        put(d_o, j, FOURTH, d_out * tanh_c * o * (one - o))


@compiled
def forward(layout, steps, t, products):
    """Step t: ``gates`` from the input's share to i, f, g, o; ``hs``, ``cs``, ``seen``."""
    own = layout[0]
    for k in range(own.K):
        for b in range(steps[t, 0]):
            _forward(products, place(own, steps, t, k, b), own)


@compiled
def backward(layout, steps, t, products):
    """Step t: ``d_a``; ``d_h_0`` and ``d_c_0`` from after the step to before it."""
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

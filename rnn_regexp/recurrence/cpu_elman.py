"""The Elman network's compiled steps of K runs, forward and backward."""

from rnn_regexp.compiler import compiled
from rnn_regexp.recurrence.cpu_rows import FIRST, READ, STATE, get, mixed, put, row, tanh
from rnn_regexp.recurrence.cpu_state import arrive, gate, noise, place, product, see
from rnn_regexp.recurrence.cpu_steps import back, forth, pack_back, pack_forth


@compiled
def _forward(products, here, own):
    a_t, p_t = gate(own.gates, 0, here, own), product(products, 0, here, own)
    share, state = noise(own.zoneout_h_noise, here, own), noise(own.state_noise, here, own)
    h_t, new_h = row(own.hs, here.old, own), row(own.hs, here.new, own)
    one, zero, relu = own.one, own.one - own.one, own.relu
    for j in range(own.H):
        a = get(a_t, j, FIRST) + get(p_t, j, READ)
        made = (zero if a < zero else a) if relu else tanh(a)  # nan stays nan
        put(a_t, j, FIRST, made)
        made = mixed(get(share, j, READ), get(h_t, j, READ), made, one)
        put(new_h, j, STATE, made * get(state, j, READ))
    see(new_h, here, own)


@compiled
def _backward(products, here, own):
    made_t, d_a = gate(own.gates, 0, here, own), gate(own.d_a, 0, here, own)
    share, state = noise(own.zoneout_h_noise, here, own), noise(own.state_noise, here, own)
    d_outputs, d_h_t = noise(own.d_outputs, here, own), row(own.d_h_0, here.carried, own)
    one, zero, relu = own.one, own.one - own.one, own.relu
    arrive(d_h_t, products, here, own)
    for j in range(own.H):
        made = get(made_t, j, READ)
        slope = (one if made > zero else zero) if relu else one - made * made
        d_h = (get(d_h_t, j, STATE) + get(d_outputs, j, READ)) * get(state, j, READ)
        past = d_h * get(share, j, READ)
        put(d_h_t, j, STATE, past)
        put(d_a, j, FIRST, (d_h - past) * slope)


@compiled
def forward(layout, steps, t, products):
    """Step t: ``gates`` from the input's share to tanh or relu; ``hs``, ``seen``."""
    own = layout[0]
    for k in range(own.K):
        for b in range(steps[t, 0]):
            _forward(products, place(own, steps, t, k, b), own)


@compiled
def backward(layout, steps, t, products):
    """Step t: ``d_a``; ``d_h_0`` from after the step to before it."""
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

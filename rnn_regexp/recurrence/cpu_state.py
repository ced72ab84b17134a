"""What the steps of all cells share: where their rows are, and products with noise on h."""

from typing import NamedTuple

from rnn_regexp.compiler import compiled
from rnn_regexp.recurrence.cpu_rows import READ, SEEN, STATE, get, put, row


class Place(NamedTuple):
    """Run k and sequence b at one step: the rows that are theirs."""

    k: int
    b: int
    n: int  # sequences of this step
    first: int  # of the step's rows, within a run
    row: int  # in arrays of steps
    old: int  # in arrays of states: the one before the step
    new: int  # and the one after it
    carried: int  # in arrays of sequences
    next_n: int
    next_first: int


@compiled
def place(own, steps, t, k, b):
    """Where run k and sequence b are at step t."""
    n, first = steps[t, 0], steps[t, 1]
    old, new = k * own.M + steps[t, 2] + b, k * own.M + steps[t, 3] + b
    of_next = steps[t + 1, 0], steps[t + 1, 1]
    return Place(k, b, n, first, k * own.N + first + b, old, new, k * own.B + b, *of_next)


@compiled
def gate(address, number, here, own):
    """The row of one gate."""
    return row(address, here.row * own.G + number, own)


@compiled
def product(products, number, here, own):
    """The row of one gate of W_hh (m * h): a product has all gates, or a mask has its own."""
    if own.masks == 1:
        return row(products, (here.k * here.n + here.b) * own.G + number, own)
    return row(products, (here.k * own.masks + number) * here.n + here.b, own)


@compiled
def noise(mask, here, own):
    """The row of a mask.

    Noise that is absent is one row, of ones or, for the share of zoneout, of zeros, again and
    again: so the loops need no branches.
    """
    return row(mask[0], here.k * mask[1] + here.first * mask[2] + here.b * mask[3], own)


@compiled
def _next_mask(m, here, own):
    """The row of mask m on h at the next step."""
    mask = own.h_noise
    return row(mask[0], here.k * mask[1] + here.next_first * mask[2] + here.b * mask[3] + m, own)


@compiled
def see(h, here, own):
    """``seen``: the state after the step under the masks on h of the next one."""
    if own.seen == 0 or here.b >= here.next_n:
        return
    for m in range(own.masks):
        mask = _next_mask(m, here, own)
        seen = row(own.seen, (here.k * own.masks + m) * here.next_n + here.b, own)
        for j in range(own.H):
            put(seen, j, SEEN, get(h, j, STATE) * get(mask, j, READ))


@compiled
def arrive(d_h, products, here, own):
    """Add to dL/dh_t what the products of the next step hand back."""
    if here.b >= here.next_n:
        return
    for m in range(own.masks):
        mask = _next_mask(m, here, own)
        arriving = row(products, (here.k * own.masks + m) * here.next_n + here.b, own)
        for j in range(own.H):
            put(d_h, j, STATE, get(d_h, j, STATE) + get(arriving, j, READ) * get(mask, j, READ))

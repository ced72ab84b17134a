"""Products of matrices as compiled steps have them: the right factor packed once, for all steps.

Packed are as many columns as a tile has, row by row, then the next: so what a tile reads adjoins.
"""

from typing import NamedTuple

from rnn_regexp.compiler import compiled
from rnn_regexp.recurrence.cpu_rows import READ, STATE, get, pointer, put
from rnn_regexp.recurrence.cpu_tiles import VECTOR, tiles

_LINE = 16  # numbers


class Factor(NamedTuple):
    """A matrix: its address, and how many numbers apart its rows, and the numbers of a row, are."""

    at: int
    row: int
    next: int


class Strip(NamedTuple):
    """Columns that a tile has: the first, the vectors, or 0 for a single column, and how many."""

    first: int
    vectors: int
    width: int


def room(depth: int, columns: int, size: int) -> int:
    """How many numbers of ``size`` bytes a packed matrix has at most."""
    return depth * (columns + VECTOR // size)


@compiled
def _strip(j, columns, size):
    """The strip that begins with column j, or before it where no whole vector is left."""
    lanes = VECTOR // size
    if columns - j >= 2 * lanes:
        return Strip(j, 2, 2 * lanes)
    if columns < lanes:
        return Strip(j, 0, 1)
    return Strip(min(j, columns - lanes), 1, lanes)


@compiled
def pack(one, size, B, packed, depth, columns):
    """The matrix B (depth, columns) to the address ``packed``."""
    j = 0
    while j < columns:
        strip = _strip(j, columns, size)
        old, new = pointer(B.at, strip.first * B.next, one), pointer(packed, 0, one)
        if B.row < B.next:
            _pack_columns(old, B, new, depth, strip.width)
        else:
            _pack_rows(old, B, new, depth, strip.width)
        packed += depth * strip.width * size
        j = strip.first + strip.width


@compiled
def _pack_rows(old, B, new, depth, width):
    for d in range(depth):
        for i in range(width):
            put(new, d * width + i, STATE, get(old, d * B.row + i * B.next, READ))


@compiled
def _pack_columns(old, B, new, depth, width):
    """For numbers that adjoin within columns: line by line of the cache."""
    for first in range(0, depth, _LINE):
        for i in range(width):
            for d in range(first, min(first + _LINE, depth)):
                put(new, d * width + i, STATE, get(old, d * B.row + i * B.next, READ))


@compiled
def multiply(one, size, A, packed, S, S_row, C, rows, depth, columns):
    """C = A B + S: a matrix (rows, depth) and a packed one; rows of C adjoin."""
    j = 0
    while j < columns:
        strip = _strip(j, columns, size)
        width, old, new = strip.width, S + strip.first * size, C + strip.first * size
        if strip.vectors == 2:
            tiles(one, 2, A, packed, width, old, S_row, new, columns, rows, depth)
        elif strip.vectors == 1:
            tiles(one, 1, A, packed, width, old, S_row, new, columns, rows, depth)
        else:
            tiles(one, 0, A, packed, width, old, S_row, new, columns, rows, depth)
        packed += depth * width * size
        j = strip.first + width

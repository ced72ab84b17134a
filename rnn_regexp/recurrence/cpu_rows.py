"""What the compiled steps are made of: rows of H numbers, and the nonlinearities."""

import math
from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic, overload

from rnn_regexp.compiler import compiled

# The rows that a kernel sets, each in a slot of its own, and those that it only reads.
SLOTS = READ, SEEN, STATE, CELL, FIRST, SECOND, THIRD, FOURTH, OTHER = range(9)


@intrinsic
def pointer(context, address, index, one):
    """To the number that is ``index`` numbers like ``one`` behind the address."""

    def generate(context, builder, signature, arguments):
        first = builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))
        return builder.gep(first, [arguments[1]])

    return types.CPointer(one)(address, index, one), generate


@compiled
def row(address, index, own):
    """Row ``index`` of the array at ``address``."""
    return pointer(address, index * own.H, own.one)


def _mark(builder: Any, access: Any, slot: types.IntegerLiteral) -> None:
    """Promise the compiler that rows in different slots do not overlap, which saves it to look."""
    add = builder.module.add_metadata
    domain = add(["rows"])
    scopes = [add([f"slot {other}", domain]) for other in SLOTS]
    access.set_metadata("alias.scope", add([scopes.pop(slot.literal_value)]))
    access.set_metadata("noalias", add(scopes))


@intrinsic(prefer_literal=True)
def get(context, row, j, slot):
    """Number j of a row; ``slot`` is READ, or that of the row where the kernel sets its numbers."""

    def generate(context, builder, signature, arguments):
        value = builder.load(builder.gep(arguments[0], [arguments[1]]))
        _mark(builder, value, slot)
        return value

    return row.dtype(row, j, slot), generate


@intrinsic(prefer_literal=True)
def put(context, row, j, slot, value):
    """Set number j of a row."""

    def generate(context, builder, signature, arguments):
        access = builder.store(arguments[3], builder.gep(arguments[0], [arguments[1]]))
        _mark(builder, access, slot)
        return context.get_dummy_value()

    return types.void(row, j, slot, row.dtype), generate


def sigmoid(x):
    """1 / (1 + exp(-x)), in float32 to some 1e-7 of itself; NaN stays NaN."""
    raise NotImplementedError("only compiled")


def tanh(x):
    """In float32 to some 1e-7 of itself; NaN stays NaN."""
    raise NotImplementedError("only compiled")


@overload(sigmoid)
def _sigmoid(x):
    return _sigmoid_32 if x == types.float32 else lambda x: 1 / (1 + math.exp(-x))


@overload(tanh)
def _tanh(x):
    return _tanh_32 if x == types.float32 else lambda x: math.tanh(x)


_F = np.float32
_FAR, _LOG2_E, _LN_2 = _F(87), _F(math.log2(math.e)), _F(math.log(2))
_ONE, _TWO = _F(1), _F(2)
_C2, _C3, _C4, _C5, _C6, _C7 = (_F(1 / math.factorial(n)) for n in range(2, 8))


@compiled
def _exponential(x):
    """2^n and e^r - 1 of e^x = 2^n e^r, |r| <= ln(2) / 2.

    e^r - 1 is a polynomial, 2^n the bits of an exponent.
    """
    y = _FAR if x > _FAR else x
    y = (-_FAR if y < -_FAR else y) * _LOG2_E
    n = np.rint(y)
    r = (y - n) * _LN_2
    e = _C2 + r * (_C3 + r * (_C4 + r * (_C5 + r * (_C6 + r * _C7))))
    power = np.int32((np.int32(n) + np.int32(127)) << np.int32(23)).view(np.float32)
    return power, r * (_ONE + r * e)


def _sigmoid_32(x):
    power, rest = _exponential(-x)
    return _ONE / (_ONE + (_ONE + rest) * power)


def _tanh_32(x):
    """-E / (2 + E), E = e^-2x - 1: a small x loses nothing."""
    power, rest = _exponential(-x - x)
    E = (power - _ONE) + power * rest
    return -E / (_TWO + E)


@compiled
def mixed(share, old, new, one):
    """share * old + (1 - share) * new: for a share of 0 or 1 one of them, whatever the other is."""
    zero, rest = one - one, one - share
    kept = zero if share == zero else share * old
    return kept + (zero if rest == zero else rest * new)

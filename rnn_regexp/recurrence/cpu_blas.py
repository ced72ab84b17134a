"""Products by torch's own BLAS, called by its address from compiled steps.

A small product takes half the time that torch needs to be asked for it.  Fortran's interface:
everything by reference, matrices by columns, so that every product stands transposed.
"""

import ctypes
from functools import cache
from pathlib import Path

import numpy as np
import torch
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from rnn_regexp.compiler import compiled

_LIBRARIES = ("libtorch_cpu.so", "libtorch_cpu.dylib")


@cache
def gemm(dtype: torch.dtype) -> int:
    """The address of sgemm or dgemm, 0 where torch does not show it."""
    folder = Path(torch.__file__).parent / "lib"
    for library in (folder / name for name in _LIBRARIES):
        if library.is_file():
            name = "sgemm_" if dtype is torch.float32 else "dgemm_"
            found = getattr(ctypes.CDLL(str(library)), name, None)
            return ctypes.cast(found, ctypes.c_void_p).value or 0 if found else 0
    return 0


@intrinsic
def _call(context, gemm, by_reference):
    """``gemm`` with the 13 addresses of its arguments."""

    def generate(context, builder, signature, arguments):
        byte = ir.IntType(8).as_pointer()
        function = ir.FunctionType(ir.VoidType(), [byte] * 13).as_pointer()
        addresses = [builder.extract_value(arguments[1], i) for i in range(13)]
        pointers = [builder.inttoptr(address, byte) for address in addresses]
        builder.call(builder.inttoptr(arguments[0], function), pointers)
        return context.get_dummy_value()

    return types.void(gemm, by_reference), generate


@compiled
def room(own):
    """What BLAS reads by reference: 1 and 0, and 8 whole numbers."""
    scalars = np.full(2, own.one)
    scalars[1] = own.one - own.one
    return scalars, np.empty(8, np.int64)


@compiled
def _multiply(own, transposed, rows, columns, depth, A, B, B_apart, C, numbers):
    """C = A B or A^T B, by columns: those of A are H apart, those of C as far as it has rows."""
    scalars, whole = numbers
    whole[0], whole[1] = ord("T" if transposed else "N"), ord("N")
    whole[2], whole[3], whole[4] = rows, columns, depth
    whole[5], whole[6], whole[7] = own.H, B_apart, rows
    i, one = whole.ctypes.data, scalars.ctypes.data
    zero = one + own.size
    _call(own.gemm, (i, i + 8, i + 16, i + 24, i + 32, one, A, i + 40, B, i + 48, zero, C, i + 56))


@compiled
def forth(own, steps, t, numbers):
    """``products`` of step t: W_hh (m * h), for each run and mask (n, G*H/M)."""
    n, wide, of_row = steps[t, 0], own.G * own.H // own.masks, own.H * own.size
    for k in range(own.K):
        for m in range(own.masks):
            i = k * own.masks + m
            h = own.hs + (k * own.M + steps[t, 2]) * of_row
            if own.seen != 0:
                h = own.seen + i * n * of_row
            W, C = own.W + i * wide * of_row, own.products + i * n * wide * own.size
            _multiply(own, True, wide, n, own.H, W, h, own.H, C, numbers)


@compiled
def back(own, steps, t, numbers):
    """``products`` of step t: W_hh^T dL/da_t, for each run and mask (n, H)."""
    n, wide, of_row = steps[t, 0], own.G * own.H // own.masks, own.H * own.size
    for k in range(own.K):
        for m in range(own.masks):
            i = k * own.masks + m
            d_a = own.d_a + (k * own.N + steps[t, 1]) * own.G * of_row + m * wide * own.size
            W, C = own.W + i * wide * of_row, own.products + i * n * of_row
            _multiply(own, False, own.H, n, wide, W, d_a, own.G * own.H, C, numbers)

"""The instructions for products of matrices, tile by tile, for the processor that is here.

A tile keeps some rows of the product, one or two vectors of columns wide, in registers, and along
the depth takes in a number for each row and a vector for each of its columns.  So a number is
summed in the same order whatever stands beside it: a row alone is that row among thousands.
"""

from itertools import chain
from typing import Any, NamedTuple

import llvmlite.binding
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

_AVX512 = bool(llvmlite.binding.get_host_cpu_features().get("avx512f"))
VECTOR = 64 if _AVX512 else 32  # bytes
_HEIGHTS = (8, 4, 2, 1) if _AVX512 else (4, 2, 1)  # with two vectors they fit the registers
_WHOLE = ir.IntType(64)


@intrinsic(prefer_literal=True)
def tiles(context, one, vectors, A, B, B_row, S, S_row, C, C_row, rows, depth):
    """C = A B + S for some columns: those of ``vectors`` vectors, or a single one where that is 0.

    ``A`` (rows, depth) has an address and how many numbers apart its rows, and the numbers of a
    row, are; of the others these adjoin.
    """

    def generate(context, builder, signature, arguments):
        kind = context.get_value_type(signature.args[0])
        vectors, size = signature.args[1].literal_value, context.get_abi_sizeof(kind)
        code = _Code(builder, kind, size, VECTOR // size if vectors else 1, max(vectors, 1))
        A, A_row, A_next = (builder.extract_value(arguments[2], i) for i in range(3))
        B, B_row, S, S_row, C, C_row, rows, depth = arguments[3:]
        done = _WHOLE(0)
        for height in _HEIGHTS:
            count = builder.sdiv(builder.sub(rows, done), _WHOLE(height))
            with cgutils.for_range(builder, count) as loop:
                first = builder.add(done, builder.mul(loop.index, _WHOLE(height)))
                own = [builder.add(first, _WHOLE(i)) for i in range(height)]
                of_A, of_S, of_C = (
                    [code.pointer(at, apart, i) for i in own]
                    for at, apart in ((A, A_row), (S, S_row), (C, C_row))
                )
                sums = code.sums(of_A, A_next, code.pointer(B, B_row, _WHOLE(0)), B_row, depth)
                code.put(sums, of_S, of_C)
            done = builder.add(done, builder.mul(count, _WHOLE(height)))
        return context.get_dummy_value()

    return types.void(one, vectors, A, *(types.int64,) * 8), generate


class _Code(NamedTuple):
    """Writes instructions at the builder's place."""

    builder: Any
    number: Any  # float or double, of
    size: int  # bytes
    lanes: int  # numbers of a vector
    vectors: int  # of a tile's row

    def pointer(self, address: Any, apart: Any, index: Any) -> Any:
        """To the first number of row ``index``."""
        offset = self.builder.mul(self.builder.mul(index, apart), _WHOLE(self.size))
        return self.builder.inttoptr(self.builder.add(address, offset), self.number.as_pointer())

    def sums(self, A: list[Any], A_next: Any, B: Any, B_row: Any, depth: Any) -> list[list[Any]]:
        """Where the tile's vectors are, row by row, from rows of A and the columns at B."""
        builder, zeros = self.builder, ir.Constant(self._kind, None)
        sums = [[cgutils.alloca_once(builder, self._kind) for _ in range(self.vectors)] for _ in A]
        for total in chain(*sums):
            builder.store(zeros, total)
        with cgutils.for_range(builder, depth) as loop:
            columns = self._vectors(builder.gep(B, [builder.mul(loop.index, B_row)]))
            taken = [builder.load(column, align=self.size) for column in columns]
            for row, totals in zip(A, sums, strict=True):
                place = builder.gep(row, [builder.mul(loop.index, A_next)])
                self._add(self._everywhere(builder.load(place)), taken, totals)
        return sums

    def put(self, sums: list[list[Any]], S: list[Any], C: list[Any]) -> None:
        """Rows of C: the sums and those of S."""
        for totals, old, new in zip(sums, S, C, strict=True):
            for total, start, place in zip(
                totals, self._vectors(old), self._vectors(new), strict=True
            ):
                value = self.builder.load(start, align=self.size)
                value = self.builder.fadd(self.builder.load(total), value)
                self.builder.store(value, place, align=self.size)

    def _add(self, factor: Any, taken: list[Any], totals: list[Any]) -> None:
        """totals += factor * taken, in one instruction where the processor has it."""
        for column, total in zip(taken, totals, strict=True):
            product = self.builder.fmul(factor, column, flags=("contract",))
            new = self.builder.fadd(self.builder.load(total), product, flags=("contract",))
            self.builder.store(new, total)

    @property
    def _kind(self) -> Any:
        return ir.VectorType(self.number, self.lanes)

    def _vectors(self, row: Any) -> list[Any]:
        """Pointers to the vectors of a row."""
        places = [self.builder.gep(row, [_WHOLE(i * self.lanes)]) for i in range(self.vectors)]
        return [self.builder.bitcast(place, self._kind.as_pointer()) for place in places]

    def _everywhere(self, number: Any) -> Any:
        """A vector of the same number."""
        index = ir.IntType(32)
        first = self.builder.insert_element(ir.Constant(self._kind, ir.Undefined), number, index(0))
        return self.builder.shuffle_vector(
            first, first, ir.Constant(ir.VectorType(index, self.lanes), None)
        )

"""Views of flat memory and matrix products, as Numba intrinsics.

`vector` and `matrix` look at a piece of a flat array without counting references or copying; the caller
keeps the array alive and the piece inside it. `gemm` calls BLAS in place through the symbol Numba itself
uses, since `np.dot` copies what is not contiguous and cannot add to its result.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np import arrayobj
from numba.np.numpy_support import from_dtype


def _view(dimensions: int) -> Any:
    """Code generator of a contiguous view with that many dimensions."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source = context.make_array(signature.args[0])(context, builder, args[0])
        view = context.make_array(signature.return_type)(context, builder)
        itemsize = context.get_constant(
            types.intp, context.get_abi_sizeof(context.get_data_type(signature.return_type.dtype))
        )
        shape = list(args[2 : 2 + dimensions])
        strides = [itemsize] if dimensions == 1 else [builder.mul(shape[1], itemsize), itemsize]
        arrayobj.populate_array(
            view,
            data=builder.gep(source.data, [args[1]]),
            shape=shape,
            strides=strides,
            itemsize=itemsize,
            meminfo=None,
        )
        return view._getvalue()

    return codegen


@intrinsic
def vector(typingctx: Any, array: Any, offset: Any, size: Any) -> Any:
    """`size` numbers of a contiguous array's memory, from the `offset`-th."""
    view = types.Array(array.dtype, 1, "C")
    return view(array, types.intp, types.intp), _view(1)


@intrinsic
def matrix(typingctx: Any, array: Any, offset: Any, rows: Any, columns: Any) -> Any:
    """A (rows, columns) view of a contiguous array's memory, from the `offset`-th number."""
    view = types.Array(array.dtype, 2, "C")
    return view(array, types.intp, types.intp, types.intp), _view(2)


@intrinsic
def gemm(typingctx: Any, transpose_a: Any, transpose_b: Any, a: Any, b: Any, c: Any, add: Any) -> Any:
    """C = op(a) @ op(b), or c += ... where `add`; contiguous matrices, literal 0 or 1 for transposes."""
    if not all(isinstance(flag, types.IntegerLiteral) for flag in (transpose_a, transpose_b)):
        return None

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        flip_a, flip_b = transpose_a.literal_value, transpose_b.literal_value
        a_, b_, c_ = (
            context.make_array(kind)(context, builder, value)
            for kind, value in zip(signature.args[2:5], args[2:5], strict=True)
        )
        shape_a, shape_b, shape_c = (cgutils.unpack_tuple(builder, array.shape) for array in (a_, b_, c_))
        real = context.get_value_type(a.dtype)
        char, intp, pointer = ir.IntType(8), context.get_value_type(types.intp), ir.IntType(8).as_pointer()
        one = cgutils.alloca_once_value(builder, ir.Constant(real, 1.0))
        beta = cgutils.alloca_once_value(
            builder, builder.select(args[5], ir.Constant(real, 1.0), ir.Constant(real, 0.0))
        )
        inner = shape_a[0] if flip_a else shape_a[1]
        function = cgutils.get_or_insert_function(
            builder.module,
            ir.FunctionType(
                ir.IntType(32),
                [
                    char,
                    char,
                    char,
                    *[intp] * 3,
                    pointer,
                    pointer,
                    intp,
                    pointer,
                    intp,
                    pointer,
                    pointer,
                    intp,
                ],
            ),
            "numba_xxgemm",
        )

        def address(array: Any) -> Any:
            return builder.bitcast(array.data if hasattr(array, "data") else array, pointer)

        def letter(text: str) -> Any:
            return ir.Constant(char, ord(text))

        # BLAS counts columns first: our row-major c = op(a) op(b) is its c' = op(b)' op(a)'.
        builder.call(
            function,
            [
                letter("s" if a.dtype == types.float32 else "d"),
                letter("T" if flip_b else "N"),
                letter("T" if flip_a else "N"),
                shape_c[1],
                shape_c[0],
                inner,
                address(one),
                address(b_),
                shape_b[1],
                address(a_),
                shape_a[1],
                address(beta),
                address(c_),
                shape_c[1],
            ],
        )
        return context.get_dummy_value()

    return types.none(transpose_a, transpose_b, a, b, c, types.boolean), codegen


@dataclass(frozen=True)
class ArgumentTypes:
    """Numba's types of what kernels are given, for kernels that are compiled when a build is made."""

    vector: Any  #: numbers of the build's dtype
    matrix: Any
    fixed: Any  #: a vector that is only read, as all `given`, `rows`, `flags` and `fixed_doubles` are
    given: Any  #: the user's X and Y
    rows: Any
    flags: Any
    fixed_doubles: Any
    doubles: Any
    reals: Any  #: float64 table
    integers: Any
    table: Any  #: int64 table
    count: Any = types.int64
    double: Any = types.float64
    switch: Any = types.boolean
    nothing: Any = types.void


def argument_types(real: type) -> ArgumentTypes:
    """Types for a build in float32 or float64."""
    number = from_dtype(np.dtype(real))

    def fixed(kind: Any, dimensions: int = 1) -> Any:
        return types.Array(kind, dimensions, "C", readonly=True)

    return ArgumentTypes(
        vector=number[::1],
        matrix=number[:, ::1],
        fixed=fixed(number),
        given=fixed(number, 2),
        rows=fixed(types.int64),
        flags=fixed(types.boolean),
        fixed_doubles=fixed(types.float64),
        doubles=types.float64[::1],
        reals=types.float64[:, ::1],
        integers=types.int64[::1],
        table=types.int64[:, ::1],
    )

"""Views of flat memory as Numba intrinsics, and the types of what kernels are given.

`vector` and `matrix` look at a piece of a contiguous array without counting references or copying; the
caller keeps the array alive and the piece inside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import types
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
def place(typingctx: Any, array: Any, at: Any) -> Any:
    """Address of a contiguous array's number `at`."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source = context.make_array(signature.args[0])(context, builder, args[0])
        return builder.ptrtoint(builder.gep(source.data, [args[1]]), context.get_value_type(types.intp))

    return types.intp(array, types.intp), codegen


def viewer(number: Any, dimensions: int) -> Any:
    """A function for kernels: the numbers of a type that lie at an address, as an array of that shape."""
    kind = types.Array(number, dimensions, "C")

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        view = context.make_array(kind)(context, builder)
        element = context.get_data_type(number)
        itemsize = context.get_constant(types.intp, context.get_abi_sizeof(element))
        shape = list(args[1:])
        strides = [itemsize] if dimensions == 1 else [builder.mul(shape[1], itemsize), itemsize]
        arrayobj.populate_array(
            view,
            data=builder.inttoptr(args[0], element.as_pointer()),
            shape=shape,
            strides=strides,
            itemsize=itemsize,
            meminfo=None,
        )
        return view._getvalue()

    if dimensions == 1:

        @intrinsic
        def row(typingctx: Any, address: Any, size: Any) -> Any:
            return kind(types.intp, types.intp), codegen

        return row

    @intrinsic
    def table(typingctx: Any, address: Any, rows: Any, columns: Any) -> Any:
        return kind(types.intp, types.intp, types.intp), codegen

    return table


def numbers_of(real: type) -> Any:
    """A function for kernels: the `size` numbers of the type `real` that lie at an address."""
    return viewer(from_dtype(np.dtype(real)), 1)


integers, integer_table = viewer(types.int64, 1), viewer(types.int64, 2)
doubles, double_table = viewer(types.float64, 1), viewer(types.float64, 2)
flags = viewer(types.boolean, 1)


@dataclass(frozen=True)
class ArgumentTypes:
    """Numba's types of what kernels are given, for kernels that are compiled when a build is made."""

    number: Any  #: of the build's dtype
    vector: Any
    matrix: Any
    fixed: Any  #: a vector that is only read
    reals: Any  #: float64 table
    integers: Any
    table: Any  #: int64 table
    count: Any = types.int64
    double: Any = types.float64
    nothing: Any = types.void


def argument_types(real: type) -> ArgumentTypes:
    """Types for a build in float32 or float64."""
    number = from_dtype(np.dtype(real))
    return ArgumentTypes(
        number=number,
        vector=number[::1],
        matrix=number[:, ::1],
        fixed=types.Array(number, 1, "C", readonly=True),
        reals=types.float64[:, ::1],
        integers=types.int64[::1],
        table=types.int64[:, ::1],
    )

"""What threads that run one kernel together need: atomic numbers in shared memory, and a polite wait.

All of it is written into Numba functions. `load` and `store` are acquire and release: what a thread wrote
before its `store` is seen by whoever `load`s the new number.
"""

from __future__ import annotations

import sys
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

NAP_MICROSECONDS = 20


def _place(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    array = context.make_array(signature.args[0])(context, builder, args[0])
    return builder.gep(array.data, [args[1]])


@intrinsic
def load(typingctx: Any, numbers: Any, at: Any) -> Any:
    """numbers[at], read at once."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load_atomic(_place(context, builder, signature, args), "acquire", 8)

    return types.int64(numbers, types.intp), codegen


@intrinsic
def store(typingctx: Any, numbers: Any, at: Any, value: Any) -> Any:
    """numbers[at] = value, at once."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.store_atomic(args[2], _place(context, builder, signature, args), "release", 8)
        return context.get_dummy_value()

    return types.none(numbers, types.intp, types.int64), codegen


@intrinsic
def add(typingctx: Any, numbers: Any, at: Any, value: Any) -> Any:
    """numbers[at] += value, at once; the number before."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.atomic_rmw("add", _place(context, builder, signature, args), args[2], "acq_rel")

    return types.int64(numbers, types.intp, types.int64), codegen


@intrinsic
def exchange(typingctx: Any, numbers: Any, at: Any, expected: Any, value: Any) -> Any:
    """numbers[at] = value if it was `expected`, at once; whether it was."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = _place(context, builder, signature, args)
        return builder.extract_value(builder.cmpxchg(place, args[2], args[3], "acq_rel", "acquire"), 1)

    return types.boolean(numbers, types.intp, types.int64, types.int64), codegen


@intrinsic
def pause(typingctx: Any) -> Any:
    """Tell the CPU that this is a waiting loop."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        if context.target_data and "x86" in str(builder.module.triple):
            kind = ir.FunctionType(ir.VoidType(), [])
            builder.call(cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.sse2.pause"), [])
        return context.get_dummy_value()

    return types.none(), codegen


@intrinsic
def give_way(typingctx: Any) -> Any:
    """Let another thread have the core."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        name = "SwitchToThread" if sys.platform == "win32" else "sched_yield"
        kind = ir.FunctionType(ir.IntType(32), [])
        builder.call(cgutils.get_or_insert_function(builder.module, kind, name), [])
        return context.get_dummy_value()

    return types.none(), codegen


@intrinsic
def nap(typingctx: Any) -> Any:
    """Leave the core idle for some 20 microseconds, so that the system may move another thread there."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        name, arguments = (
            ("SwitchToThread", []) if sys.platform == "win32" else ("usleep", [NAP_MICROSECONDS])
        )
        integer = ir.IntType(32)
        kind = ir.FunctionType(integer, [integer] * len(arguments))
        builder.call(
            cgutils.get_or_insert_function(builder.module, kind, name), [integer(k) for k in arguments]
        )
        return context.get_dummy_value()

    return types.none(), codegen


@intrinsic
def fetch_line(typingctx: Any, place: Any) -> Any:
    """Ask for the cache line at an address, without waiting for it."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [pointer, *[ir.IntType(32)] * 3])
        prefetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        reading, second_level, data = (ir.IntType(32)(number) for number in (0, 2, 1))
        builder.call(prefetch, [builder.inttoptr(args[0], pointer), reading, second_level, data])
        return context.get_dummy_value()

    return types.none(types.intp), codegen

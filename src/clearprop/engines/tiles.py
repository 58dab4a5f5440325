"""Tiles: the one loop under every matrix product, for Numba.

A tile is a few rows and a few vectors of columns of a product, held in registers while `k` runs:

    c[i, j] = init[i, j] + a[i, 0] b[0, j] + a[i, 1] b[1, j] + ...

Every number of it is **one chain of fused multiply-adds in the order of k**, however high and wide the tile
is and wherever it lies. So neither the cut of a product into tiles, blocks and threads, nor the width of
the CPU's vectors can change a bit: a row has the same numbers alone and in any company. Strides are free
(`a` may be read along its rows or its columns), so the three products of a layer are this one loop.

After the micro-kernels of K. Goto and R. van de Geijn, *Anatomy of high-performance matrix multiplication*
(2008); BLIS describes how large a tile may be.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

I64, I32, I1 = ir.IntType(64), ir.IntType(32), ir.IntType(1)


@dataclass(frozen=True)
class Registers:
    """What this CPU's registers hold: bytes of a vector, and the rows of a tile (two vectors wide)."""

    bytes: int
    height: int

    def lanes(self, itemsize: int) -> int:
        """Numbers of a vector."""
        return self.bytes // itemsize


VECTORS = 2  #: vectors of a tile's row
THIRD = 3  #: rows of `a` that are found from one place: itself, and one and two steps on


#: names of kinds of CPU with and without the widest vectors, for kernels compiled for another machine
_WIDEST = (
    "x86-64-v4",
    "avx512",
    "icelake",
    "tigerlake",
    "sapphire",
    "granite",
    "emerald",
    "znver4",
    "znver5",
)
_WIDE = ("x86-64-v3", "haswell", "broadwell", "skylake", "alderlake", "znver1", "znver2", "znver3")


@lru_cache(maxsize=1)
def registers() -> Registers:
    """From the features of the CPU that kernels are compiled for."""
    import llvmlite.binding
    from numba import config

    name, given = config.CPU_NAME or "", config.CPU_FEATURES
    if name or given:
        has = {word.strip("+") for word in (given or "").split(",") if word.startswith("+")}
        has |= {"avx512f"} if any(word in name for word in _WIDEST) else set()
        has |= {"avx"} if any(word in name for word in _WIDE) else set()
    else:
        has = {word for word, there in llvmlite.binding.get_host_cpu_features().items() if there}
    if "avx512f" in has:
        return Registers(64, 12)  # 24 sums, 2 vectors of b and one of a, in 32 registers
    return Registers(32, 6) if "avx" in has else Registers(16, 6)  # 12 sums in 16 registers


def panel_width(itemsize: int) -> int:
    """Columns of the widest tile."""
    return VECTORS * registers().lanes(itemsize)


class _Tile:
    """Writes the machine code of tiles of one number type into a Numba function."""

    def __init__(self, context: Any, builder: Any, real: Any) -> None:
        self.builder = builder
        self.real = context.get_value_type(real)
        self.align = real.bitwidth // 8
        self.lanes = registers().lanes(self.align)
        self.vector = ir.VectorType(self.real, self.lanes)
        self.mask = ir.VectorType(I1, self.lanes)
        suffix = f"v{self.lanes}f{real.bitwidth}"
        pointer, module = self.vector.as_pointer(), builder.module

        def declare(name: str, result: Any, arguments: list[Any]) -> Any:
            return cgutils.get_or_insert_function(module, ir.FunctionType(result, arguments), name)

        self._load = declare(
            f"llvm.masked.load.{suffix}.p0", self.vector, [pointer, I32, self.mask, self.vector]
        )
        self._store = declare(
            f"llvm.masked.store.{suffix}.p0", ir.VoidType(), [self.vector, pointer, I32, self.mask]
        )
        self._fma = declare(f"llvm.fma.{suffix}", self.vector, [self.vector] * 3)

    def spread(self, value: Any, kind: Any) -> Any:
        """A vector of one number."""
        undefined = ir.Constant(kind, ir.Undefined)
        one = self.builder.insert_element(undefined, value, I32(0))
        return self.builder.shuffle_vector(
            one, undefined, ir.Constant(ir.VectorType(I32, kind.count), [0] * kind.count)
        )

    def hide(self, value: Any) -> Any:
        """The value, of which the compiler knows no more that it depends on others.

        Else it walks through the rows of `a` in a chain of additions, which takes longer than the sums.
        """
        return self.builder.asm(ir.FunctionType(value.type, [value.type]), "", "=r,0", [value], False)

    def mask_of(self, columns: Any) -> Any:
        """Lanes of a last vector that hold numbers, from how many there are."""
        kind = ir.VectorType(I64, self.lanes)
        return self.builder.icmp_signed(
            "<", ir.Constant(kind, list(range(self.lanes))), self.spread(columns, kind)
        )

    def place(self, at: Any, v: int) -> Any:
        """Where vector v of a row lies."""
        piece = self.builder.gep(at, [I64(v * self.lanes)])
        return self.builder.bitcast(piece, self.vector.as_pointer())

    def row(self, at: Any, vectors: int, mask: Any) -> list[Any]:
        """The vectors of a row in memory; the last as far as it goes, where there is a mask."""
        loaded = []
        for v in range(vectors):
            place = self.place(at, v)
            if mask is not None and v == vectors - 1:
                zeros = ir.Constant(self.vector, [self.real(0.0)] * self.lanes)
                loaded.append(self.builder.call(self._load, [place, I32(self.align), mask, zeros]))
            else:
                loaded.append(self.builder.load(place, align=self.align))
        return loaded

    def keep(self, row: list[Any], at: Any, mask: Any) -> None:
        """Write a row's vectors."""
        for v, value in enumerate(row):
            if mask is not None and v == len(row) - 1:
                self.builder.call(self._store, [value, self.place(at, v), I32(self.align), mask])
            else:
                self.builder.store(value, self.place(at, v), align=self.align)

    def write(self, height: int, vectors: int, mask: Any, given: dict[str, Any]) -> None:
        """One tile of fixed height and width."""
        builder, grid = self.builder, range(height)
        starts = [builder.gep(given["init"], [builder.mul(I64(i), given["init_row"])]) for i in grid]
        first = [self.row(start, vectors, mask) for start in starts]
        apart = self.hide(given["a_row"])
        bases = [given["a"]]
        for _ in range(THIRD, height, THIRD):
            bases.append(builder.gep(bases[-1], [builder.mul(I64(THIRD), apart)]))
        bases = [self.hide(base) for base in bases]
        before, body, after = builder.block, builder.append_basic_block(), builder.append_basic_block()
        builder.cbranch(builder.icmp_signed(">", given["count"], I64(0)), body, after)

        builder.position_at_end(body)
        starts = [I64(0), given["b"], *bases]
        running = [builder.phi(start.type) for start in starts]
        counter, b, *lefts = running
        sums = [[builder.phi(self.vector) for _ in row] for row in first]
        right = self.row(b, vectors, mask)
        added = []
        for i in grid:
            at = lefts[i // THIRD]
            if i % THIRD:
                at = builder.gep(at, [apart if i % THIRD == 1 else builder.add(apart, apart)])
            left = self.spread(builder.load(at), self.vector)
            added.append([builder.call(self._fma, [left, right[v], sums[i][v]]) for v in range(vectors)])
        following = [builder.add(counter, I64(1)), builder.gep(b, [given["b_k"]])]
        following += [builder.gep(left, [given["a_k"]]) for left in lefts]
        for phi, start, end in zip(running, starts, following, strict=True):
            phi.add_incoming(start, before)
            phi.add_incoming(end, body)
        for i in grid:
            for v in range(vectors):
                sums[i][v].add_incoming(first[i][v], before)
                sums[i][v].add_incoming(added[i][v], body)
        builder.cbranch(builder.icmp_signed("<", following[0], given["count"]), body, after)

        builder.position_at_end(after)
        done = [[builder.phi(self.vector) for _ in row] for row in first]
        for i in grid:
            for v in range(vectors):
                done[i][v].add_incoming(first[i][v], before)
                done[i][v].add_incoming(added[i][v], body)
        for i in grid:
            self.keep(done[i], builder.gep(given["c"], [builder.mul(I64(i), given["c_row"])]), mask)


@intrinsic
def tile(
    typingctx: Any,
    height: Any,
    columns: Any,
    a: Any,
    a_at: Any,
    a_row: Any,
    a_k: Any,
    b: Any,
    b_at: Any,
    b_k: Any,
    count: Any,
    init: Any,
    init_at: Any,
    init_row: Any,
    c: Any,
    c_at: Any,
    c_row: Any,
) -> Any:
    """c[i, j] = init[i, j] + sum over k < count of a[i, k] b[k, j], for `height` rows and `columns` columns.

    Arrays are flat, one number type; number (i, k) of `a` lies at a_at + i a_row + k a_k, (k, j) of `b` at
    b_at + k b_k + j, and rows of `init` and `c` are init_row and c_row apart. At most
    `registers().height` rows and `VECTORS` vectors of columns; all of `init` is read before `c` is written.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def at(k: int) -> Any:
            array = context.make_array(signature.args[k])(context, builder, args[k])
            return builder.gep(array.data, [args[k + 1]])

        writer = _Tile(context, builder, signature.args[2].dtype)
        given = {
            "a": at(2),
            "a_row": args[4],
            "a_k": args[5],
            "b": at(6),
            "b_k": args[8],
            "count": args[9],
            "init": at(10),
            "init_row": args[12],
            "c": at(13),
            "c_row": args[15],
        }
        lanes, high = writer.lanes, registers().height
        vectors = builder.sdiv(builder.add(args[1], I64(lanes - 1)), I64(lanes))
        left = builder.sub(args[1], builder.mul(builder.sub(vectors, I64(1)), I64(lanes)))
        whole = builder.zext(builder.icmp_signed("==", left, I64(lanes)), I64)
        kind = builder.add(
            builder.mul(args[0], I64(2 * VECTORS)), builder.mul(builder.sub(vectors, I64(1)), I64(2))
        )
        kind = builder.add(kind, whole)
        end = builder.append_basic_block("tiled")
        choice = builder.switch(kind, end)
        for h in range(1, high + 1):
            for v in range(1, VECTORS + 1):
                for full in (0, 1):
                    block = builder.append_basic_block(f"tile_{h}_{v}_{full}")
                    choice.add_case(I64(2 * VECTORS * h + 2 * (v - 1) + full), block)
                    builder.position_at_end(block)
                    writer.write(h, v, None if full else writer.mask_of(left), given)
                    builder.branch(end)
        builder.position_at_end(end)
        return context.get_dummy_value()

    n = types.intp
    return types.none(n, n, a, n, n, n, b, n, n, n, init, n, n, c, n, n), codegen


@intrinsic
def use_whole_registers(typingctx: Any) -> Any:
    """Have the loops of the function that calls this use vectors as wide as registers are.

    LLVM halves them on CPUs that once lowered their clock for wide ones.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        attributes = builder.function.attributes
        attributes.add("noinline")
        set.add(attributes, f'"prefer-vector-width"="{8 * registers().bytes}"')
        return context.get_dummy_value()

    return types.none(), codegen


@intrinsic
def transpose(typingctx: Any, a: Any, a_at: Any, a_row: Any, b: Any, b_at: Any, b_row: Any) -> Any:
    """b[j, i] = a[i, j] of a square as wide as a vector; rows a_row and b_row apart in flat memory."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        writer = _Tile(context, builder, signature.args[0].dtype)
        lanes = writer.lanes

        def row(k: int, i: int) -> Any:
            array = context.make_array(signature.args[k])(context, builder, args[k])
            return builder.gep(array.data, [builder.add(args[k + 1], builder.mul(I64(i), args[k + 2]))])

        rows = [writer.row(row(0, i), 1, None)[0] for i in range(lanes)]
        step = 1
        while step < lanes:  # swap the off-diagonal squares of side `step`
            swapped = list(rows)
            for i in range(lanes):
                if not i & step:
                    upper, lower = rows[i], rows[i + step]
                    pick = [(j if not j & step else lanes + j - step) for j in range(lanes)]
                    swapped[i] = _shuffle(builder, upper, lower, pick)
                    pick = [(j + step if not j & step else lanes + j) for j in range(lanes)]
                    swapped[i + step] = _shuffle(builder, upper, lower, pick)
            rows, step = swapped, 2 * step
        for i, value in enumerate(rows):
            writer.keep([value], row(3, i), None)
        return context.get_dummy_value()

    n = types.intp
    return types.none(a, n, n, b, n, n), codegen


def _shuffle(builder: Any, a: Any, b: Any, pick: list[int]) -> Any:
    return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(I32, len(pick)), pick))

"""The three products of a layer, as panels of tiles: z = x W^T + b, upstream = delta W, dW = delta^T x.

All are `product`, c = a b. A panel is as many columns of b as the widest tile; `k` runs in chunks, so that a
chunk of a panel stays near while rows of a pass over it; and what tiles would read across long rows is copied
together first, where enough tiles read it. Nothing of this changes a bit: see `engines/tiles.py`. After the
loops of K. Goto and R. van de Geijn, *Anatomy of high-performance matrix multiplication* (2008).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types

from clearprop.engines.builds import build_of
from clearprop.engines.memory import numbers_of
from clearprop.engines.tiles import panel_width, registers, tile, transpose

_BUILD = build_of(__name__)
kernel, inline, far, REAL = _BUILD.kernel, _BUILD.inline, _BUILD.far, _BUILD.real
ITEMSIZE = np.dtype(REAL).itemsize
HEIGHT, PANEL, LANES = registers().height, panel_width(ITEMSIZE), registers().lanes(ITEMSIZE)
DEPTH = 512  #: of a chunk of k
LEFT = (1 << 20) // ITEMSIZE  #: numbers of a block of a, copied together: half a second-level cache
LEFT_ROWS = 4 * HEIGHT  #: rows of a block at least
WIDE = 8 * PANEL  #: columns that read it, from which on it is copied
LEFT_ABOVE = 1000  #: numbers between two of its rows up to which it is read in place
GATHERED_ABOVE = 256  #: numbers between two of its k's, likewise
COPIED_ABOVE = 128  #: numbers of a row of b up to which it is read in place, where many rows of a meet it
LOCAL = (1 << 20) // ITEMSIZE  #: numbers of a task's gradient that never leaves the thread
REACH = -(-HEIGHT // LANES) * LANES  #: rows that squares of a tile's rows reach
#: where a thread's scratch holds zeros (at 0), a chunk of a panel of b, a block of a and a gradient; its size
B_ROOM, A_ROOM, GRADIENT_ROOM = PANEL, PANEL * (DEPTH + 1), PANEL * (DEPTH + 1) + LEFT + PANEL
SCRATCH, NARROW_SCRATCH = GRADIENT_ROOM + LOCAL, A_ROOM  # where no layer is wide, there are but the first two
ONE = REAL(1)
N = types.intp
numbers = numbers_of(REAL)


@inline
def panel(
    rows: int,
    columns: int,
    a: int,
    a_row: int,
    a_k: int,
    apart: int,
    b: int,
    b_k: int,
    count: int,
    init: int,
    init_row: int,
    c: int,
    c_row: int,
) -> None:
    """`tile` for any number of rows; arrays by their places.

    Tiles are of nearly equal height where `a` lies as it is, else (see `pack_left`) `apart` and full.
    """
    tiles = -(-rows // HEIGHT)
    i = 0
    for t in range(tiles):
        height = min(HEIGHT, rows - i) if apart else (rows - i) // (tiles - t)
        tile(
            height,
            columns,
            numbers(a, 1),
            t * apart if apart else i * a_row,
            a_row,
            a_k,
            numbers(b, 1),
            0,
            b_k,
            count,
            numbers(init, 1),
            i * init_row,
            init_row,
            numbers(c, 1),
            i * c_row,
            c_row,
        )
        i += height


@inline
def chunk_of(count: int, most: int) -> int:
    """Length of nearly equal chunks of at most `most`."""
    return -(-count // (-(-count // most)))


@far(*[N] * 6)
def pack_left(a: int, a_row: int, a_k: int, rows: int, count: int, into: int) -> None:
    """Rows of `a` as tiles read them: HEIGHT rows together, k after k.

    What is subtle: a square or a vector may reach beyond its HEIGHT rows; what it writes there is written
    over by the next k, or by the next tile.
    """
    source, packed = numbers(a, 1), numbers(into, 1)
    full = rows - rows % HEIGHT
    if a_row == 1:
        for k in range(count):
            for i in range(0, full, HEIGHT):
                for s in range(HEIGHT):
                    packed[i * count + k * HEIGHT + s] = source[i + k * a_k + s]
    for i in range(full if a_row == 1 else 0, rows, HEIGHT):
        height, at, whole = min(HEIGHT, rows - i), i * count, 0
        if a_k == 1 and i + REACH <= rows:
            whole = count - count % LANES
            for k in range(0, whole, LANES):
                for s in range(REACH - LANES, -1, -LANES):
                    transpose(source, (i + s) * a_row + k, a_row, packed, at + k * HEIGHT + s, HEIGHT)
        for k in range(whole, count):
            for s in range(height):
                packed[at + k * HEIGHT + s] = source[(i + s) * a_row + k * a_k]


@inline
def copy_rows(source: int, stride: int, count: int, columns: int, into: int, apart: int) -> None:
    """Rows of `columns` numbers, `stride` apart, to where they are `apart`."""
    for k in range(count):
        row = numbers(source + k * stride * ITEMSIZE, columns)
        kept = numbers(into + k * apart * ITEMSIZE, columns)
        for j in range(columns):
            kept[j] = row[j]


@far(*[N] * 15)
def product(
    rows: int,
    columns: int,
    count: int,
    a: int,
    a_row: int,
    a_k: int,
    b: int,
    b_k: int,
    b_column: int,
    init: int,
    init_column: int,
    add: int,
    c: int,
    c_row: int,
    scratch: int,
) -> None:
    """c = init + a b, or c += a b where `add`.

    Number (i, k) of a lies at i a_row + k a_k; a panel of b that begins with column j at j b_column, its rows
    b_k apart; number j of init at j init_column.
    """
    copying = b_k > COPIED_ABOVE and rows >= LEFT_ROWS
    packing = columns >= WIDE and rows >= LEFT_ROWS and (a_row > LEFT_ABOVE or a_k > GATHERED_ABOVE)
    room, packed = scratch + B_ROOM * ITEMSIZE, scratch + A_ROOM * ITEMSIZE
    reach = chunk_of(count, DEPTH if copying else LEFT // LEFT_ROWS if packing else count)
    block = LEFT // reach // HEIGHT * HEIGHT if packing else rows
    for begin in range(0, count, reach):
        end = min(begin + reach, count)
        depth = chunk_of(end - begin, DEPTH)
        for i in range(0, rows, block):
            some, left = min(block, rows - i), a + (i * a_row + begin * a_k) * ITEMSIZE
            left_row, left_k, apart = a_row, a_k, 0
            if packing:
                pack_left(left, a_row, a_k, some, end - begin, packed)
                left, left_row, left_k, apart = packed, 1, HEIGHT, HEIGHT * (end - begin)
            for j in range(0, columns, PANEL):
                width, right = min(PANEL, columns - j), b + j * b_column * ITEMSIZE
                into = c + (i * c_row + j) * ITEMSIZE
                for k in range(begin, end, depth):
                    here, here_k, now = right + k * b_k * ITEMSIZE, b_k, min(depth, end - k)
                    if copying:
                        copy_rows(here, b_k, now, width, room, PANEL)
                        here, here_k = room, PANEL
                    start, start_row = init + j * init_column * ITEMSIZE, 0
                    if add or k > 0:
                        start, start_row = into, c_row
                    panel(
                        some, width, left + (k - begin) * left_k * ITEMSIZE, left_row, left_k, apart,
                        here, here_k, now, start, start_row, into, c_row,
                    )  # fmt: skip


@inline
def pack_rows(source: int, apart: int, rows: int, columns: int, into: int, most: int) -> None:
    """Rows that are `apart`, cut into panels of columns that hold `most` rows each."""
    for j in range(0, columns, PANEL):
        here = into + j * most * ITEMSIZE
        copy_rows(source + j * ITEMSIZE, apart, rows, min(PANEL, columns - j), here, PANEL)


@kernel
def pack(theta: Any, w_at: int, n: int, first: int, last: int, packed: Any, at: int) -> None:
    """Rows `first` to `last` - 1 of W (r, n), transposed into panels of units; `first` begins a panel."""
    for j in range(first, last, LANES):
        here = at + (j // PANEL) * PANEL * n + j % PANEL
        if j + LANES <= last:
            for k in range(0, n - n % LANES, LANES):
                transpose(theta, w_at + j * n + k, n, packed, here + k * PANEL, PANEL)
        else:
            for i in range(last - j):
                for k in range(n - n % LANES):
                    packed[here + k * PANEL + i] = theta[w_at + (j + i) * n + k]
        for i in range(min(LANES, last - j)):
            for k in range(n - n % LANES, n):
                packed[here + k * PANEL + i] = theta[w_at + (j + i) * n + k]


@far(*[N] * 9)
def products_forward(
    x: int, m: int, n: int, packed: int, r: int, b: int, has_bias: int, z: int, scratch: int
) -> None:
    """Z (m, r) = x (m, n) W^T + b, from packed W; without a bias, `b` is the place of PANEL zeros."""
    product(m, r, n, x, n, 1, packed, PANEL, n, b, has_bias, 0, z, r, scratch)


@far(*[N] * 7)
def products_backward(delta: int, m: int, r: int, W: int, n: int, scratch: int, u: int) -> None:
    """Upstream (m, n) = delta (m, r) W."""
    product(m, n, r, delta, r, 1, W, n, 1, scratch, 0, 0, u, n, scratch)


@inline
def narrow_gradient(
    delta: int, r: int, units: int, x: int, n: int, m: int, scratch: int, gradient: int, add: int
) -> None:
    """dW of a few inputs: dW^T = x^T delta, whose rows are as wide as a tile, turned over at the end."""
    turned = scratch + PANEL * ITEMSIZE
    for j in range(0, units, PANEL):
        columns, right = min(PANEL, units - j), delta + j * ITEMSIZE
        dW, dWT = numbers(gradient + j * n * ITEMSIZE, columns * n), numbers(turned, n * PANEL)
        start, apart = (turned, PANEL) if add else (scratch, 0)
        if add:
            for k in range(columns):
                for i in range(n):
                    dWT[i * PANEL + k] = dW[k * n + i]
        panel(n, columns, x, 1, n, 0, right, r, m, start, apart, turned, PANEL)
        for k in range(columns):
            for i in range(n):
                dW[k * n + i] = dWT[i * PANEL + k]


@far(*[N] * 7)
def sums_over_rows(delta: int, r: int, units: int, m: int, scratch: int, into: int, add: int) -> None:
    """db: the deltas of some units summed over m rows, or db += ... where `add`, as ones times delta."""
    ones = numbers(scratch + PANEL * ITEMSIZE, 1)
    ones[0] = ONE
    for j in range(0, units, PANEL):
        columns, here = min(PANEL, units - j), into + j * ITEMSIZE
        start = here if add else scratch
        panel(1, columns, scratch + PANEL * ITEMSIZE, 0, 0, 0, delta + j * ITEMSIZE, r, m, start, 0, here, 0)


@far(*[N] * 11)
def products_of_gradient(
    delta: int,
    r: int,
    units: int,
    x: int,
    panels: int,
    most: int,
    n: int,
    m: int,
    scratch: int,
    gradient: int,
    add: int,
) -> None:
    """Rows of dW = delta^T x, or dW += ... where `add`.

    `delta` is the place of the first unit's, over m rows that are r apart; x (m, n) is read from its panels,
    `most` rows each, if `panels` is not 0.
    """
    if n <= LANES and units > n:
        narrow_gradient(delta, r, units, x, n, m, scratch, gradient, add)
    elif panels:
        product(units, n, m, delta, 1, r, panels, PANEL, most, scratch, 0, add, gradient, n, scratch)
    else:
        product(units, n, m, delta, 1, r, x, n, 1, scratch, 0, add, gradient, n, scratch)

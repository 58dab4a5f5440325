"""The three products of a layer, as panels of tiles: z = x W^T + b, upstream = delta W, dW = delta^T x.

A panel is as many columns as the widest tile; `k` runs in chunks, so that a chunk of a panel stays in the
nearest cache while all rows pass over it. Neither changes a bit: see `engines/tiles.py`. What tiles read
across long rows is copied together first, where enough tiles read it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types

from clearprop.engines.builds import build_of
from clearprop.engines.memory import numbers_of
from clearprop.engines.plan import MOST_UNITS
from clearprop.engines.tiles import panel_width, registers, tile, transpose

_BUILD = build_of(__name__)
kernel, inline, far, REAL = _BUILD.kernel, _BUILD.inline, _BUILD.far, _BUILD.real
ITEMSIZE = np.dtype(REAL).itemsize
HEIGHT, PANEL, LANES = registers().height, panel_width(ITEMSIZE), registers().lanes(ITEMSIZE)
DEPTH = 256  #: of a chunk of k: 32 KiB of a panel
COPIED_ROWS = 4 * HEIGHT  #: rows from which on a panel is copied together
COPIED_ABOVE = 128  #: columns of a matrix up to which it is read in place
COPIED_PANELS = 8  #: panels that read a chunk of deltas, from which on it is copied together
#: numbers of a thread's scratch: zeros, a chunk of a panel, a chunk of deltas
SCRATCH = PANEL + DEPTH * (PANEL + MOST_UNITS)
ONE = REAL(1)
N = types.intp
numbers = numbers_of(REAL)


@far(*[N] * 12)
def panel(
    rows: int,
    columns: int,
    a: int,
    a_row: int,
    a_k: int,
    b: int,
    b_k: int,
    count: int,
    init: int,
    init_row: int,
    c: int,
    c_row: int,
) -> None:
    """`tile` for any number of rows, in tiles of nearly equal height; arrays by their places."""
    tiles = -(-rows // HEIGHT)
    i = 0
    for t in range(tiles):
        height = (rows - i) // (tiles - t)
        tile(
            height,
            columns,
            numbers(a, 1),
            i * a_row,
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


@inline
def copy_rows(source: int, stride: int, count: int, columns: int, into: int, apart: int) -> None:
    """Rows of `columns` numbers, `stride` apart, to where they are `apart`."""
    for k in range(count):
        row, kept = (
            numbers(source + k * stride * ITEMSIZE, columns),
            numbers(into + k * apart * ITEMSIZE, columns),
        )
        for j in range(columns):
            kept[j] = row[j]


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


@far(*[N] * 8)
def products_forward(x: int, m: int, n: int, packed: int, r: int, b: int, has_bias: int, z: int) -> None:
    """Z (m, r) = x (m, n) W^T + b, from packed W; without a bias, `b` is the place of PANEL zeros."""
    chunk = chunk_of(n, DEPTH)
    for j in range(0, r, PANEL):
        columns, into = min(PANEL, r - j), z + j * ITEMSIZE
        start, apart = b + (j * ITEMSIZE if has_bias else 0), 0
        for k in range(0, n, chunk):
            right = packed + (j * n + k * PANEL) * ITEMSIZE
            panel(m, columns, x + k * ITEMSIZE, n, 1, right, PANEL, min(chunk, n - k), start, apart, into, r)
            start, apart = into, r


@far(*[N] * 7)
def products_backward(delta: int, m: int, r: int, W: int, n: int, scratch: int, u: int) -> None:
    """Upstream (m, n) = delta (m, r) W."""
    chunk = chunk_of(r, DEPTH)
    copying = n > COPIED_ABOVE and m >= COPIED_ROWS
    room = scratch + PANEL * ITEMSIZE
    for i in range(0, n, PANEL):
        columns, into = min(PANEL, n - i), u + i * ITEMSIZE
        start, apart = scratch, 0
        for k in range(0, r, chunk):
            count, right, b_k = min(chunk, r - k), W + (k * n + i) * ITEMSIZE, n
            if copying:
                copy_rows(right, n, count, columns, room, PANEL)
                right, b_k = room, PANEL
            panel(m, columns, delta + k * ITEMSIZE, r, 1, right, b_k, count, start, apart, into, n)
            start, apart = into, n


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
        panel(n, columns, x, 1, n, right, r, m, start, apart, turned, PANEL)
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
        panel(1, columns, scratch + PANEL * ITEMSIZE, 0, 0, delta + j * ITEMSIZE, r, m, start, 0, here, 0)


@far(*[N] * 9)
def products_of_gradient(
    delta: int, r: int, units: int, x: int, n: int, m: int, scratch: int, gradient: int, add: int
) -> None:
    """Rows of dW = delta^T x for at most MOST_UNITS units, or dW += ... where `add`.

    `delta` is the place of the first unit's, over m rows that are r apart; x (m, n).
    """
    if n <= LANES and units > n:
        narrow_gradient(delta, r, units, x, n, m, scratch, gradient, add)
        return
    chunk = chunk_of(m, DEPTH)
    copying = n > COPIED_ABOVE and units >= COPIED_ROWS
    gathering = r > COPIED_ABOVE and n >= COPIED_PANELS * PANEL
    room = scratch + PANEL * ITEMSIZE
    deltas = room + DEPTH * PANEL * ITEMSIZE
    for k in range(0, m, chunk):
        count, left, a_k = min(chunk, m - k), delta + k * r * ITEMSIZE, r
        if gathering:
            copy_rows(left, r, count, units, deltas, units)
            left, a_k = deltas, units
        for i in range(0, n, PANEL):
            columns, right, b_k = min(PANEL, n - i), x + (k * n + i) * ITEMSIZE, n
            into = gradient + i * ITEMSIZE
            start, apart = (into, n) if add or k > 0 else (scratch, 0)
            if copying:
                copy_rows(right, n, count, columns, room, PANEL)
                right, b_k = room, PANEL
            panel(units, columns, left, 1, a_k, right, b_k, count, start, apart, into, n)

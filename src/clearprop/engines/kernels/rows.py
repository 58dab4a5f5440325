"""The row functions as loops: activations, their derivatives, losses; softmax, maxout, monotone.

`literal_unroll` turns a tuple of row functions into a switch whose branches are compiled, inlined and
vectorised; this file names no row, except the three coupled activations.
"""

from __future__ import annotations

from typing import Any

from numba import literal_unroll, types

from clearprop.engines.builds import build_of
from clearprop.engines.memory import numbers_of
from clearprop.engines.tiles import use_whole_registers

_BUILD = build_of(__name__)
far, inline, REAL = _BUILD.far, _BUILD.inline, _BUILD.real
ACTIVATIONS = _BUILD.activations()
DERIVATIVES = _BUILD.derivatives()
LOSSES = _BUILD.losses()
exp, log = _BUILD.primitives()["exp"], _BUILD.primitives()["log"]
sigmoid, softplus = _BUILD.primitives()["sigmoid"], _BUILD.primitives()["softplus"]
ZERO, ONE = REAL(0), REAL(1)
N = types.intp
numbers = numbers_of(REAL)


@far(*[N] * 5)
def activate(kind: int, p_place: int, size: int, z_place: int, a_place: int) -> None:
    """a = g(z), elementwise, for `size` numbers; arrays by their places."""
    use_whole_registers()
    p, z, a = numbers(p_place, 4), numbers(z_place, size), numbers(a_place, size)
    k = 0
    for function in literal_unroll(ACTIVATIONS):
        if k == kind:
            p0, p1, p2, p3 = p[0], p[1], p[2], p[3]
            for i in range(z.size):
                a[i] = function(z[i], p0, p1, p2, p3)
        k += 1


@far(*[N] * 6)
def chain(kind: int, p_place: int, size: int, z_place: int, a_place: int, delta_place: int) -> None:
    """delta *= g'(z), elementwise."""
    use_whole_registers()
    p, z, a, delta = (
        numbers(p_place, 4),
        numbers(z_place, size),
        numbers(a_place, size),
        numbers(delta_place, size),
    )
    k = 0
    for function in literal_unroll(DERIVATIVES):
        if k == kind:
            p0, p1, p2, p3 = p[0], p[1], p[2], p[3]
            for i in range(z.size):
                delta[i] *= function(z[i], a[i], p0, p1, p2, p3)
        k += 1


@far(*[N] * 9)
def judge(
    kind: int,
    p_place: int,
    size: int,
    z_place: int,
    a_place: int,
    y_place: int,
    log_a_place: int,
    value_place: int,
    slope_place: int,
) -> None:
    """Loss of each output, and its slope (or its delta, through the link)."""
    use_whole_registers()
    p, z, a = numbers(p_place, 4), numbers(z_place, size), numbers(a_place, size)
    y, log_a = numbers(y_place, size), numbers(log_a_place, size)
    value, slope = numbers(value_place, size), numbers(slope_place, size)
    k = 0
    for function in literal_unroll(LOSSES):
        if k == kind:
            p0, p1, p2, p3 = p[0], p[1], p[2], p[3]
            for i in range(z.size):
                value[i], slope[i] = function(z[i], a[i], y[i], log_a[i], p0, p1, p2, p3)
        k += 1


@inline
def softmax(z: Any, a: Any, log_a: Any, totals: Any, inverses: Any, n: int) -> None:
    """A = softmax(z) and log_a = log softmax(z), row by row of n; `exp` runs over all rows at once."""
    m = z.size // n
    for i in range(m):
        largest = z[i * n]
        for j in range(1, n):
            if not z[i * n + j] <= largest:
                largest = z[i * n + j]
        for j in range(n):
            log_a[i * n + j] = z[i * n + j] - largest
    for i in range(z.size):
        a[i] = exp(log_a[i])
    for i in range(m):
        total = a[i * n]
        for j in range(1, n):
            total += a[i * n + j]
        totals[i] = total
    for i in range(m):
        inverses[i] = ONE / totals[i]
        totals[i] = log(totals[i])
    for i in range(m):
        for j in range(n):
            a[i * n + j] *= inverses[i]
            log_a[i * n + j] -= totals[i]


@inline
def pull_back_softmax(a: Any, upstream: Any, delta: Any, n: int) -> None:
    """delta_j = a_j (u_j - sum_k a_k u_k)."""
    for i in range(a.size // n):
        total = ZERO
        for j in range(n):
            total += a[i * n + j] * upstream[i * n + j]
        for j in range(n):
            delta[i * n + j] = a[i * n + j] * (upstream[i * n + j] - total)


@inline
def monotone(z: Any, a: Any, n: int) -> None:
    """a_0 = z_0 and a_j = a_{j-1} + softplus(z_j), row by row of n."""
    for i in range(z.size):
        a[i] = softplus(z[i])
    for i in range(z.size // n):
        a[i * n] = z[i * n]
        for j in range(1, n):
            a[i * n + j] = a[i * n + j - 1] + a[i * n + j]


@inline
def pull_back_monotone(z: Any, upstream: Any, delta: Any, n: int) -> None:
    """delta_j = sigmoid(z_j) sum_{k >= j} u_k; the first has slope 1."""
    for i in range(z.size // n):
        total = ZERO
        for j in range(n - 1, -1, -1):
            total += upstream[i * n + j]
            delta[i * n + j] = total
    for i in range(z.size // n):
        for j in range(1, n):
            delta[i * n + j] *= sigmoid(z[i * n + j])


@inline
def largest_piece(z: Any, first: int, pieces: int) -> int:
    """Index of the largest of `pieces` numbers, the first among equals."""
    best = first
    for q in range(first + 1, first + pieces):
        if not z[q] <= z[best] and z[best] == z[best]:  # a NaN is the largest, and stays
            best = q
    return best

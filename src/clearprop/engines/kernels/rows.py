"""The row functions as loops: activations, their derivatives, losses; softmax and maxout.

`literal_unroll` turns a tuple of row functions into a switch whose branches are compiled, inlined and
vectorised; this file names no row, except the two coupled activations.
"""

from __future__ import annotations

from typing import Any

from numba import literal_unroll

from clearprop.engines.builds import build_of

_BUILD = build_of(__name__)
kernel, inline, REAL = _BUILD.kernel, _BUILD.inline, _BUILD.real
ACTIVATIONS = _BUILD.activations()
DERIVATIVES = _BUILD.derivatives()
LOSSES = _BUILD.losses()
exp, log = _BUILD.primitives()["exp"], _BUILD.primitives()["log"]
ZERO, ONE = REAL(0), REAL(1)


@kernel
def activate(kind: int, p: Any, z: Any, a: Any) -> None:
    """a = g(z), elementwise."""
    k = 0
    for function in literal_unroll(ACTIVATIONS):
        if k == kind:
            p0, p1, p2, p3 = p[0], p[1], p[2], p[3]
            for i in range(z.size):
                a[i] = function(z[i], p0, p1, p2, p3)
        k += 1


@kernel
def chain(kind: int, p: Any, z: Any, a: Any, delta: Any) -> None:
    """delta *= g'(z), elementwise."""
    k = 0
    for function in literal_unroll(DERIVATIVES):
        if k == kind:
            p0, p1, p2, p3 = p[0], p[1], p[2], p[3]
            for i in range(z.size):
                delta[i] *= function(z[i], a[i], p0, p1, p2, p3)
        k += 1


@kernel
def judge(kind: int, p: Any, z: Any, a: Any, y: Any, log_a: Any, value: Any, slope: Any) -> None:
    """Loss of each output, and its slope (or its delta, through the link)."""
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
def largest_piece(z: Any, first: int, pieces: int) -> int:
    """Index of the largest of `pieces` numbers, the first among equals."""
    best = first
    for q in range(first + 1, first + pieces):
        if not z[q] <= z[best] and z[best] == z[best]:  # a NaN is the largest, and stays
            best = q
    return best

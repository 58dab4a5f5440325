"""The passes: (F1)-(F3) and (BP1)-(BP4) of the textbook engine, over flat memory.

All arrays are flat; `plan` says where a layer's numbers lie. A batch is cut into blocks of rows, whose
size depends on the network alone, so that activations stay in the cache; a block goes through all layers
and back, and adds to the gradient in the order of the blocks. Sums run in a fixed order and without
fastmath.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from clearprop.engines.builds import build_of
from clearprop.engines.memory import argument_types, gemm, matrix, vector
from clearprop.engines.plan import (
    A_AT,
    ACTIVATION,
    B_AT,
    BLOCK,
    C_AT,
    D0_AT,
    D1_AT,
    F_AT,
    HAS_MASK,
    LINKED,
    LOG_AT,
    LOSS,
    MAXOUT,
    PIECES,
    ROWS,
    SCALE_AT,
    SOFTMAX,
    SOFTMAX_LINK,
    U_AT,
    UNITS,
    W_AT,
    X_AT,
    Y_AT,
    Z_AT,
)
from clearprop.formulas.activations import MOST_PARAMETERS

_BUILD = build_of(__name__)
kernel, inline, entry, REAL = _BUILD.kernel, _BUILD.inline, _BUILD.entry, _BUILD.real
_ROWS = _BUILD.part("rows")
activate, chain, judge = _ROWS.activate, _ROWS.chain, _ROWS.judge
softmax, pull_back_softmax, largest_piece = _ROWS.softmax, _ROWS.pull_back_softmax, _ROWS.largest_piece
monotone, pull_back_monotone = _ROWS.monotone, _ROWS.pull_back_monotone
make_factors = _BUILD.part("dropping").make_factors
T = argument_types(REAL)
ZERO = REAL(0)


@inline
def load_block(plan: Any, space: Any, X: Any, rows: Any, training: bool) -> None:
    """x[1] = the rows of X, with the inputs' dropout."""
    m, n = rows.size, plan[0, UNITS]
    x = matrix(space, plan[1, X_AT], m, n)
    for i in range(m):
        row = rows[i]
        for j in range(n):
            x[i, j] = X[row, j]
    if training and plan[0, HAS_MASK]:
        flat, factors = vector(space, plan[1, X_AT], m * n), vector(space, plan[0, F_AT], m * n)
        for i in range(m * n):
            flat[i] *= factors[i]


@entry(T.nothing(T.table, T.matrix, T.vector, T.fixed, T.vector, T.count, T.switch))
def forward_block(plan: Any, p: Any, keep: Any, theta: Any, space: Any, m: int, training: bool) -> None:
    """(F1)-(F3) for the m rows that lie in the block's x[1]."""
    L = plan.shape[0] - 1
    for l in range(1, L + 1):
        n_in, r, n = plan[l - 1, UNITS], plan[l, ROWS], plan[l, UNITS]
        x = matrix(space, plan[l, X_AT], m, n_in)
        z = matrix(space, plan[l, Z_AT], m, r)
        has_bias = plan[l, B_AT] >= 0
        if has_bias:
            b = vector(theta, plan[l, B_AT], r)
            for i in range(m):
                for j in range(r):
                    z[i, j] = b[j]
        gemm(0, 1, x, matrix(theta, plan[l, W_AT], r, n_in), z, has_bias)
        z_flat = vector(space, plan[l, Z_AT], m * r)
        a_flat = vector(space, plan[l, A_AT], m * n)
        kind = plan[l, ACTIVATION]
        if kind >= 0:
            activate(kind, vector(p, l * MOST_PARAMETERS, MOST_PARAMETERS), z_flat, a_flat)
        elif kind == SOFTMAX:
            totals, inverses = vector(space, plan[0, U_AT], m), vector(space, plan[0, U_AT] + m, m)
            softmax(z_flat, a_flat, vector(space, plan[0, LOG_AT], m * n), totals, inverses, n)
        elif kind != MAXOUT:
            monotone(z_flat, a_flat, n)
        else:
            pieces = plan[l, PIECES]
            for i in range(m * n):
                a_flat[i] = z_flat[largest_piece(z_flat, i * pieces, pieces)]
        if plan[l, HAS_MASK]:
            received = vector(space, plan[l + 1, X_AT], m * n)
            if training:
                factors = vector(space, plan[l, F_AT], m * n)
                for i in range(m * n):
                    received[i] = a_flat[i] * factors[i]
            else:
                received[:] = a_flat


@inline
def pull_back(l: int, plan: Any, p: Any, space: Any, m: int, upstream: Any, delta: Any) -> None:
    """Delta (m, r_l) from dC/da (m, n_l); the two are one array unless the layer is maxout."""
    n, r, kind = plan[l, UNITS], plan[l, ROWS], plan[l, ACTIVATION]
    z = vector(space, plan[l, Z_AT], m * r)
    a = vector(space, plan[l, A_AT], m * n)
    if kind >= 0:
        chain(kind, vector(p, l * MOST_PARAMETERS, MOST_PARAMETERS), z, a, delta)
    elif kind == SOFTMAX:
        pull_back_softmax(a, upstream, delta, n)
    elif kind != MAXOUT:
        pull_back_monotone(z, upstream, delta, n)
    else:
        pieces = plan[l, PIECES]
        delta[:] = ZERO
        for i in range(m * n):
            delta[largest_piece(z, i * pieces, pieces)] = upstream[i]


@inline
def judge_by_output(
    plan: Any, q: Any, space: Any, m: int, z: Any, a: Any, y: Any, log_a: Any, value: Any, slope: Any
) -> None:
    """Losses and slopes where each output has parameters of its own: column by column, gathered."""
    n = z.size // m
    at = plan[0, C_AT]
    z_j, a_j, y_j = vector(space, at, m), vector(space, at + m, m), vector(space, at + 2 * m, m)
    log_j, value_j = vector(space, at + 3 * m, m), vector(space, at + 4 * m, m)
    slope_j = vector(space, at + 5 * m, m)
    for j in range(n):
        for i in range(m):
            z_j[i], a_j[i] = z[i * n + j], a[i * n + j]
            y_j[i], log_j[i] = y[i * n + j], log_a[i * n + j]
        p = vector(q, j * MOST_PARAMETERS, MOST_PARAMETERS)
        judge(plan[0, LOSS], p, z_j, a_j, y_j, log_j, value_j, slope_j)
        for i in range(m):
            value[i * n + j], slope[i * n + j] = value_j[i], slope_j[i]


@entry(T.double(T.table, T.matrix, T.vector, T.vector, T.count, T.switch))
def loss_block(plan: Any, p: Any, q: Any, space: Any, m: int, uniform: bool) -> float:
    """Sum of scale_i * loss_i over the block, and (BP1) into the output's delta."""
    L = plan.shape[0] - 1
    n, r = plan[L, UNITS], plan[L, ROWS]
    linked = plan[0, LINKED]
    z = vector(space, plan[L, Z_AT], m * r)
    a = vector(space, plan[L, A_AT], m * n)
    y = vector(space, plan[0, Y_AT], m * n)
    log_a = vector(space, plan[0, LOG_AT] if plan[0, SOFTMAX_LINK] else plan[L, A_AT], m * n)
    value = vector(space, plan[0, U_AT], m * n)
    delta = vector(space, plan[L, D0_AT], m * r)
    if q.size > MOST_PARAMETERS:
        slope = delta if r == n else vector(space, plan[L, D1_AT], m * n)
        judge_by_output(plan, q, space, m, z if r == n else a, a, y, log_a, value, slope)
    elif r == n:
        judge(plan[0, LOSS], q, z, a, y, log_a, value, delta)
    else:
        slope = vector(space, plan[L, D1_AT], m * n)
        judge(plan[0, LOSS], q, a, a, y, log_a, value, slope)
    scale = vector(space, plan[0, SCALE_AT], m)
    loss = 0.0
    for i in range(m):
        total = 0.0
        for j in range(n):
            total += value[i * n + j]
        loss += scale[i] * total
    if not linked:
        if r == n:
            pull_back(L, plan, p, space, m, delta, delta)
        else:
            pull_back(L, plan, p, space, m, vector(space, plan[L, D1_AT], m * n), delta)
    if uniform:
        s = scale[0]
        for i in range(m * r):
            delta[i] *= s
    else:
        for i in range(m):
            for j in range(r):
                delta[i * r + j] *= scale[i]
    return loss


@kernel
def backward_block(
    plan: Any, p: Any, theta: Any, gradient: Any, space: Any, m: int, training: bool, add: bool
) -> None:
    """(BP2)-(BP4) of a block; `add` to the gradient, or overwrite it."""
    L = plan.shape[0] - 1
    for l in range(L, 0, -1):
        n_in, r = plan[l - 1, UNITS], plan[l, ROWS]
        delta = matrix(space, plan[l, D0_AT], m, r)
        if plan[l, B_AT] >= 0:
            db = vector(gradient, plan[l, B_AT], r)
            if not add:
                db[:] = ZERO
            for i in range(m):
                for j in range(r):
                    db[j] += delta[i, j]
        x = matrix(space, plan[l, X_AT], m, n_in)
        gemm(1, 0, delta, x, matrix(gradient, plan[l, W_AT], r, n_in), add)
        if l > 1:
            below = l - 1
            coupled = plan[below, ROWS] != n_in
            at = plan[below, D1_AT] if coupled else plan[below, D0_AT]
            gemm(0, 0, delta, matrix(theta, plan[l, W_AT], r, n_in), matrix(space, at, m, n_in), False)
            upstream = vector(space, at, m * n_in)
            if training and plan[below, HAS_MASK]:
                factors = vector(space, plan[below, F_AT], m * n_in)
                for i in range(m * n_in):
                    upstream[i] *= factors[i]
            pull_back(
                below, plan, p, space, m, upstream, vector(space, plan[below, D0_AT], m * plan[below, ROWS])
            )


@entry(
    T.double(
        *(T.table, T.matrix, T.vector, T.vector, T.fixed, T.vector, T.vector),
        *(T.given, T.given, T.rows, T.fixed, T.switch, T.rows, T.flags, T.integers),
    )
)
def gradient_batch(
    plan: Any,
    p: Any,
    q: Any,
    keep: Any,
    theta: Any,
    gradient: Any,
    space: Any,
    X: Any,
    Y: Any,
    rows: Any,
    scale: Any,
    uniform: bool,
    examples: Any,
    masks: Any,
    starts: Any,
) -> float:
    """Loss and gradient sums of one batch, block by block.

    `rows` picks from X and Y; `examples` are the numbers the masks are drawn by (empty: no dropout);
    `masks`, when not empty, holds given masks with layer l's from `starts[l]`.
    """
    m, n_out = rows.size, Y.shape[1]
    training = examples.size > 0
    loss = 0.0
    for first in range(0, m, plan[0, BLOCK]):
        last = min(first + plan[0, BLOCK], m)
        if training:
            for l in range(plan.shape[0]):
                if plan[l, HAS_MASK]:
                    at = starts[l] + first * plan[l, UNITS]
                    make_factors(l, plan, keep, space, vector(examples, first, last - first), masks, at)
        load_block(plan, space, X, vector(rows, first, last - first), training)
        y = matrix(space, plan[0, Y_AT], last - first, n_out)
        s = vector(space, plan[0, SCALE_AT], last - first)
        for i in range(last - first):
            s[i] = scale[first + i]
            for j in range(n_out):
                y[i, j] = Y[rows[first + i], j]
        forward_block(plan, p, keep, theta, space, last - first, training)
        loss += loss_block(plan, p, q, space, last - first, uniform)
        backward_block(plan, p, theta, gradient, space, last - first, training, first > 0)
    return loss


@entry(T.nothing(*(T.table, T.matrix, T.vector, T.vector, T.fixed, T.vector, T.given, T.given, T.doubles)))
def square_norms(
    plan: Any, p: Any, q: Any, keep: Any, theta: Any, space: Any, X: Any, Y: Any, squares: Any
) -> None:
    """|dLoss_i/dtheta|**2 of each row: |delta|**2 (|x|**2 + 1) summed over the layers; nothing is dropped."""
    L = plan.shape[0] - 1
    for first in range(0, X.shape[0], plan[0, BLOCK]):
        m = min(plan[0, BLOCK], X.shape[0] - first)
        x = matrix(space, plan[1, X_AT], m, X.shape[1])
        y = matrix(space, plan[0, Y_AT], m, Y.shape[1])
        s = vector(space, plan[0, SCALE_AT], m)
        for i in range(m):
            s[i] = REAL(1)
            squares[first + i] = 0.0
            for j in range(X.shape[1]):
                x[i, j] = X[first + i, j]
            for j in range(Y.shape[1]):
                y[i, j] = Y[first + i, j]
        forward_block(plan, p, keep, theta, space, m, False)
        loss_block(plan, p, q, space, m, True)
        for l in range(L, 0, -1):
            n_in, r = plan[l - 1, UNITS], plan[l, ROWS]
            delta = matrix(space, plan[l, D0_AT], m, r)
            fed = matrix(space, plan[l, X_AT], m, n_in)
            for i in range(m):
                own, given = 0.0, 1.0 if plan[l, B_AT] >= 0 else 0.0
                for j in range(r):
                    own += np.float64(delta[i, j]) * np.float64(delta[i, j])
                for j in range(n_in):
                    given += np.float64(fed[i, j]) * np.float64(fed[i, j])
                squares[first + i] += own * given
            if l > 1:
                below = l - 1
                at = plan[below, D1_AT] if plan[below, ROWS] != n_in else plan[below, D0_AT]
                gemm(0, 0, delta, matrix(theta, plan[l, W_AT], r, n_in), matrix(space, at, m, n_in), False)
                upstream = vector(space, at, m * n_in)
                into = vector(space, plan[below, D0_AT], m * plan[below, ROWS])
                pull_back(below, plan, p, space, m, upstream, into)


@entry(
    T.double(
        *(T.table, T.matrix, T.vector, T.vector, T.fixed, T.vector, T.given, T.given, T.fixed, T.matrix),
    )
)
def evaluate_rows(
    plan: Any, p: Any, q: Any, keep: Any, theta: Any, space: Any, X: Any, Y: Any, scale: Any, y_hat: Any
) -> float:
    """Sum of scale_i * loss_i over all rows, and their y_hat; nothing is dropped."""
    L, m = plan.shape[0] - 1, X.shape[0]
    n = plan[L, UNITS]
    loss = 0.0
    for first in range(0, m, plan[0, BLOCK]):
        count = min(plan[0, BLOCK], m - first)
        x = matrix(space, plan[1, X_AT], count, X.shape[1])
        y = matrix(space, plan[0, Y_AT], count, n)
        s = vector(space, plan[0, SCALE_AT], count)
        for i in range(count):
            s[i] = scale[first + i]
            for j in range(X.shape[1]):
                x[i, j] = X[first + i, j]
            for j in range(n):
                y[i, j] = Y[first + i, j]
        forward_block(plan, p, keep, theta, space, count, False)
        loss += loss_block(plan, p, q, space, count, False)
        a = matrix(space, plan[L, A_AT], count, n)
        for i in range(count):
            for j in range(n):
                y_hat[first + i, j] = a[i, j]
    return loss


@entry(T.nothing(T.table, T.matrix, T.vector, T.fixed, T.vector, T.given, T.count, T.count, T.matrix))
def forward_rows(
    plan: Any, p: Any, keep: Any, theta: Any, space: Any, X: Any, first: int, last: int, y_hat: Any
) -> None:
    """y_hat of rows `first` to `last` - 1, in whole blocks: the last is padded with rows of zeros."""
    L = plan.shape[0] - 1
    n_in, n = plan[0, UNITS], plan[L, UNITS]
    block = plan[0, BLOCK]
    for start in range(first, last, block):
        m = min(block, last - start)
        x = matrix(space, plan[1, X_AT], block, n_in)
        for i in range(m):
            for j in range(n_in):
                x[i, j] = X[start + i, j]
        x[m:] = ZERO
        forward_block(plan, p, keep, theta, space, block, False)
        a = matrix(space, plan[L, A_AT], block, n)
        for i in range(m):
            for j in range(n):
                y_hat[start + i, j] = a[i, j]

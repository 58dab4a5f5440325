"""The kernels: whole batches forward, backward and one optimizer step, generic in sizes and rows.

This file is loaded once for every build (see `lowering.py`): `REAL` and the tuples of row functions below
are those of the build, and `literal_unroll` turns each tuple into a switch whose branches are compiled,
inlined and vectorised. All arrays are flat; `plan` says where a layer's numbers lie. A batch is cut into
blocks of rows, whose size depends on the network alone, so that activations stay in the cache; a block
goes through all layers and back, and adds to the gradient in the order of the blocks.

What is subtle: nothing here may depend on how batches are cut into calls or on whether the caller is the
fused `run` or the composed one, since both must give the same bits. Sums therefore run in a fixed order
and without fastmath, and scales and masks are made by one piece of code.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import literal_unroll, types
from numba.np.numpy_support import from_dtype

from clearprop.engines.lowering import build_of
from clearprop.engines.memory import gemm, matrix, vector
from clearprop.engines.plan import (
    A_AT,
    ACTIVATION,
    B_AT,
    BLOCK,
    D0_AT,
    D1_AT,
    F_AT,
    HAS_MASK,
    KEY,
    LINKED,
    LOG_AT,
    LOSS,
    PIECES,
    ROWS,
    SCALE_AT,
    SOFTMAX,
    SOFTMAX_LINK,
    THRESHOLD,
    U_AT,
    UNITS,
    W_AT,
    X_AT,
    Y_AT,
    Z_AT,
)
from clearprop.formulas.activations import MOST_PARAMETERS

_BUILD = build_of(__name__)
REAL = _BUILD.real
ACTIVATIONS = _BUILD.activations()
DERIVATIVES = _BUILD.derivatives()
LOSSES = _BUILD.losses()
RULES_0, RULES_1, RULES_2 = (_BUILD.rules(n) for n in range(3))
_PRIMITIVES = _BUILD.primitives()
exp, log = _PRIMITIVES["exp"], _PRIMITIVES["log"]
kernel, inline, entry = _BUILD.kernel, _BUILD.inline, _BUILD.entry

# Types of the entry points' arguments, so that they are compiled (or loaded) when the build is made.
_real, _count, _switch = from_dtype(np.dtype(REAL)), types.intp, types.boolean
_integers, _table = types.int64[::1], types.int64[:, ::1]
_vector, _matrix = _real[::1], _real[:, ::1]
_given = types.Array(_real, 2, "C", readonly=True)  # the user's arrays, which we never write to
_chosen = types.Array(types.int64, 1, "C", readonly=True)
_fixed = types.Array(_real, 1, "C", readonly=True)
_weights = types.Array(types.float64, 1, "C", readonly=True)
_flags = types.Array(types.boolean, 1, "C", readonly=True)
_doubles, _reals = types.float64[::1], types.float64[:, ::1]

ZERO, ONE = REAL(0), REAL(1)
U32 = np.uint32


@kernel
def activate(kind: int, p: Any, z: Any, a: Any) -> None:
    """A = g(z), elementwise."""
    k = 0
    for function in literal_unroll(ACTIVATIONS):
        if k == kind:
            p0, p1, p2, p3 = p[0], p[1], p[2], p[3]
            for i in range(z.size):
                a[i] = function(z[i], p0, p1, p2, p3)
        k += 1


@kernel
def chain(kind: int, p: Any, z: Any, a: Any, delta: Any) -> None:
    """Delta *= g'(z), elementwise."""
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
        if z[q] > z[best]:
            best = q
    return best


@inline
def mixed(x: Any) -> Any:
    """One round of the lowbias32 hash; the same as `dropout.mix`."""
    x = U32(x ^ (x >> U32(16)))
    x = U32(x * U32(0x7FEB352D))
    x = U32(x ^ (x >> U32(15)))
    x = U32(x * U32(0x846CA68B))
    return U32(x ^ (x >> U32(16)))


@kernel
def draw_factors(key: int, threshold: int, factor: Any, examples: Any, factors: Any, n: int) -> None:
    """Factors = 0 where (key, example, unit) is dropped and 1 / keep elsewhere."""
    for i in range(examples.size):
        row = mixed(U32(U32(key) ^ mixed(U32(U32(examples[i]) + U32(0x9E3779B9)))))
        for j in range(n):
            hashed = mixed(U32(row + U32(U32(j) * U32(0x9E3779B9))))
            factors[i * n + j] = factor if np.int64(hashed) >= threshold else ZERO


@inline
def make_factors(l: int, plan: Any, keep: Any, space: Any, examples: Any, given: Any, at: int) -> None:
    """Dropout factors of layer l's block: drawn, or read from the masks that were given."""
    m, n = examples.size, plan[l, UNITS]
    factors = vector(space, plan[l, F_AT], m * n)
    if given.size == 0:
        draw_factors(plan[l, KEY], plan[l, THRESHOLD], keep[l], examples, factors, n)
    else:
        for i in range(m * n):
            factors[i] = keep[l] if given[at + i] else ZERO


@entry(types.void(_table, _matrix, _vector, _fixed, _vector, _count, _switch))
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
    else:
        pieces = plan[l, PIECES]
        delta[:] = ZERO
        for i in range(m * n):
            delta[largest_piece(z, i * pieces, pieces)] = upstream[i]


@entry(types.float64(_table, _matrix, _vector, _vector, _count, _switch))
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
    if r == n:
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


@inline
def load_block(plan: Any, keep: Any, space: Any, X: Any, rows: Any, training: bool) -> None:
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


@entry(
    types.float64(
        *(_table, _matrix, _vector, _vector, _fixed, _vector, _vector),
        *(_given, _given, _chosen, _fixed, _switch, _chosen, _flags, _integers),
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
                    make_factors(l, plan, keep, space, examples[first:last], masks, at)
        load_block(plan, keep, space, X, rows[first:last], training)
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


@inline
def penalize(segments: Any, reals: Any, theta: Any, gradient: Any) -> None:
    """Gradient += dP/dW: l2 W + l1 sign(W)."""
    for s in range(segments.shape[0]):
        l1, l2 = REAL(reals[s, 2]), REAL(reals[s, 3])
        if l1 != ZERO or l2 != ZERO:
            w = vector(theta, segments[s, 0], segments[s, 1])
            g = vector(gradient, segments[s, 0], segments[s, 1])
            for i in range(w.size):
                sign = ONE if w[i] > ZERO else (-ONE if w[i] < ZERO else ZERO)
                g[i] = g[i] + l2 * w[i] + l1 * sign


@kernel
def clip(gradient: Any, clip_norm: float) -> None:
    """Scale the gradient down to a norm of at most `clip_norm`; the norm is summed in float64."""
    total = 0.0
    for i in range(gradient.size):
        total += np.float64(gradient[i]) * np.float64(gradient[i])
    norm = np.sqrt(total)
    if norm > clip_norm:
        factor = REAL(clip_norm / norm)
        for i in range(gradient.size):
            gradient[i] *= factor


@kernel
def apply_rule(
    rule: int, n_slots: int, c: Any, h: Any, rate: Any, decay: Any, w: Any, g: Any, u: Any, v: Any
) -> None:
    """Decoupled decay, then the optimizer's rule, in one pass over a segment."""
    c0, c1 = c[0], c[1]
    h0, h1, h2, h3 = h[0], h[1], h[2], h[3]
    shrink = ONE - rate * decay
    k = 0
    if n_slots == 0:
        for function in literal_unroll(RULES_0):
            if k == rule:
                for i in range(w.size):
                    w[i] = function(w[i] * shrink, g[i], rate, c0, c1, h0, h1, h2, h3)
            k += 1
    elif n_slots == 1:
        for function in literal_unroll(RULES_1):
            if k == rule:
                for i in range(w.size):
                    w[i], u[i] = function(w[i] * shrink, g[i], rate, u[i], c0, c1, h0, h1, h2, h3)
            k += 1
    else:
        for function in literal_unroll(RULES_2):
            if k == rule:
                for i in range(w.size):
                    w[i], u[i], v[i] = function(w[i] * shrink, g[i], rate, u[i], v[i], c0, c1, h0, h1, h2, h3)
            k += 1


@entry(
    types.void(
        *(_table, _reals, _integers, _vector, _vector, types.float64, types.float64),
        *(_vector, _vector, _matrix),
    )
)
def update(
    segments: Any,
    reals: Any,
    rule: Any,
    h: Any,
    scalars: Any,
    clip_norm: float,
    rate: float,
    theta: Any,
    gradient: Any,
    slots: Any,
) -> None:
    """One step: penalties and clipping into `gradient`, then the rule segment by segment."""
    penalize(segments, reals, theta, gradient)
    if clip_norm > 0:
        clip(gradient, clip_norm)
    P = theta.size
    for s in range(segments.shape[0]):
        at, size = segments[s, 0], segments[s, 1]
        apply_rule(
            rule[0],
            rule[1],
            scalars,
            h,
            REAL(rate * reals[s, 0]),
            REAL(reals[s, 1]),
            vector(theta, at, size),
            vector(gradient, at, size),
            vector(slots, at, size),
            vector(slots, P + at, size),
        )


@inline
def scale_of(weights: Any, rows: Any, scale: Any) -> float:
    """Scale = w_i / sum w of a batch (equal weights where `weights` is empty); returns the sum."""
    m = rows.size
    if weights.size == 0:
        for i in range(m):
            scale[i] = REAL(1.0 / m)
        return float(m)
    total = 0.0
    for i in range(m):
        total += weights[rows[i]]
    for i in range(m):
        scale[i] = REAL(weights[rows[i]] / total) if total else REAL(weights[rows[i]])
    return total


@entry(
    types.int64(
        *(_table, _matrix, _vector, _vector, _table, _reals, _integers, _vector, _matrix),
        *(
            types.float64,
            types.Array(types.float64, 1, "C", readonly=True),
            _vector,
            _vector,
            _matrix,
            _vector,
            _vector,
        ),
        *(_given, _given, _weights, _chosen, _count, _count, _count, _switch, _flags, _integers, _doubles),
    )
)
def run(
    plan: Any,
    p: Any,
    q: Any,
    keep: Any,
    segments: Any,
    reals: Any,
    rule: Any,
    h: Any,
    scalars: Any,
    clip_norm: float,
    rates: Any,
    theta: Any,
    gradient: Any,
    slots: Any,
    space: Any,
    scale: Any,
    X: Any,
    Y: Any,
    weights: Any,
    order: Any,
    first: int,
    last: int,
    batch_size: int,
    dropout: bool,
    masks: Any,
    starts: Any,
    sums: Any,
) -> int:
    """Batches `first` to `last` - 1 of an epoch; returns the first whose loss is not finite, or -1."""
    for k in range(first, last):
        rows = order[k * batch_size : min((k + 1) * batch_size, order.size)]
        s = scale[: rows.size]
        weight = scale_of(weights, rows, s)
        examples = rows if dropout else rows[:0]
        loss = gradient_batch(
            plan,
            p,
            q,
            keep,
            theta,
            gradient,
            space,
            X,
            Y,
            rows,
            s,
            weights.size == 0,
            examples,
            masks,
            starts,
        )
        if not np.isfinite(loss):
            return k
        step = k - first
        update(
            segments,
            reals,
            rule,
            h,
            scalars[step],
            clip_norm,
            rates[step],
            theta,
            gradient,
            slots,
        )
        sums[0] += loss * weight
        sums[1] += weight
    return -1


@entry(
    types.float64(
        *(_table, _matrix, _vector, _vector, _fixed, _vector, _given, _given, _fixed, _matrix),
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


@entry(types.void(_table, _matrix, _vector, _fixed, _vector, _given, _count, _count, _matrix))
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

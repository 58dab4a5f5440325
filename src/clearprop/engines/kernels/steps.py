"""The steps: penalties, clipping and the optimizer's rule, and `run`, which takes many batches in one call.

What is subtle: nothing may depend on how batches are cut into calls or on whether the caller is the fused
`run` or the composed one, since both must give the same bits; so both use the same pieces.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import literal_unroll

from clearprop.engines.builds import build_of
from clearprop.engines.memory import argument_types, vector

_BUILD = build_of(__name__)
kernel, inline, entry, REAL = _BUILD.kernel, _BUILD.inline, _BUILD.entry, _BUILD.real
RULES_0, RULES_1, RULES_2 = (_BUILD.rules(n) for n in range(3))
gradient_batch = _BUILD.part("passes").gradient_batch
T = argument_types(REAL)
ZERO, ONE = REAL(0), REAL(1)


@inline
def penalize(segments: Any, reals: Any, factor: float, theta: Any, gradient: Any) -> None:
    """gradient += factor dP/dW: l2 W + l1 sign(W)."""
    for s in range(segments.shape[0]):
        l1, l2 = REAL(reals[s, 2] * factor), REAL(reals[s, 3] * factor)
        if l1 != ZERO or l2 != ZERO:
            w = vector(theta, segments[s, 0], segments[s, 1])
            g = vector(gradient, segments[s, 0], segments[s, 1])
            for i in range(w.size):
                sign = ONE if w[i] > ZERO else (-ONE if w[i] < ZERO else ZERO)
                g[i] = g[i] + l2 * w[i] + l1 * sign


@kernel
def penalty(segments: Any, reals: Any, theta: Any) -> float:
    """P = l2/2 |W|^2 + l1 |W|_1 in float64; eight sums side by side, so that they vectorise."""
    total = 0.0
    parts = np.zeros(8)
    for s in range(segments.shape[0]):
        l1, l2 = reals[s, 2], reals[s, 3]
        if l1 != 0.0 or l2 != 0.0:
            w = vector(theta, segments[s, 0], segments[s, 1])
            whole = w.size - w.size % 8
            if l2 != 0.0:
                parts[:] = 0.0
                for i in range(0, whole, 8):
                    for j in range(8):
                        parts[j] += np.float64(w[i + j]) * np.float64(w[i + j])
                for i in range(whole, w.size):
                    parts[0] += np.float64(w[i]) * np.float64(w[i])
                total += 0.5 * l2 * parts.sum()
            if l1 != 0.0:
                parts[:] = 0.0
                for i in range(0, whole, 8):
                    for j in range(8):
                        parts[j] += abs(np.float64(w[i + j]))
                for i in range(whole, w.size):
                    parts[0] += abs(np.float64(w[i]))
                total += l1 * parts.sum()
    return total


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
    T.nothing(
        *(T.table, T.reals, T.integers, T.vector, T.vector, T.double, T.double, T.double),
        *(T.vector, T.vector, T.matrix),
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
    penalty_factor: float,
    theta: Any,
    gradient: Any,
    slots: Any,
) -> None:
    """One step: penalties and clipping into `gradient`, then the rule segment by segment."""
    penalize(segments, reals, penalty_factor, theta, gradient)
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
    """scale = w_i / sum w of a batch (equal weights where `weights` is empty); returns the sum."""
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
    T.count(
        *(T.table, T.matrix, T.vector, T.vector, T.table, T.reals, T.integers, T.vector, T.matrix),
        *(
            T.double,
            T.fixed_doubles,
            T.vector,
            T.vector,
            T.matrix,
            T.vector,
            T.vector,
        ),
        *(
            T.given,
            T.given,
            T.fixed_doubles,
            T.rows,
            T.count,
            T.count,
            T.count,
            T.switch,
            T.flags,
            T.integers,
            T.switch,
            T.reals,
            T.doubles,
        ),
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
    divide_penalty: bool,
    trace: Any,
    sums: Any,
) -> int:
    """Batches `first` to `last` - 1 of an epoch; returns the first whose loss is not finite, or -1.

    `trace`, when it has rows, receives each batch's loss and penalty before its step, and its weight.
    """
    for k in range(first, last):
        m = min(batch_size, order.size - k * batch_size)
        rows, s = vector(order, k * batch_size, m), vector(scale, 0, m)
        weight = scale_of(weights, rows, s)
        if divide_penalty and weight == 0.0:
            continue
        factor = 1.0 / weight if divide_penalty else 1.0
        examples = vector(order, k * batch_size, m if dropout else 0)
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
        if trace.shape[0]:
            trace[step, 0], trace[step, 2] = loss, weight
            trace[step, 1] = penalty(segments, reals, theta) * factor
        update(
            segments,
            reals,
            rule,
            h,
            scalars[step],
            clip_norm,
            rates[step],
            factor,
            theta,
            gradient,
            slots,
        )
        sums[0] += loss * weight
        sums[1] += weight
    return -1

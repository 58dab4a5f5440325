"""The steps: penalties, clipping and the optimizer's rule, for the units of a layer or for all.

What is subtle: nothing may depend on how parameters are cut into pieces or on whether the caller is the
fused run or the composed one, since all must give the same bits; so all use the same pieces, and sums over
parameters (of a penalty, of a norm) run over fixed stretches.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import literal_unroll, types

from clearprop.engines.builds import build_of
from clearprop.engines.memory import argument_types, numbers_of, place, vector
from clearprop.engines.plan import B_AT, ROWS, UNITS, W_AT
from clearprop.engines.tiles import use_whole_registers

_BUILD = build_of(__name__)
kernel, inline, entry, far = _BUILD.kernel, _BUILD.inline, _BUILD.entry, _BUILD.far
REAL = _BUILD.real
RULES_0, RULES_1, RULES_2 = (_BUILD.rules(n) for n in range(3))
T = argument_types(REAL)
ZERO, ONE = REAL(0), REAL(1)
N = types.intp
numbers = numbers_of(REAL)
STRETCH = 1 << 14  #: parameters whose squares are summed at once


@kernel
def penalize(l1: Any, l2: Any, w: Any, g: Any) -> None:
    """Gradient += dP/dW: l2 W + l1 sign(W)."""
    if l1 != ZERO or l2 != ZERO:
        for i in range(w.size):
            sign = ONE if w[i] > ZERO else (-ONE if w[i] < ZERO else ZERO)
            g[i] = g[i] + l2 * w[i] + l1 * sign


@inline
def summed(w: Any, squares: bool) -> float:
    """Sum of squares, or of absolute values, in float64; eight sums side by side, so that they vectorise."""
    parts = np.zeros(8)
    whole = w.size - w.size % 8
    if squares:
        for i in range(0, whole, 8):
            for j in range(8):
                parts[j] += np.float64(w[i + j]) * np.float64(w[i + j])
        for i in range(whole, w.size):
            parts[0] += np.float64(w[i]) * np.float64(w[i])
    else:
        for i in range(0, whole, 8):
            for j in range(8):
                parts[j] += abs(np.float64(w[i + j]))
        for i in range(whole, w.size):
            parts[0] += abs(np.float64(w[i]))
    return parts.sum()


@kernel
def penalty(plan: Any, reals: Any, theta: Any) -> float:
    """P = l2/2 |W|^2 + l1 |W|_1 in float64."""
    total = 0.0
    for l in range(1, plan.shape[0]):
        l1, l2 = reals[2 * l, 2], reals[2 * l, 3]
        w = vector(theta, plan[l, W_AT], plan[l, ROWS] * plan[l - 1, UNITS])
        if l2 != 0.0:
            total += 0.5 * l2 * summed(w, True)
        if l1 != 0.0:
            total += l1 * summed(w, False)
    return total


@kernel
def square_sum(gradient: Any, stretch: int) -> float:
    """Sum of the squares of one stretch of the gradient."""
    at = stretch * STRETCH
    return summed(vector(gradient, at, min(STRETCH, gradient.size - at)), True)


@kernel
def clip_factor(norms: Any, clip_norm: float) -> Any:
    """What brings the gradient's norm down to `clip_norm`, from the square sums of its stretches."""
    total = 0.0
    for i in range(norms.size):
        total += norms[i]
    norm = np.sqrt(total)
    return REAL(clip_norm / norm) if norm > clip_norm else ONE


@far(N, N, N, N, T.number, T.number, N, N, N, N, N)
def apply_rule(
    rule: int,
    n_slots: int,
    c_place: int,
    h_place: int,
    rate: Any,
    decay: Any,
    size: int,
    w_place: int,
    g_place: int,
    u_place: int,
    v_place: int,
) -> None:
    """Decoupled decay, then the optimizer's rule, in one pass over `size` parameters, by their places."""
    use_whole_registers()
    c, h, w, g = numbers(c_place, 2), numbers(h_place, 4), numbers(w_place, size), numbers(g_place, size)
    u, v = numbers(u_place, size), numbers(v_place, size)
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


@kernel
def penalize_units(
    plan: Any, reals: Any, factor: float, theta: Any, gradient: Any, l: int, first: int, last: int
) -> None:
    """The gradient of units `first` to `last` - 1 of layer l += factor dP/dW."""
    n = plan[l - 1, UNITS]
    at, size = plan[l, W_AT] + first * n, (last - first) * n
    l1, l2 = REAL(reals[2 * l, 2] * factor), REAL(reals[2 * l, 3] * factor)
    penalize(l1, l2, vector(theta, at, size), vector(gradient, at, size))


@kernel
def update_units(
    plan: Any,
    reals: Any,
    rule: Any,
    h: Any,
    scalars: Any,
    rate: float,
    clipping: Any,
    theta: Any,
    dW: Any,
    db: Any,
    slots: Any,
    l: int,
    first: int,
    last: int,
) -> None:
    """The rule for W and b of units `first` to `last` - 1 of layer l, the gradient times `clipping`.

    dW and db are gradients of all parameters, of which W's part, or b's, is read.
    """
    n, P = plan[l - 1, UNITS], theta.size
    whole = last - first == plan[l, ROWS] and plan[l, B_AT] == plan[l, W_AT] + last * n
    alike = reals[2 * l, 0] == reals[2 * l + 1, 0] and reals[2 * l, 1] == reals[2 * l + 1, 1]
    for k in range(2):
        if k == 0:
            at, size = plan[l, W_AT] + first * n, (last - first) * n
            if whole and alike:  # W and b are neighbours, and one stretch
                size += last
        else:
            at, size = plan[l, B_AT] + first, last - first
        if k == 0 or (plan[l, B_AT] >= 0 and not (whole and alike)):
            gradient = dW if k == 0 else db
            if clipping != ONE:
                g = vector(gradient, at, size)
                for i in range(size):
                    g[i] *= clipping
            apply_rule(
                rule[0],
                rule[1],
                place(scalars, 0),
                place(h, 0),
                REAL(rate * reals[2 * l + k, 0]),
                REAL(reals[2 * l + k, 1]),
                size,
                place(theta, at),
                place(gradient, at),
                place(slots, at),
                place(slots, P + at),
            )


@entry(
    T.nothing(
        *(T.table, T.reals, T.integers, T.vector, T.vector, T.double, T.double, T.double),
        *(T.vector, T.vector, T.matrix),
    )
)
def update(
    plan: Any,
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
    """One step: penalties and clipping into `gradient`, then the rule layer by layer."""
    for l in range(1, plan.shape[0]):
        penalize_units(plan, reals, penalty_factor, theta, gradient, l, 0, plan[l, ROWS])
    clipping = ONE
    if clip_norm > 0:
        norms = np.zeros(-(-gradient.size // STRETCH))
        for i in range(norms.size):
            norms[i] = square_sum(gradient, i)
        clipping = clip_factor(norms, clip_norm)
    for l in range(1, plan.shape[0]):
        update_units(
            plan,
            reals,
            rule,
            h,
            scalars,
            rate,
            clipping,
            theta,
            gradient,
            gradient,
            slots,
            l,
            0,
            plan[l, ROWS],
        )


@kernel
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

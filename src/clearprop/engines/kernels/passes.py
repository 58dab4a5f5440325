"""The passes: (F1)-(F3) and (BP1)-(BP2) of the textbook engine for some rows, and (BP3)-(BP4) for some units.

All arrays are flat; `plan` says where a layer's numbers lie. Rows go through all layers and back on their
own; then the gradient of a layer's units is summed over all rows. Whoever does a piece, and however it is
cut, its numbers are the same: a number of a product is one chain of sums, and the rest is by itself.
Sums run in a fixed order and without fastmath.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from clearprop.engines.builds import build_of
from clearprop.engines.memory import argument_types, doubles, place, vector
from clearprop.engines.plan import (
    A_AT,
    ACTIVATION,
    B_AT,
    CAPACITY,
    COLUMNS_AT,
    DELTA_AT,
    FACTORS_AT,
    HAS_MASK,
    LINKED,
    LOG_AT,
    LOSS,
    MAXOUT,
    PACKED_AT,
    PANELS_AT,
    PIECES,
    ROWS,
    SCALE_AT,
    SOFTMAX,
    SOFTMAX_LINK,
    TOTALS_AT,
    UNITS,
    UPSTREAM_AT,
    VALUE_AT,
    W_AT,
    X_AT,
    Y_AT,
    Z_AT,
)
from clearprop.engines.tasks import (
    EXAMPLES,
    INPUTS,
    LOSS_SIZE,
    LOSSES,
    OUTPUTS,
    PACKED,
    PACKED_SIZE,
    PACKS_ALL,
    SCALE,
    SCRATCH,
    SPACE,
    SPACE_SIZE,
    THETA,
    THREADS,
    Y_HAT,
    P,
    Q,
    X,
    Y,
)
from clearprop.formulas.activations import MOST_PARAMETERS

_BUILD = build_of(__name__)
inline, far, entry, REAL = _BUILD.inline, _BUILD.far, _BUILD.entry, _BUILD.real
_ROWS, _PRODUCTS, _READING = _BUILD.part("rows"), _BUILD.part("products"), _BUILD.part("reading")
activate, chain, judge = _ROWS.activate, _ROWS.chain, _ROWS.judge
softmax, pull_back_softmax, largest_piece = _ROWS.softmax, _ROWS.pull_back_softmax, _ROWS.largest_piece
monotone, pull_back_monotone = _ROWS.monotone, _ROWS.pull_back_monotone
pack, pack_rows, products_forward = _PRODUCTS.pack, _PRODUCTS.pack_rows, _PRODUCTS.products_forward
products_backward, products_of_gradient = _PRODUCTS.products_backward, _PRODUCTS.products_of_gradient
sums_over_rows, PANEL = _PRODUCTS.sums_over_rows, _PRODUCTS.PANEL
ITEMSIZE = _READING.ITEMSIZE
board, plan_of, parameters_of = _READING.board, _READING.plan_of, _READING.parameters_of
scratch_of, space_of = _READING.scratch_of, _READING.space_of
numbers, number_table = _READING.numbers, _READING.number_table
fetch = _READING.fetch
MOST_FETCHED = 1 << 18  #: numbers that are asked for at once
T = argument_types(REAL)
N = T.count
ZERO = REAL(0)


@far(N, N)
def pack_layers(w_place: int, packed_place: int) -> None:
    """The weights of all layers, packed for the forward products."""
    w = board(w_place)
    plan, theta, packed = plan_of(w), parameters_of(w, THETA), numbers(packed_place, w[PACKED_SIZE])
    for l in range(1, plan.shape[0]):
        pack(theta, plan[l, W_AT], plan[l - 1, UNITS], 0, plan[l, ROWS], packed, plan[l, PACKED_AT])


@entry(T.nothing(T.integers))
def pack_all(w: Any) -> None:
    """`pack_layers`, for passes forward."""
    pack_layers(place(w, 0), w[PACKED])


@inline
def pack_inputs(plan: Any, space: Any, first: int, m: int) -> None:
    """What layers read of some rows, into the panels that their gradients read."""
    most = plan[0, CAPACITY]
    for l in range(1, plan.shape[0]):
        if plan[l, PANELS_AT] >= 0:
            n = plan[l - 1, UNITS]
            source, into = plan[l, X_AT] + first * n, plan[l, PANELS_AT] + first * PANEL
            pack_rows(place(space, source), n, m, n, place(space, into), most)


@inline
def activate_rows(l: int, w: Any, plan: Any, space: Any, first: int, m: int) -> None:
    """(F3) of layer l: its a from its z."""
    n, r, kind = plan[l, UNITS], plan[l, ROWS], plan[l, ACTIVATION]
    z, a = (
        vector(space, plan[l, Z_AT] + first * r, m * r),
        vector(space, plan[l, A_AT] + first * n, m * n),
    )
    if kind >= 0:
        activate(kind, w[P] + l * MOST_PARAMETERS * ITEMSIZE, m * n, place(z, 0), place(a, 0))
    elif kind == SOFTMAX:
        totals = vector(space, plan[0, TOTALS_AT] + first, m)
        inverses = vector(space, plan[0, TOTALS_AT] + plan[0, CAPACITY] + first, m)
        softmax(z, a, vector(space, plan[0, LOG_AT] + first * n, m * n), totals, inverses, n)
    elif kind != MAXOUT:
        monotone(z, a, n)
    else:
        pieces = plan[l, PIECES]
        for i in range(m * n):
            a[i] = z[largest_piece(z, i * pieces, pieces)]


@far(*[N] * 8)
def forward(
    w_place: int,
    space_place: int,
    scratch_place: int,
    packed_place: int,
    x_place: int,
    first: int,
    m: int,
    training: int,
) -> None:
    """(F1)-(F3) of rows `first` to `first + m` - 1 of the working memory; their inputs lie at `x_place`."""
    w = board(w_place)
    plan, theta, packed = plan_of(w), parameters_of(w, THETA), numbers(packed_place, 1)
    space = numbers(space_place, w[SPACE_SIZE])
    for l in range(1, plan.shape[0]):
        n_in, r, n = plan[l - 1, UNITS], plan[l, ROWS], plan[l, UNITS]
        x_at = x_place if l == 1 else place(space, plan[l, X_AT] + first * n_in)
        b_at, packed_at = plan[l, B_AT], place(packed, plan[l, PACKED_AT])
        b_place = place(theta, b_at) if b_at >= 0 else scratch_place
        z_place = place(space, plan[l, Z_AT] + first * r)
        if w[THREADS] > 1 and n_in * r <= MOST_FETCHED and not w[PACKS_ALL]:
            fetch(packed_at, n_in * r)
        products_forward(x_at, m, n_in, packed_at, r, b_place, b_at >= 0, z_place, scratch_place)
        activate_rows(l, w, plan, space, first, m)
        if plan[l, HAS_MASK]:
            a = vector(space, plan[l, A_AT] + first * n, m * n)
            received = vector(space, plan[l + 1, X_AT] + first * n, m * n)
            if training:
                factors = vector(space, plan[l, FACTORS_AT] + first * n, m * n)
                for i in range(m * n):
                    received[i] = a[i] * factors[i]
            else:
                for i in range(m * n):
                    received[i] = a[i]


@inline
def pull_back(l: int, w: Any, plan: Any, space: Any, first: int, m: int) -> None:
    """Delta (m, r_l) from dC/da (m, n_l); the two are one array unless the layer is maxout."""
    n, r, kind = plan[l, UNITS], plan[l, ROWS], plan[l, ACTIVATION]
    z = vector(space, plan[l, Z_AT] + first * r, m * r)
    a = vector(space, plan[l, A_AT] + first * n, m * n)
    delta = vector(space, plan[l, DELTA_AT] + first * r, m * r)
    upstream = vector(space, plan[l, UPSTREAM_AT] + first * n, m * n)
    if kind >= 0:
        p_place = w[P] + l * MOST_PARAMETERS * ITEMSIZE
        chain(kind, p_place, m * n, place(z, 0), place(a, 0), place(delta, 0))
    elif kind == SOFTMAX:
        pull_back_softmax(a, upstream, delta, n)
    elif kind != MAXOUT:
        pull_back_monotone(z, upstream, delta, n)
    else:
        pieces = plan[l, PIECES]
        for i in range(m * r):
            delta[i] = ZERO
        for i in range(m * n):
            delta[largest_piece(z, i * pieces, pieces)] = upstream[i]


@inline
def judge_by_output(
    w: Any, plan: Any, space: Any, first: int, z: Any, a: Any, y: Any, log_a: Any, value: Any, slope: Any
) -> None:
    """Losses and slopes where each output has parameters of its own: column by column, gathered."""
    n, apart = plan[plan.shape[0] - 1, UNITS], plan[0, CAPACITY]
    m, at = z.size // n, plan[0, COLUMNS_AT] + first
    z_j, a_j, y_j = vector(space, at, m), vector(space, at + apart, m), vector(space, at + 2 * apart, m)
    log_j, value_j = vector(space, at + 3 * apart, m), vector(space, at + 4 * apart, m)
    slope_j = vector(space, at + 5 * apart, m)
    for j in range(n):
        for i in range(m):
            z_j[i], a_j[i] = z[i * n + j], a[i * n + j]
            y_j[i], log_j[i] = y[i * n + j], log_a[i * n + j]
        q_place = w[Q] + j * MOST_PARAMETERS * ITEMSIZE
        judge(
            plan[0, LOSS], q_place, m, place(z_j, 0), place(a_j, 0), place(y_j, 0),
            place(log_j, 0), place(value_j, 0), place(slope_j, 0),
        )  # fmt: skip
        for i in range(m):
            value[i * n + j], slope[i * n + j] = value_j[i], slope_j[i]


@far(*[N] * 6)
def loss(w_place: int, space_place: int, first: int, m: int, uniform: int, losses_place: int) -> None:
    """Each row's scale_i * loss_i into float64 at `losses_place`, and (BP1) into the output's delta."""
    w = board(w_place)
    plan, space, losses = plan_of(w), numbers(space_place, w[SPACE_SIZE]), doubles(losses_place, m)
    L = plan.shape[0] - 1
    n, r = plan[L, UNITS], plan[L, ROWS]
    z = vector(space, plan[L, Z_AT] + first * r, m * r)
    a = vector(space, plan[L, A_AT] + first * n, m * n)
    y = vector(space, plan[0, Y_AT] + first * n, m * n)
    log_at = plan[0, LOG_AT] if plan[0, SOFTMAX_LINK] else plan[L, A_AT]
    log_a = vector(space, log_at + first * n, m * n)
    value = vector(space, plan[0, VALUE_AT] + first * n, m * n)
    slope = vector(space, plan[L, UPSTREAM_AT] + first * n, m * n)
    judged = z if r == n else a
    if w[LOSS_SIZE] > MOST_PARAMETERS:
        judge_by_output(w, plan, space, first, judged, a, y, log_a, value, slope)
    else:
        judge(
            plan[0, LOSS], w[Q], m * n, place(judged, 0), place(a, 0), place(y, 0),
            place(log_a, 0), place(value, 0), place(slope, 0),
        )  # fmt: skip
    scale = vector(space, plan[0, SCALE_AT] + first, m)
    for i in range(m):
        total = 0.0
        for j in range(n):
            total += value[i * n + j]
        losses[i] = scale[i] * total
    if not plan[0, LINKED]:
        pull_back(L, w, plan, space, first, m)
    delta = vector(space, plan[L, DELTA_AT] + first * r, m * r)
    if uniform:
        s = scale[0]
        for i in range(m * r):
            delta[i] *= s
    else:
        for i in range(m):
            for j in range(r):
                delta[i * r + j] *= scale[i]


@far(*[N] * 6)
def backward(w_place: int, space_place: int, scratch_place: int, first: int, m: int, training: int) -> None:
    """(BP2): the deltas of all layers below the output."""
    w = board(w_place)
    plan, theta, space = plan_of(w), parameters_of(w, THETA), numbers(space_place, w[SPACE_SIZE])
    for l in range(plan.shape[0] - 1, 1, -1):
        below = l - 1
        n, r = plan[below, UNITS], plan[l, ROWS]
        at, delta = plan[below, UPSTREAM_AT] + first * n, place(space, plan[l, DELTA_AT] + first * r)
        if w[THREADS] > 1 and n * r <= MOST_FETCHED:
            fetch(place(theta, plan[l, W_AT]), n * r)
        products_backward(delta, m, r, place(theta, plan[l, W_AT]), n, scratch_place, place(space, at))
        if training and plan[below, HAS_MASK]:
            upstream = vector(space, at, m * n)
            factors = vector(space, plan[below, FACTORS_AT] + first * n, m * n)
            for i in range(m * n):
                upstream[i] *= factors[i]
        pull_back(below, w, plan, space, first, m)


@far(*[N] * 10)
def gradient_of_units(
    w_place: int,
    dW: int,
    db: int,
    space_place: int,
    scratch_place: int,
    l: int,
    first: int,
    last: int,
    m: int,
    add: int,
) -> None:
    """(BP3) and (BP4) of units `first` to `last` - 1 of layer l, over m rows, to the places dW and db."""
    w = board(w_place)
    plan, space = plan_of(w), numbers(space_place, w[SPACE_SIZE])
    n_in, r, units = plan[l - 1, UNITS], plan[l, ROWS], last - first
    delta, x_place, panels = place(space, plan[l, DELTA_AT] + first), place(space, plan[l, X_AT]), 0
    if plan[l, PANELS_AT] >= 0:
        panels = place(space, plan[l, PANELS_AT])
    if w[THREADS] > 1 and m * n_in <= MOST_FETCHED:
        fetch(panels if panels else x_place, m * n_in)
        for i in range(m):
            fetch(delta + i * r * ITEMSIZE, units)
    if plan[l, B_AT] >= 0:
        sums_over_rows(delta, r, units, m, scratch_place, db, add)
    most = plan[0, CAPACITY]
    products_of_gradient(delta, r, units, x_place, panels, most, n_in, m, scratch_place, dW, add)


@inline
def load_given(w: Any, plan: Any, space: Any, first: int, m: int) -> None:
    """Targets and scales of rows `first` to `first + m` - 1 of the data into the working memory."""
    n = w[OUTPUTS]
    given, scale = number_table(w[Y], w[EXAMPLES], n), numbers(w[SCALE], w[EXAMPLES])
    y, s = vector(space, plan[0, Y_AT], m * n), vector(space, plan[0, SCALE_AT], m)
    for i in range(m):
        s[i] = scale[first + i]
        for j in range(n):
            y[i * n + j] = given[first + i, j]


@inline
def square_norms(plan: Any, space: Any, inputs: Any, squares: Any) -> None:
    """|dLoss_i/dtheta|**2 of each row: |delta|**2 (|x|**2 + 1) summed over the layers."""
    m = squares.size
    for i in range(m):
        squares[i] = 0.0
    for l in range(plan.shape[0] - 1, 0, -1):
        n_in, r = plan[l - 1, UNITS], plan[l, ROWS]
        delta = vector(space, plan[l, DELTA_AT], m * r)
        x = inputs if l == 1 else vector(space, plan[l, X_AT], m * n_in)
        for i in range(m):
            own, fed = 0.0, 1.0 if plan[l, B_AT] >= 0 else 0.0
            for j in range(r):
                own += np.float64(delta[i * r + j]) * np.float64(delta[i * r + j])
            for j in range(n_in):
                fed += np.float64(x[i * n_in + j]) * np.float64(x[i * n_in + j])
            squares[i] += own * fed


@far(*[N] * 5)
def stream(w_place: int, thread: int, start: int, stop: int, judging: int) -> None:
    """y_hat of rows `start` to `stop` - 1 of X, so many at a time as there is room for; nothing is dropped.

    `judging` 1 adds scale_i * loss_i of each row, 2 takes |dLoss_i/dtheta|**2 in its place.
    """
    w = board(w_place)
    plan, scratch = plan_of(w), scratch_of(w, thread)
    space = numbers(space_of(w, thread), w[SPACE_SIZE])
    space_place, n_in, n = place(space, 0), w[INPUTS], w[OUTPUTS]
    y_hat = number_table(w[Y_HAT], w[EXAMPLES], n)
    for first in range(start, stop, plan[0, CAPACITY]):
        m = min(plan[0, CAPACITY], stop - first)
        x_place = w[X] + first * n_in * ITEMSIZE
        forward(w_place, space_place, scratch, w[PACKED], x_place, 0, m, 0)
        if judging:
            load_given(w, plan, space, first, m)
            loss(w_place, space_place, 0, m, 0, w[LOSSES] + first * 8)
        if judging == 2:
            backward(w_place, space_place, scratch, 0, m, 0)
            square_norms(plan, space, numbers(x_place, m * n_in), doubles(w[LOSSES] + first * 8, m))
        else:
            a = vector(space, plan[plan.shape[0] - 1, A_AT], m * n)
            for i in range(m):
                for j in range(n):
                    y_hat[first + i, j] = a[i * n + j]


@entry(T.nothing(T.integers))
def stream_row(w: Any) -> None:
    """y_hat of the one row of X."""
    plan, space_place = plan_of(w), w[SPACE]
    forward(place(w, 0), space_place, w[SCRATCH], w[PACKED], w[X], 0, 1, 0)
    n = w[OUTPUTS]
    y_hat, a = numbers(w[Y_HAT], n), numbers(space_place + plan[plan.shape[0] - 1, A_AT] * ITEMSIZE, n)
    for j in range(n):
        y_hat[j] = a[j]

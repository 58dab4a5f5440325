"""The tasks of a batch: some rows through all layers and back, and some units with their gradient and step.

What they work on is read from the board, see `reading`; who does which task, and when, is said in `working`.
"""

from __future__ import annotations

from typing import Any

from clearprop.engines.builds import build_of
from clearprop.engines.memory import (
    argument_types,
    doubles,
    flags,
    integer_table,
    integers,
    matrix,
    place,
    vector,
)
from clearprop.engines.plan import (
    B_AT,
    CAPACITY,
    FACTORS_AT,
    HAS_MASK,
    KEY,
    PACKED_AT,
    ROWS,
    SCALE_AT,
    THRESHOLD,
    UNITS,
    W_AT,
    X_AT,
    Y_AT,
)
from clearprop.engines.tasks import (
    BATCH,
    BLOCKS,
    CLIPPED,
    CLIPPING,
    COUNT,
    DIVIDE,
    DROPOUT,
    EXAMPLES,
    FIRST,
    GIVEN_SCALE,
    GRADIENT,
    INPUTS,
    KEEP,
    KIND,
    LOSSES,
    MASKED,
    MASKS,
    ORDER,
    ORDERED,
    OUTPUTS,
    PACKED,
    PACKED_SIZE,
    PACKS_ALL,
    PARAMETERS,
    PIECE,
    RATES,
    RULE,
    SCALARS,
    SCALE,
    SCRATCH_SIZE,
    SLOTS,
    SPACE_SIZE,
    START,
    STARTS,
    STEP,
    STEP_PHASE,
    TALL,
    THETA,
    UNIT_TASKS,
    UNITS_TABLE,
    UPDATES,
    WEIGHT_NOW,
    WEIGHTED,
    H,
    X,
    Y,
)
from clearprop.formulas.activations import MOST_PARAMETERS
from clearprop.formulas.optimizers import MOST_SCALARS, MOST_SLOTS

_BUILD = build_of(__name__)
inline, far, REAL = _BUILD.inline, _BUILD.far, _BUILD.real
_PASSES, _STEPS, _READING = _BUILD.part("passes"), _BUILD.part("steps"), _BUILD.part("reading")
forward, backward, loss = _PASSES.forward, _PASSES.backward, _PASSES.loss
pack_layers, pack_inputs = _PASSES.pack_layers, _PASSES.pack_inputs
gradient_of_units, pack = _PASSES.gradient_of_units, _BUILD.part("products").pack
_PRODUCTS = _BUILD.part("products")
LOCAL, GRADIENT_ROOM, WHOLE_SCRATCH = _PRODUCTS.LOCAL, _PRODUCTS.GRADIENT_ROOM, _PRODUCTS.SCRATCH
draw_factors = _BUILD.part("dropping").draw_factors
penalize_units, update_units = _STEPS.penalize_units, _STEPS.update_units
board, plan_of, parameters_of = _READING.board, _READING.plan_of, _READING.parameters_of
reals_of, sums_of, rows_of_batch = _READING.reals_of, _READING.sums_of, _READING.rows_of_batch
scratch_of, space_of, ITEMSIZE = _READING.scratch_of, _READING.space_of, _READING.ITEMSIZE
numbers, number_table, fetch = _READING.numbers, _READING.number_table, _READING.fetch
N = argument_types(REAL).count
ZERO, ONE = REAL(0), REAL(1)


@inline
def load_rows(w: Any, plan: Any, space: Any, rows: Any, at_row: int, first: int) -> None:
    """Examples `rows`, from the `first` of the batch, into lines `at_row`... of the working memory."""
    m, n, n_out = rows.size, w[INPUTS], w[OUTPUTS]
    inputs, targets = number_table(w[X], w[EXAMPLES], n), number_table(w[Y], w[EXAMPLES], n_out)
    x = matrix(space, plan[1, X_AT] + at_row * n, m, n)
    y = matrix(space, plan[0, Y_AT] + at_row * n_out, m, n_out)
    s, scale = vector(space, plan[0, SCALE_AT] + at_row, m), numbers(w[SCALE], first + m)
    for i in range(m):
        row = rows[i]
        s[i] = scale[first + i]
        for j in range(n):
            x[i, j] = inputs[row, j]
        for j in range(n_out):
            y[i, j] = targets[row, j]
    if w[DROPOUT]:
        make_factors(w, plan, space, rows, at_row, first)


@inline
def make_factors(w: Any, plan: Any, space: Any, rows: Any, at_row: int, first: int) -> None:
    """Dropout factors of all layers, drawn or from the masks that were given; the inputs' are applied."""
    m, keep = rows.size, numbers(w[KEEP], plan.shape[0])
    for l in range(plan.shape[0]):
        if plan[l, HAS_MASK]:
            units = plan[l, UNITS]
            factors = vector(space, plan[l, FACTORS_AT] + at_row * units, m * units)
            if w[MASKED]:
                start = integers(w[STARTS], plan.shape[0])[l] + first * units
                masks = flags(w[MASKS], start + m * units)
                for i in range(m * units):
                    factors[i] = keep[l] if masks[start + i] else ZERO
            else:
                draw_factors(plan[l, KEY], plan[l, THRESHOLD], keep[l], rows, factors, units)
    if plan[0, HAS_MASK]:
        n = plan[0, UNITS]
        x = vector(space, plan[1, X_AT] + at_row * n, m * n)
        factors = vector(space, plan[0, FACTORS_AT] + at_row * n, m * n)
        for i in range(m * n):
            x[i] *= factors[i]


@far(*[N] * 3)
def rows_task(w_place: int, thread: int, t: int) -> None:
    """Some rows of the batch through all layers and back; a block of a tall batch with its gradient, too."""
    w = board(w_place)
    plan, tall = plan_of(w), w[TALL] != 0
    length = plan[0, CAPACITY] if tall else w[PIECE]
    start = t * length
    m, first, at_row = min(length, w[COUNT] - start), w[FIRST] + start, 0 if tall else start
    scratch, space_place = scratch_of(w, thread), space_of(w, thread if tall else 0)
    space = numbers(space_place, w[SPACE_SIZE])
    uniform = w[WEIGHTED] == 0 and w[GIVEN_SCALE] == 0
    rows = vector(integers(w[ORDER], w[ORDERED]), w[STEP] * w[BATCH] + first, m)
    load_rows(w, plan, space, rows, at_row, first)
    x_place = place(space, plan[1, X_AT] + at_row * w[INPUTS])
    packed_place = w[PACKED]
    if w[PACKS_ALL]:
        packed_place += thread * w[PACKED_SIZE] * ITEMSIZE
        fetch(w[THETA], w[PARAMETERS])
        pack_layers(w_place, packed_place)
    forward(w_place, space_place, scratch, packed_place, x_place, at_row, m, w[DROPOUT])
    loss(w_place, space_place, at_row, m, uniform, w[LOSSES] + first * 8)
    pack_inputs(plan, space, at_row, m)
    backward(w_place, space_place, scratch, at_row, m, w[DROPOUT])
    if tall:
        into = w[BLOCKS] + t * w[PARAMETERS] * ITEMSIZE
        for l in range(1, plan.shape[0]):
            dW, db = into + plan[l, W_AT] * ITEMSIZE, into + plan[l, B_AT] * ITEMSIZE
            gradient_of_units(w_place, dW, db, space_place, scratch, l, 0, plan[l, ROWS], m, 0)


@inline
def add_blocks(w: Any, at: int, size: int, blocks: int, more: bool) -> None:
    """Gradients of the round's blocks, added in their order."""
    n = w[PARAMETERS]
    total, parts = vector(parameters_of(w, GRADIENT), at, size), numbers(w[BLOCKS], blocks * n)
    for k in range(blocks):
        part = vector(parts, k * n + at, size)
        if k == 0 and not more:
            for i in range(size):
                total[i] = part[i]
        else:
            for i in range(size):
                total[i] += part[i]


@inline
def update_task(w: Any, plan: Any, clipping: Any, dW: Any, db: Any, l: int, first: int, last: int) -> None:
    """The optimizer's step for some units, and their weights packed anew."""
    step, theta = w[STEP] - w[START], parameters_of(w, THETA)
    scalars = vector(numbers(w[SCALARS], (step + 1) * MOST_SCALARS), step * MOST_SCALARS, MOST_SCALARS)
    rate = doubles(w[RATES], step + 1)[step]
    slots = number_table(w[SLOTS], MOST_SLOTS, w[PARAMETERS])
    rule, h = integers(w[RULE], 2), numbers(w[H], MOST_PARAMETERS)
    update_units(plan, reals_of(w), rule, h, scalars, rate, clipping, theta, dW, db, slots, l, first, last)
    if not w[PACKS_ALL]:
        packed = numbers(w[PACKED], 1)
        pack(theta, plan[l, W_AT], plan[l - 1, UNITS], first, last, packed, plan[l, PACKED_AT])


@inline
def add_all_blocks(w: Any, plan: Any, l: int, first: int, last: int) -> None:
    """The gradient of some units from the round's blocks."""
    n, blocks, more = plan[l - 1, UNITS], -(-w[COUNT] // plan[0, CAPACITY]), w[FIRST] > 0
    add_blocks(w, plan[l, W_AT] + first * n, (last - first) * n, blocks, more)
    if plan[l, B_AT] >= 0:
        add_blocks(w, plan[l, B_AT] + first, last - first, blocks, more)


@inline
def is_private(w: Any, plan: Any, l: int, first: int, last: int) -> bool:
    """Whether the gradient of a part of a layer, but not its biases', has room in the thread's scratch."""
    size = (last - first) * plan[l - 1, UNITS]
    return last - first < plan[l, ROWS] and size <= LOCAL and w[SCRATCH_SIZE] == WHOLE_SCRATCH


@far(*[N] * 3)
def units_task(w_place: int, thread: int, t: int) -> None:
    """The gradient of some units over all rows, and where it is whole, their step.

    Where nobody else reads a gradient it stays in the thread's scratch: in the cache, not in memory.
    """
    w = board(w_place)
    plan, units = plan_of(w), integer_table(w[UNITS_TABLE], w[UNIT_TASKS], 3)
    l, first, last = units[t, 0], units[t, 1], units[t, 2]
    db = parameters_of(w, GRADIENT)
    if w[KIND] == STEP_PHASE:
        update_task(w, plan, REAL(sums_of(w)[CLIPPING]), db, db, l, first, last)
        return
    more, count, at = w[FIRST] > 0, w[COUNT], plan[l, W_AT] + first * plan[l - 1, UNITS]
    scratch, steps = scratch_of(w, thread), w[UPDATES] and w[FIRST] + count >= rows_of_batch(w)
    private = steps and not (more or w[TALL] or w[CLIPPED]) and is_private(w, plan, l, first, last)
    dW_place = scratch + (GRADIENT_ROOM - at) * ITEMSIZE if private else w[GRADIENT]
    if w[TALL]:
        add_all_blocks(w, plan, l, first, last)
    else:
        gradient_of_units(
            w_place, dW_place + at * ITEMSIZE, w[GRADIENT] + (plan[l, B_AT] + first) * ITEMSIZE,
            space_of(w, 0), scratch, l, first, last, count, more,
        )  # fmt: skip
    if steps:
        factor = 1.0 / sums_of(w)[WEIGHT_NOW] if w[DIVIDE] else 1.0
        theta, dW = parameters_of(w, THETA), numbers(dW_place, w[PARAMETERS])
        penalize_units(plan, reals_of(w), factor, theta, dW, l, first, last)
        if not w[CLIPPED]:
            update_task(w, plan, ONE, dW, db, l, first, last)

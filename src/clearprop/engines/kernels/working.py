"""The work of a run: its steps as phases of tasks, for one thread or for several that share them.

A step is a phase of *rows* (each task takes some rows through all layers and back) and a phase of *units*
(each sums the gradient of some units over all rows and takes the optimizer's step there); clipping puts a
phase of square sums in between. A batch with more rows than there is room for repeats the two.

What is subtle: any thread may do any task, since no number depends on who computed it or on how the tasks
were cut; and a phase ends when its tasks are done, not when all threads came by, so a thread that the
machine holds up delays the others by its own task alone. Whoever ends a phase prepares the next one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from clearprop.engines.builds import build_of
from clearprop.engines.memory import (
    argument_types,
    double_table,
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
from clearprop.engines.sharing import add, exchange, give_way, load, pause, store
from clearprop.engines.tasks import (
    BATCH,
    BLOCKS,
    BOARD,
    BOARD_SIZE,
    CLAIMS,
    CLIP_NORM,
    CLIPPED,
    CLIPPING,
    COUNT,
    DIVIDE,
    DONE,
    DROPOUT,
    EXAMPLES,
    FAILED,
    FINISHED,
    FIRST,
    GIVEN_SCALE,
    GRADIENT,
    INPUTS,
    JUDGING,
    KEEP,
    KIND,
    LOSS_NOW,
    LOSS_SUM,
    LOSSES,
    MASKED,
    MASKS,
    NORM_PHASE,
    NORMS,
    ORDER,
    ORDERED,
    OUTPUTS,
    PACKED,
    PACKED_SIZE,
    PACKS_ALL,
    PARAMETERS,
    PHASE,
    PIECE,
    POSTED,
    RATES,
    ROUND,
    ROWS_PHASE,
    RULE,
    SCALARS,
    SCALE,
    SLOTS,
    SPACE_SIZE,
    START,
    STARTS,
    STEP,
    STEP_PHASE,
    STOP,
    STOPPED,
    STREAM_PHASE,
    STRETCHES,
    TAKEN,
    TALL,
    TASK_BITS,
    THETA,
    THREAD,
    THREADS,
    TRACE,
    TRACED_STEPS,
    UNIT_TASKS,
    UNITS_PHASE,
    UNITS_TABLE,
    UPDATES,
    WEIGHT_NOW,
    WEIGHT_SUM,
    WEIGHTED,
    WEIGHTS,
    H,
    X,
    Y,
)
from clearprop.formulas.activations import MOST_PARAMETERS
from clearprop.formulas.optimizers import MOST_SCALARS, MOST_SLOTS

_BUILD = build_of(__name__)
inline, far, entry, REAL = _BUILD.inline, _BUILD.far, _BUILD.entry, _BUILD.real
_PASSES, _STEPS, _READING = _BUILD.part("passes"), _BUILD.part("steps"), _BUILD.part("reading")
forward, backward, loss = _PASSES.forward, _PASSES.backward, _PASSES.loss
stream = _PASSES.stream
gradient_of_units, pack = _PASSES.gradient_of_units, _BUILD.part("products").pack
draw_factors = _BUILD.part("dropping").draw_factors
penalize_units, update_units, scale_of = _STEPS.penalize_units, _STEPS.update_units, _STEPS.scale_of
penalty, square_sum, clip_factor = _STEPS.penalty, _STEPS.square_sum, _STEPS.clip_factor
board, plan_of, parameters_of, reals_of = (
    _READING.board,
    _READING.plan_of,
    _READING.parameters_of,
    _READING.reals_of,
)
sums_of, rows_of_batch = _READING.sums_of, _READING.rows_of_batch
scratch_of, space_of, ITEMSIZE = _READING.scratch_of, _READING.space_of, _READING.ITEMSIZE
numbers, number_table = _READING.numbers, _READING.number_table
fetch = _READING.fetch
PATIENCE = 3000  #: looks at a flag before a thread that has nothing to do falls asleep
SPINS = 300  #: looks at the board before a waiting thread gives its core away
T = argument_types(REAL)
N = T.count
ZERO, ONE = REAL(0), REAL(1)


@inline
def whole_board(w_place: int) -> Any:
    """The board with all its claims."""
    return integers(w_place, BOARD_SIZE)


@inline
def stream_shares(w: Any, thread: int) -> None:
    """Pass over rows of the data, a share at a time, until none is left; see `passes.stream`."""
    w_place, share, m = place(w, 0), w[PIECE], w[EXAMPLES]
    while True:
        first = add(w, DONE, 1) * share
        if first >= m:
            return
        stream(w_place, thread, first, min(first + share, m), w[JUDGING])


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
        theta, packed = parameters_of(w, THETA), numbers(packed_place, w[PACKED_SIZE])
        fetch(w[THETA], w[PARAMETERS])
        for l in range(1, plan.shape[0]):
            pack(theta, plan[l, W_AT], plan[l - 1, UNITS], 0, plan[l, ROWS], packed, plan[l, PACKED_AT])
    forward(w_place, space_place, scratch, packed_place, x_place, at_row, m, w[DROPOUT])
    loss(w_place, space_place, at_row, m, uniform, w[LOSSES] + first * 8)
    backward(w_place, space_place, scratch, at_row, m, w[DROPOUT])
    if tall:
        into = w[BLOCKS] + t * w[PARAMETERS] * ITEMSIZE
        for l in range(1, plan.shape[0]):
            gradient_of_units(w_place, into, space_place, scratch, l, 0, plan[l, ROWS], m, 0)


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
def update_task(w: Any, plan: Any, clipping: Any, l: int, first: int, last: int) -> None:
    """The optimizer's step for some units, and their weights packed anew."""
    step, theta = w[STEP] - w[START], parameters_of(w, THETA)
    scalars = vector(numbers(w[SCALARS], (step + 1) * MOST_SCALARS), step * MOST_SCALARS, MOST_SCALARS)
    rate = doubles(w[RATES], step + 1)[step]
    slots = number_table(w[SLOTS], MOST_SLOTS, w[PARAMETERS])
    rule, h, gradient = integers(w[RULE], 2), numbers(w[H], MOST_PARAMETERS), parameters_of(w, GRADIENT)
    update_units(plan, reals_of(w), rule, h, scalars, rate, clipping, theta, gradient, slots, l, first, last)
    if not w[PACKS_ALL]:
        packed = numbers(w[PACKED], 1)
        pack(theta, plan[l, W_AT], plan[l - 1, UNITS], first, last, packed, plan[l, PACKED_AT])


@far(*[N] * 3)
def units_task(w_place: int, thread: int, t: int) -> None:
    """The gradient of some units over all rows, and where it is whole, their step."""
    w = board(w_place)
    plan, units = plan_of(w), integer_table(w[UNITS_TABLE], w[UNIT_TASKS], 3)
    l, first, last = units[t, 0], units[t, 1], units[t, 2]
    if w[KIND] == STEP_PHASE:
        update_task(w, plan, REAL(sums_of(w)[CLIPPING]), l, first, last)
        return
    more, count = w[FIRST] > 0, w[COUNT]
    if w[TALL]:
        n, blocks = plan[l - 1, UNITS], -(-count // plan[0, CAPACITY])
        for part in range(2):  # W, then b
            at = plan[l, W_AT] + first * n if part == 0 else plan[l, B_AT] + first
            if part == 0 or plan[l, B_AT] >= 0:
                add_blocks(w, at, (last - first) * (n if part == 0 else 1), blocks, more)
    else:
        gradient_of_units(
            w_place, w[GRADIENT], space_of(w, 0), scratch_of(w, thread), l, first, last, count, more
        )
    if w[UPDATES] and w[FIRST] + count >= rows_of_batch(w):
        factor = 1.0 / sums_of(w)[WEIGHT_NOW] if w[DIVIDE] else 1.0
        theta, gradient = parameters_of(w, THETA), parameters_of(w, GRADIENT)
        penalize_units(plan, reals_of(w), factor, theta, gradient, l, first, last)
        if not w[CLIPPED]:
            update_task(w, plan, ONE, l, first, last)


@inline
def task(w: Any, w_place: int, thread: int, t: int) -> None:
    """Task t of the phase under way."""
    if w[KIND] == ROWS_PHASE:
        rows_task(w_place, thread, t)
    elif w[KIND] == NORM_PHASE:
        doubles(w[NORMS], w[STRETCHES])[t] = square_sum(parameters_of(w, GRADIENT), t)
    else:
        units_task(w_place, thread, t)


@inline
def begin_rows(w: Any, first: int) -> int:
    """Prepare a phase of rows; its number of tasks."""
    w[KIND], w[FIRST] = ROWS_PHASE, first
    w[COUNT] = min(w[ROUND], rows_of_batch(w) - first)
    return -(-w[COUNT] // (plan_of(w)[0, CAPACITY] if w[TALL] else w[PIECE]))


@inline
def begin_step(w: Any, k: int) -> int:
    """Prepare batch k, or the next one that has weight; tasks of its first phase, 0 where there is none."""
    sums = sums_of(w)
    while k < w[STOP]:
        w[STEP] = k
        m = rows_of_batch(w)
        sums[LOSS_NOW], sums[WEIGHT_NOW] = 0.0, 1.0
        if not w[GIVEN_SCALE]:
            rows = vector(integers(w[ORDER], w[ORDERED]), k * w[BATCH], m)
            weights = doubles(w[WEIGHTS], w[EXAMPLES] if w[WEIGHTED] else 0)
            sums[WEIGHT_NOW] = scale_of(weights, rows, numbers(w[SCALE], m))
        if not w[DIVIDE] or sums[WEIGHT_NOW] != 0.0:
            return begin_rows(w, 0)
        k += 1
    return 0


@inline
def note_losses(w: Any, whole: bool) -> bool:
    """Add the losses of the phase's rows, in their order; whether the batch may go on."""
    sums, losses = sums_of(w), doubles(w[LOSSES], w[FIRST] + w[COUNT])
    for i in range(w[FIRST], w[FIRST] + w[COUNT]):
        sums[LOSS_NOW] += losses[i]
    if not whole:
        return True
    if w[UPDATES] and not np.isfinite(sums[LOSS_NOW]):
        w[FAILED] = w[STEP]
        return False
    if w[TRACED_STEPS]:
        noted = double_table(w[TRACE], w[TRACED_STEPS], 3)
        k, factor = w[STEP] - w[START], 1.0 / sums[WEIGHT_NOW] if w[DIVIDE] else 1.0
        noted[k, 0], noted[k, 2] = sums[LOSS_NOW], sums[WEIGHT_NOW]
        noted[k, 1] = penalty(plan_of(w), reals_of(w), parameters_of(w, THETA)) * factor
    return True


@inline
def follow(w: Any) -> int:
    """Prepare what follows the phase that has ended; its number of tasks, 0 at the end."""
    sums, whole, kind = sums_of(w), w[FIRST] + w[COUNT] >= rows_of_batch(w), w[KIND]
    if kind == ROWS_PHASE:
        w[KIND] = UNITS_PHASE
        return w[UNIT_TASKS] if note_losses(w, whole) else 0
    if kind == UNITS_PHASE and not whole:
        return begin_rows(w, w[FIRST] + w[COUNT])
    if kind == UNITS_PHASE and w[UPDATES] and w[CLIPPED]:
        w[KIND] = NORM_PHASE
        return w[STRETCHES]
    if kind == NORM_PHASE:
        sums[CLIPPING] = clip_factor(doubles(w[NORMS], w[STRETCHES]), sums[CLIP_NORM])
        w[KIND] = STEP_PHASE
        return w[UNIT_TASKS]
    sums[LOSS_SUM] += sums[LOSS_NOW] * sums[WEIGHT_NOW]
    sums[WEIGHT_SUM] += sums[WEIGHT_NOW]
    return begin_step(w, w[STEP] + 1)


@far(N)
def advance(w_place: int) -> None:
    """Prepare the first phase, or the next one, and let all threads see it, or that there is none."""
    w = board(w_place)
    tasks = follow(w) if load(w, PHASE) else begin_step(w, w[START])
    if tasks == 0:
        store(w, STOPPED, 1)
    store(w, DONE, 0)
    store(w, PHASE, (((load(w, PHASE) >> TASK_BITS) + 1) << TASK_BITS) | tasks)


@inline
def claim(w: Any, t: int, phase: int) -> bool:
    """Whether this thread may do task t of a phase; a later phase's mark means that this one is over."""
    mark = load(w, CLAIMS + t)
    return mark < phase and exchange(w, CLAIMS + t, mark, phase)


@inline
def wait(w: Any, place: int, seen: int) -> None:
    """Until the number at that place of the board is another."""
    looks = 0
    while load(w, place) == seen:
        looks += 1
        if looks < SPINS:
            pause()
        else:
            give_way()


@far(N, N)
def work_together(w_place: int, thread: int) -> None:
    """One thread's part of all phases; it looks first for the tasks it had in the phases before."""
    w = whole_board(w_place)
    if w[KIND] == STREAM_PHASE:
        stream_shares(w, thread)
        return
    while not load(w, STOPPED):
        seen = load(w, PHASE)
        phase, tasks = seen >> TASK_BITS, seen & ((1 << TASK_BITS) - 1)
        preferred = thread * tasks // w[THREADS]
        for i in range(tasks):
            t = (preferred + i) % tasks
            if claim(w, t, phase):
                task(w, w_place, thread, t)
                if add(w, DONE, 1) + 1 == tasks:
                    advance(w_place)
        if not load(w, STOPPED):
            wait(w, PHASE, seen)


@entry(T.nothing(T.integers))
def begin(w: Any) -> None:
    """Prepare the first phase; called once, before any thread works."""
    advance(place(w, 0))


@entry(T.nothing(T.integers))
def work_alone(w: Any) -> None:
    """All phases by one thread."""
    w_place = place(w, 0)
    while not w[STOPPED]:
        for t in range(w[PHASE] & ((1 << TASK_BITS) - 1)):
            task(w, w_place, 0, t)
        advance(w_place)


@entry(T.nothing(T.integers, T.count))
def work(w: Any, thread: int) -> None:
    """What a thread does for others and with others."""
    work_together(place(w, 0), thread)


@entry(T.nothing(T.integers))
def serve(mail: Any) -> None:
    """A helper's work: boards that come by mail, until none has come for a millisecond or so."""
    looks = 0
    while looks < PATIENCE:
        letter = load(mail, POSTED)
        if letter != load(mail, TAKEN) and exchange(mail, TAKEN, letter - 1, letter):
            work_together(mail[BOARD], mail[THREAD])
            store(mail, FINISHED, letter)
            looks = 0
        looks += 1
        if looks < SPINS:
            pause()
        else:
            give_way()


@entry(T.switch(T.integers))
def call_off(mail: Any) -> bool:
    """Take the last letter back if the helper has not opened it, else wait until it is done."""
    letter = load(mail, POSTED)
    if exchange(mail, TAKEN, letter - 1, letter):
        store(mail, FINISHED, letter)
        return True
    looks = 0
    while load(mail, FINISHED) != letter:
        looks += 1
        if looks < SPINS:
            pause()
        else:
            give_way()
    return False

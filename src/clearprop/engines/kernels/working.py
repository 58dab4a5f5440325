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
    integers,
    place,
    vector,
)
from clearprop.engines.plan import (
    CAPACITY,
)
from clearprop.engines.sharing import add, exchange, give_way, load, nap, pause, store
from clearprop.engines.tasks import (
    BATCH,
    BOARD,
    BOARD_SIZE,
    CLAIMS,
    CLIP_NORM,
    CLIPPED,
    CLIPPING,
    COUNT,
    DIVIDE,
    DONE,
    EXAMPLES,
    FAILED,
    FINISHED,
    FIRST,
    GIVEN_SCALE,
    GRADIENT,
    JUDGING,
    KIND,
    LOSS_NOW,
    LOSS_SUM,
    LOSSES,
    NORM_PHASE,
    NORMS,
    ORDER,
    ORDERED,
    PACKED,
    PHASE,
    PIECE,
    POSTED,
    ROUND,
    ROWS_PHASE,
    SCALE,
    START,
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
    UPDATES,
    WEIGHT_NOW,
    WEIGHT_SUM,
    WEIGHTED,
    WEIGHTS,
)

_BUILD = build_of(__name__)
inline, far, entry, REAL = _BUILD.inline, _BUILD.far, _BUILD.entry, _BUILD.real
_STEPS, _READING, _BATCH = _BUILD.part("steps"), _BUILD.part("reading"), _BUILD.part("batch")
_PASSES = _BUILD.part("passes")
rows_task, units_task = _BATCH.rows_task, _BATCH.units_task
stream, pack_layers = _PASSES.stream, _PASSES.pack_layers
penalty, square_sum = _STEPS.penalty, _STEPS.square_sum
clip_factor, scale_of = _STEPS.clip_factor, _STEPS.scale_of
board, plan_of, parameters_of = _READING.board, _READING.plan_of, _READING.parameters_of
reals_of, sums_of, rows_of_batch = _READING.reals_of, _READING.sums_of, _READING.rows_of_batch
numbers = _READING.numbers
PATIENCE = 3000  #: looks at a mailbox before a thread that has nothing to do falls asleep
SPINS = 300  #: looks at the board before a waiting thread gives its core away
YIELDS = 250  #: looks after that before it naps: whoever it waits for may be held up behind another process
T = argument_types(REAL)
N = T.count


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
def rest(looks: int) -> None:
    """Between two looks at what another thread will change: short at first, then others may have the core."""
    if looks < SPINS:
        pause()
    else:
        give_way()


@inline
def wait(w: Any, at: int, seen: int) -> None:
    """Until the number there is another."""
    looks = 0
    while load(w, at) == seen:
        looks += 1
        if looks < SPINS + YIELDS:
            rest(looks)
        else:
            nap()


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
    """Pack the weights and prepare the first phase; called once, before several threads work."""
    pack_layers(place(w, 0), w[PACKED])
    advance(place(w, 0))


@entry(T.nothing(T.integers))
def work_alone(w: Any) -> None:
    """All of it by one thread, in one call: each end of a call may have to wait for the GIL."""
    w_place = place(w, 0)
    pack_layers(w_place, w[PACKED])
    advance(w_place)
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
        rest(looks)


@entry(T.nothing(T.integers))
def call_off(mail: Any) -> None:
    """Take the last letter back if the helper has not opened it, else wait until it is done."""
    letter = load(mail, POSTED)
    if exchange(mail, TAKEN, letter - 1, letter):
        store(mail, FINISHED, letter)
    wait(mail, FINISHED, letter - 1)

"""Reading the board: what the kernels of a run find there, as arrays; see `engines/tasks.py`."""

from __future__ import annotations

from typing import Any

import numpy as np

from clearprop.engines.builds import build_of
from clearprop.engines.memory import (
    argument_types,
    double_table,
    doubles,
    integer_table,
    integers,
    numbers_of,
    viewer,
)
from clearprop.engines.plan import N_COLUMNS
from clearprop.engines.sharing import fetch_line
from clearprop.engines.tasks import (
    BATCH,
    CLAIMS,
    CLIP_NORM,
    LAYERS,
    ORDERED,
    PARAMETERS,
    PLAN,
    REALS,
    SCRATCH,
    SCRATCH_SIZE,
    SPACE,
    SPACE_SIZE,
    STEP,
    SUMS,
)

_BUILD = build_of(__name__)
inline, REAL = _BUILD.inline, _BUILD.real
ITEMSIZE = np.dtype(REAL).itemsize
LINE = 64  #: bytes
numbers, number_table = numbers_of(REAL), viewer(argument_types(REAL).number, 2)


@inline
def board(place: int) -> Any:
    """The board that lies at an address."""
    return integers(place, CLAIMS)


@inline
def plan_of(w: Any) -> Any:
    """The network's plan."""
    return integer_table(w[PLAN], w[LAYERS] + 1, N_COLUMNS)


@inline
def parameters_of(w: Any, which: int) -> Any:
    """Theta, or its gradient."""
    return numbers(w[which], w[PARAMETERS])


@inline
def scratch_of(w: Any, thread: int) -> int:
    """Where a thread's scratch lies."""
    return w[SCRATCH] + thread * w[SCRATCH_SIZE] * ITEMSIZE


@inline
def space_of(w: Any, thread: int) -> int:
    """Where a thread's working memory lies, if each has its own."""
    return w[SPACE] + thread * w[SPACE_SIZE] * ITEMSIZE


@inline
def sums_of(w: Any) -> Any:
    """What is summed, see `tasks`."""
    return doubles(w[SUMS], CLIP_NORM + 1)


@inline
def reals_of(w: Any) -> Any:
    """The optimizer's settings of each segment."""
    return double_table(w[REALS], 2 * w[LAYERS] + 2, 4)


@inline
def rows_of_batch(w: Any) -> int:
    """Rows of the batch under way."""
    return min(w[BATCH], w[ORDERED] - w[STEP] * w[BATCH])


@inline
def fetch(place: int, size: int) -> None:
    """Ask for `size` numbers that another thread may have written.

    Lines that lie changed in another core's cache come slowly one after the other, and several times as fast
    when all are asked for at once.
    """
    for line in range(place, place + size * ITEMSIZE, LINE):
        fetch_line(line)

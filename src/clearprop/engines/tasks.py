"""What a run's work is made of, for Python and for the kernels: one board of whole numbers.

The board holds the state of the work, its settings, and where its arrays lie; all threads of a run share
it. `PHASE` holds the number of the phase and of its tasks in one, so that both are read at once; a task is
claimed by writing the phase's number at its place from `CLAIMS` on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from clearprop.arrays import Array, IntArray

# What many threads write has a cache line of its own.
PHASE, DONE = 0, 8
KIND, STEP, FIRST, COUNT, STOPPED, FAILED = range(16, 22)
# Settings of a run.
START, STOP, BATCH, ROUND, PIECE, TALL, UPDATES, GIVEN_SCALE, DROPOUT, MASKED, DIVIDE = range(24, 35)
LAYERS, PARAMETERS, THREADS, INPUTS, OUTPUTS, SPACE_SIZE, UNIT_TASKS, STRETCHES = range(35, 43)
EXAMPLES, ORDERED, WEIGHTED, TRACED_STEPS, LOSS_SIZE, CLIPPED, PACKED_SIZE, PACKS_ALL = range(43, 51)
JUDGING, SCRATCH_SIZE = range(51, 53)
# Addresses of arrays, by their names.
INTEGERS = ("plan", "units", "rule", "starts", "order")
DOUBLES = ("reals", "losses", "norms", "trace", "sums", "weights", "rates")
FLAGS = ("masks",)
NUMBERS = (  # of the engine's dtype
    *("p", "q", "keep", "h", "scalars", "theta", "packed", "gradient", "slots", "space", "scratch"),
    *("blocks", "scale", "X", "Y", "y_hat"),
)
PLAN, UNITS_TABLE, RULE, STARTS, ORDER, REALS, LOSSES, NORMS, TRACE, SUMS, WEIGHTS, RATES = range(56, 68)
MASKS, P, Q, KEEP, H, SCALARS, THETA, PACKED, GRADIENT, SLOTS, SPACE, SCRATCH = range(68, 80)
BLOCKS, SCALE, X, Y, Y_HAT = range(80, 85)
_PLACES = {name: 56 + k for k, name in enumerate((*INTEGERS, *DOUBLES, *FLAGS, *NUMBERS))}
_TYPES: dict[str, Any] = {
    **dict.fromkeys(INTEGERS, np.int64),
    **dict.fromkeys(DOUBLES, np.float64),
    **dict.fromkeys(FLAGS, np.bool_),
}
CLAIMS = 88

ROWS_PHASE, UNITS_PHASE, NORM_PHASE, STEP_PHASE, STREAM_PHASE = range(5)
BOARD_SIZE = CLAIMS + (1 << 20)  #: at most
TASK_BITS = 20  #: of PHASE, for the number of tasks
# A helper's mailbox: the number of the last letter that was posted, that was opened (or called off), and that
# is done with; and what it says, where the board lies and which thread the helper is.
POSTED, TAKEN, FINISHED, BOARD, THREAD = 0, 8, 16, 24, 25
MAILBOX = 32  #: its size
# What is summed over a run and of the batch under way, in float64.
LOSS_SUM, WEIGHT_SUM, LOSS_NOW, WEIGHT_NOW, CLIPPING, CLIP_NORM = range(6)


@dataclass
class Work:
    """A board and the arrays it points to, which live as long as it does."""

    board: IntArray
    dtype: np.dtype[Any]
    arrays: dict[str, Array] = field(default_factory=dict)

    @classmethod
    def empty(cls, claims: int, dtype: np.dtype[Any]) -> Work:
        """A board with room for so many tasks in a phase, for an engine's dtype."""
        return cls(np.zeros(CLAIMS + claims, dtype=np.int64), dtype)

    def point(self, arrays: Mapping[str, Array]) -> None:
        """Note where arrays lie, by their names.

        Raises
        ------
        TypeError
            For an array that kernels would misread: of another type, or not contiguous.
        """
        for name, array in arrays.items():
            if self.arrays.get(name) is array:
                continue
            wanted = _TYPES.get(name, self.dtype)
            if array.dtype != wanted or not array.flags.c_contiguous:
                raise TypeError(
                    f"{name} is {array.dtype}, {array.strides} bytes apart; kernels read {np.dtype(wanted)}"
                )
            self.board[_PLACES[name]] = array.__array_interface__["data"][0]
        self.arrays.update(arrays)

    def settle(self, **settings: int) -> None:
        """Write settings by their names in this file."""
        for name, value in settings.items():
            self.board[globals()[name]] = value

    def again(self) -> Work:
        """A board of its own for the next run, with the same settings and arrays."""
        return Work(self.board.copy(), self.dtype, dict(self.arrays))

    def reset_to(self, other: Work) -> None:
        """The state and the settings of a board like it, for the next run with mostly the same arrays."""
        self.board[:PLAN] = other.board[:PLAN]
        self.board[CLAIMS:] = 0

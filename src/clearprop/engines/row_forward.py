"""The forward pass of a single row, with all there is to prepare done before: microseconds a call."""

from __future__ import annotations

from collections.abc import Callable

import numpy.typing as npt

from clearprop.arrays import Array, IntArray
from clearprop.engines.tasks import Work


class RowForward:
    """Gives y_hat (n_L,) of a row (n_0,), with the bits that the row has in any batch.

    The row is not checked, but cast to the engine's dtype. Several threads need one such function each.
    """

    __slots__ = ("_board", "_kernel", "_work", "_x", "_y_hat")

    def __init__(self, kernel: Callable[[IntArray], None], work: Work, x: Array, y_hat: Array) -> None:
        self._kernel, self._work, self._board, self._x, self._y_hat = kernel, work, work.board, x, y_hat

    def __call__(self, x: npt.ArrayLike) -> Array:
        """y_hat (n_L,) of the row x (n_0,)."""
        self._x[:] = x
        self._kernel(self._board)
        return self._y_hat.copy()

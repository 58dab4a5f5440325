"""Which rows train and which judge: drawn by class, by groups that stay together, or by time.

Everything here is a function of the rows as they are given and of a seed. Rows that belong together, the
visits of one patient, must not stand on both sides, or a model is judged by what it has seen; rows of one
moment neither, and later rows never teach what earlier ones are judged by.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from clearprop.arrays import Array, IntArray, generator_of
from clearprop.errors import DataError, SpecificationError
from clearprop.formulas.losses import losses
from clearprop.training.validation import SPLIT, hold_out

Pair = tuple[IntArray, IntArray]  #: rows to train on and rows to judge by, both ascending


@dataclass(frozen=True, eq=False)
class Ties:
    """What ties rows to each other.

    Attributes
    ----------
    kind : {"group", "time"}
    name : str
        The column, for messages.
    keys : ndarray (m,)
        Whole numbers that are equal within a group, or times.
    """

    kind: Literal["group", "time"]
    name: str
    keys: Array

    def take(self, rows: IntArray) -> Ties:
        """The ties of the chosen rows."""
        return Ties(self.kind, self.name, self.keys[rows])


def split_rows(marks: Array, ties: Ties | None, share: float, seed: int) -> Pair:
    """Rows to train on, and about a share of them to judge by.

    Without ties they are drawn, by class for classes; groups are drawn whole, so that the shares of the
    classes stay near; by time the latest rows judge. Drawn splits leave a row of every class to train on.

    Parameters
    ----------
    marks : ndarray (m, K)
        1 where a row is of a class; a single column of ones for numbers.
    share : float
        Between 0 and 1.

    Raises
    ------
    DataError
        When no row can be held out.

    Examples
    --------
    >>> years = Ties("time", "year", np.array([2021, 2019, 2020, 2021, 2018]))
    >>> split_rows(np.ones((5, 1)), years, 0.4, seed=0)
    (array([1, 2, 4]), array([0, 3]))
    """
    if ties is None:
        loss = losses["cross_entropy" if marks.shape[1] > 1 else "squared_error"]
        return hold_out(loss, marks, share, seed)
    if ties.kind == "time":
        blocks = _blocks(ties, np.array([1 - share, share]))
        return np.flatnonzero(blocks == 0), np.flatnonzero(blocks == 1)
    groups, counts = _counts(marks, ties)
    shuffled = generator_of(seed, SPLIT).permutation(len(counts))
    part = _parts(counts, np.array([1 - share, share]), shuffled, needed=0)
    for k in np.flatnonzero((counts * (part == 0)[:, None]).sum(axis=0) == 0):
        holding = np.flatnonzero(counts[:, k])
        part[holding[np.argmin(counts[holding].sum(axis=1))]] = 0
    if not part.any():
        free = [g for g in shuffled if _spared(counts, int(g))]
        if not free:
            raise DataError(
                f"every group of {ties.name!r} holds all rows of a class, so none can be held out; give more "
                "groups, or split without them"
            )
        part[min(free, key=lambda g: counts[g].sum())] = 1
    judging = part[groups] == 1
    return np.flatnonzero(~judging), np.flatnonzero(judging)


def fold_rows(marks: Array, ties: Ties | None, folds: int, seed: int, repeat: int = 0) -> list[Pair]:
    """Pairs for cross-validation; each row judges once, but by time those of the first block never.

    By time fold i trains on all rows before those it judges.

    Raises
    ------
    SpecificationError, DataError
        When there are fewer rows, groups or moments than folds need.

    Examples
    --------
    >>> for first, second in fold_rows(np.eye(2)[[0, 0, 0, 1, 1, 1]], None, 3, seed=0):
    ...     print(len(first), second)
    4 [1 5]
    4 [2 4]
    4 [0 3]
    """
    if isinstance(folds, bool) or not isinstance(folds, int | np.integer) or folds < 2:
        raise SpecificationError(f"folds is a whole number from 2, not {folds!r}")
    m = len(marks)
    if m < folds:
        raise DataError(f"{m} rows with a target make no {folds} folds; give more rows, or fewer folds")
    if ties is not None and ties.kind == "time":
        blocks = _blocks(ties, np.full(folds + 1, 1 / (folds + 1)))
        return [(np.flatnonzero(blocks < i), np.flatnonzero(blocks == i)) for i in range(1, folds + 1)]
    generator = generator_of(seed, SPLIT - 1 - repeat)
    if ties is None:
        shuffled = generator.permutation(m)
        dealt = shuffled[np.argsort(marks.argmax(axis=1)[shuffled], kind="stable")]
        fold = np.empty(m, dtype=np.int64)
        fold[dealt] = np.arange(m) % folds
    else:
        groups, counts = _counts(marks, ties)
        if len(counts) < folds:
            raise DataError(
                f"{len(counts)} groups of {ties.name!r} make no {folds} folds; ask for fewer folds"
            )
        shuffled = generator.permutation(len(counts))
        largest_first = shuffled[np.argsort(-counts.sum(axis=1)[shuffled], kind="stable")]
        fold = _parts(counts, np.full(folds, 1 / folds), largest_first, needed=folds)[groups]
    return [(np.flatnonzero(fold != i), np.flatnonzero(fold == i)) for i in range(folds)]


def _counts(marks: Array, ties: Ties) -> tuple[IntArray, Array]:
    """Group (m,) of each row, counted from 0, and rows (G, K) of each group and class."""
    values, groups = np.unique(ties.keys, return_inverse=True)
    if len(values) < 2:
        raise DataError(f"all rows are of one group of {ties.name!r}, so no group can be held out")
    present = marks.T[marks.any(axis=0)]
    counts = np.stack([np.bincount(groups, column, len(values)) for column in present], axis=1)
    return groups, counts


def _parts(counts: Array, shares: Array, order: IntArray, needed: int) -> IntArray:
    """Part (G,) of each group, taken in turn: sum (filled - share)^2 / share stays as small as it can.

    `filled` is the share of each class in each part; the first `needed` parts get a group each, if need be
    the last ones.
    """
    weight = counts / np.maximum(counts.sum(axis=0), 1.0)
    filled = np.zeros((len(shares), counts.shape[1]))
    taken = np.zeros(len(shares), dtype=np.int64)
    part = np.zeros(len(counts), dtype=np.int64)
    for done, g in enumerate(order):
        worth = ((2 * filled + weight[g]) * weight[g]).sum(axis=1) / shares - 2 * weight[g].sum()
        empty = taken[:needed] == 0
        if empty.sum() >= len(order) - done > 0 and empty.any():
            worth[:needed] = np.where(empty, worth[:needed], np.inf)
        p = int(np.argmin(worth))
        part[g] = p
        filled[p] += weight[g]
        taken[p] += 1
    return part


def _spared(counts: Array, g: int) -> bool:
    """Whether every class has rows outside the group."""
    return bool((counts.sum(axis=0) - counts[g] > 0).all())


def _blocks(ties: Ties, shares: Array) -> IntArray:
    """Block (m,) of each row in the order of time, about these shares of the rows; no moment is cut."""
    moments, place = np.unique(ties.keys, return_inverse=True)
    if len(moments) < len(shares):
        there = "all rows have one time" if len(moments) == 1 else f"there are {len(moments)} moments"
        raise DataError(
            f"{there} in {ties.name!r}, and {len(shares)} parts one after another are wanted; give finer "
            "times, or ask for fewer parts"
        )
    ends = np.cumsum(np.bincount(place))  # rows up to and with each moment
    cuts: list[int] = []
    for i, wanted in enumerate(np.cumsum(shares)[:-1] * len(place)):
        nearest = int(np.argmin(np.abs(ends - wanted)))
        first = cuts[-1] + 1 if cuts else 0
        cuts.append(min(max(nearest, first), len(moments) - len(shares) + i))
    return np.searchsorted(np.array(cuts), place, side="left").astype(np.int64)

"""The rows of a table as a fit takes them: in the order of their cells, and weights as repeats.

A table says the same in whatever order its rows are written, so a model is learnt from its rows in one order:
sorted by what is in them. Rows that are alike in all cells keep the order they came in, which nothing learnt
depends on. Row numbers travel along, so messages name the rows as the user knows them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from clearprop.arrays import Array, IntArray
from clearprop.errors import DataError
from clearprop.tables import Column, Table
from clearprop.tables.columns import row_name

MOST_REPEATS, FEW_ROWS = 4, 10_000  #: whole weights are repeats up to 4 times the rows, or up to 10,000 rows
MOST_LEVELS = 2**20  #: whole numbers that span fewer are packed with other columns into one key
MOST_CODES = 2**62


def checked_weights(sample_weight: npt.ArrayLike | None, table: Table) -> Array | None:
    """A float64 weight from 0 for each row of the table, or None.

    Raises
    ------
    DataError
        When there is not one finite weight from 0 for each row, or all are 0.
    """
    if sample_weight is None:
        return None
    weights = np.asarray(sample_weight, dtype=np.float64)
    if weights.shape != (table.n_rows,):
        raise DataError(
            f"sample_weight has shape {weights.shape}, and the table {table.n_rows} rows; give one for each"
        )
    wrong = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if wrong.size:
        place, value = row_name(int(table.row_numbers[wrong[0]])), weights[wrong[0]]
        raise DataError(f"sample_weight has {value:g} for {place}; give finite weights from 0")
    if not weights.any():
        raise DataError("sample_weight: every weight is zero; give at least one row a positive weight")
    return weights


def repeats(weights: Array | None) -> IntArray | None:
    """How often each row is taken where weights from above 0 are few whole numbers, else None.

    >>> repeats(np.array([1.0, 3.0])), repeats(np.array([0.5, 3.0])), repeats(np.array([1.0, 1e9]))
    (array([1, 3]), None, None)
    """
    most = 0 if weights is None else max(MOST_REPEATS * len(weights), FEW_ROWS)
    if weights is None or weights.max() > most or weights.sum() > most:
        return None
    whole = bool((weights == np.floor(weights)).all())
    return weights.astype(np.int64) if whole else None


def canonical_order(columns: Sequence[Column], weights: Array | None = None) -> IntArray:
    """Indices (m,) of the rows in the order of their cells in these columns, and then of their weights (m,).

    Numbers are compared before booleans, these before dates, and these before texts; columns of a kind in the
    order given, a missing cell after all others. Only rows that are alike so far are compared further.

    Examples
    --------
    >>> import polars as pl
    >>> from clearprop.tables import read_table
    >>> table = read_table(pl.DataFrame({"name": ["b", None, "a", "c"], "age": [2, 2, 2, 1]}))
    >>> canonical_order(table.columns)
    array([3, 2, 0, 1])
    """
    m = len(columns[0].values)
    order, tied = np.arange(m), np.arange(m)  # tied: places whose rows are alike so far, and
    group = np.zeros(m, dtype=np.int64)  # the same number stands for the same cells
    for key in _keys(columns, weights):
        rows = order[tied]
        ranks = np.lexsort((key[rows], group))
        order[tied] = rows[ranks]
        cells, group = key[rows[ranks]], group[ranks]
        starts = np.ones(len(tied), dtype=np.bool_)
        starts[1:] = (cells[1:] != cells[:-1]) | (group[1:] != group[:-1])
        group = np.cumsum(starts)
        alike = np.bincount(group)[group] > 1
        tied, group = tied[alike], group[alike]
        if not tied.size:
            break
    return order


def _keys(columns: Sequence[Column], weights: Array | None) -> Iterator[Array]:
    """Keys (m,) to sort by, first things first; columns of few values share one, as digits do a number."""
    kinds = ("number", "boolean", "date", "text")
    packed, size = None, 1
    for column in sorted(columns, key=lambda column: kinds.index(column.kind)):
        codes, levels = _codes(column)
        if packed is not None and (not levels or size * levels > MOST_CODES):
            yield packed
            packed, size = None, 1
        if not levels:
            yield codes
        else:
            packed = codes if packed is None else packed * levels + codes
            size *= levels
    if packed is not None:
        yield packed
    if weights is not None:
        yield weights


def _codes(column: Column) -> tuple[Array, int]:
    """Cells as numbers in their order, missing last; and how many whole numbers they may be, else 0."""
    if column.kind == "text":
        cells = column.texts().tolist()
        levels: list[str | None] = sorted({cell for cell in cells if cell is not None})
        places = {cell: place for place, cell in enumerate([*levels, None])}
        return np.fromiter(map(places.__getitem__, cells), dtype=np.int64, count=len(cells)), len(places)
    values, missing = column.values, np.isnan(column.values)
    if missing.all():
        return np.zeros(len(values), dtype=np.int64), 1
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    if high - low < MOST_LEVELS and (missing | (values == np.floor(values))).all():
        return np.where(missing, high - low + 1, values - low).astype(np.int64), int(high - low) + 2
    return np.where(missing, np.inf, values), 0  # a table holds no infinite number

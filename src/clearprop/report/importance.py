"""Permutation importance: how much worse the score gets when a column's cells are shuffled among the rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from clearprop.arrays import Array
from clearprop.table_model import TableModel

REPEATS = 5
MOST_ROWS, FEWEST_ROWS = 2000, 200  #: rows that are shuffled
WORK = 10**10  #: parameters times rows times passes, at most, where FEWEST_ROWS allow it


@dataclass(frozen=True, eq=False)
class Importance:
    """What the score loses by each column.

    Attributes
    ----------
    score : str
        The metric's name, such as "log_loss".
    columns : tuple of str
        Those that give the network an input, the most important first.
    losses : ndarray (columns, repeats)
        How much worse the score is after each shuffle; above 0 is worse.
    rows : int
        Rows that were shuffled.
    """

    score: str
    columns: tuple[str, ...]
    losses: Array
    rows: int

    @property
    def means(self) -> Array:
        """Mean loss of each column."""
        return np.asarray(self.losses.mean(axis=1))

    @property
    def spreads(self) -> Array:
        """Standard deviation of each column's losses over the repeats."""
        return np.asarray(self.losses.std(axis=1))


def rows_for(rows: int, columns: int, parameters: int) -> int:
    """How many of the rows are shuffled.

    >>> rows_for(69, 7, 5507), rows_for(20_000, 7, 5507), rows_for(20_000, 1000, 70_000)
    (69, 2000, 200)
    """
    most = WORK // max(columns * REPEATS * parameters, 1)
    return min(rows, max(FEWEST_ROWS, min(MOST_ROWS, most)))


def permutation_importance(
    model: TableModel, X: Array, worth: Callable[[Array], float], score: str, seed: int
) -> Importance:
    """Importance of each column of a table, all inputs that come from it shuffled together.

    Parameters
    ----------
    X : ndarray (m, d)
        Encoded rows.
    worth : callable
        Outputs y_hat (m, n_L) -> the score, higher better.
    score : str
        Its name.

    Notes
    -----
    Breiman, Random Forests (2001); as scikit-learn's `permutation_importance`.
    """
    rng = np.random.default_rng(seed)
    whole = worth(model.model.predict(X))
    names, losses, first = [], [], 0
    for encoding in model.encoder.columns:
        own = slice(first, first + len(encoding.feature_names))
        first = own.stop
        if own.start == own.stop:
            continue
        shuffled, found = X.copy(), []
        for _ in range(REPEATS):
            shuffled[:, own] = X[rng.permutation(len(X)), own]
            found.append(whole - worth(model.model.predict(shuffled)))
        names.append(encoding.column)
        losses.append(found)
    table = np.array(losses)
    order = np.argsort(-table.mean(axis=1), kind="stable")
    return Importance(score, tuple(names[k] for k in order), table[order], len(X))

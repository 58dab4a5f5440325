"""The rows that scikit-learn's `train_test_split` holds out, drawn as there, in arrays of 8 bytes a row.

What is subtle: its stratified split gathers the rows in Python lists, some 40 bytes a row. The draws here are
its own, in its order, so the rows are, too.
"""

from __future__ import annotations

import numpy as np

from clearprop.arrays import Array, IntArray


def held_out_rows(
    m: int, fraction: float, random_state: np.random.RandomState, labels: Array | None = None
) -> tuple[IntArray, IntArray]:
    """Rows to train on and rows to hold out, in the order in which scikit-learn gives them.

    Parameters
    ----------
    m : int
        Rows in all.
    fraction : float
        Share of them to hold out.
    random_state : RandomState
        Drawn from as `train_test_split(np.arange(m), stratify=labels)` does.
    labels : array (m,), optional
        Classes that are held out in proportion.

    Raises
    ------
    ValueError
        As there, when there are too few rows, or too few of a class.

    Examples
    --------
    >>> kept, held = held_out_rows(6, 0.5, np.random.RandomState(0), np.array([0, 0, 0, 0, 1, 1]))
    >>> kept.tolist(), held.tolist()
    ([2, 4, 3], [5, 1, 0])

    References
    ----------
    scikit-learn, `model_selection/_split.py`: `StratifiedShuffleSplit`, `ShuffleSplit`
    """
    from sklearn.model_selection import train_test_split  # brings all of sklearn.metrics
    from sklearn.model_selection._split import _approximate_mode, _validate_shuffle_split

    n_kept, n_held = _validate_shuffle_split(m, fraction, None)
    if labels is None:
        drawn = random_state.permutation(m)
        return drawn[n_held:], drawn[:n_held].copy()
    classes, counts = np.unique(labels, return_counts=True)
    if counts.min() < 2 or min(n_kept, n_held) < len(classes):
        # says what is wrong; there MLPs give it a column, whose classes it names as words
        train_test_split(np.arange(m), test_size=fraction, stratify=labels[:, None])
    of_kept = _approximate_mode(counts, n_kept, random_state)
    of_held = _approximate_mode(counts - of_kept, n_held, random_state)
    kept, held = np.empty(n_kept, dtype=np.int64), np.empty(n_held, dtype=np.int64)
    at_kept = at_held = 0
    for label, count, first, second in zip(classes, counts, of_kept, of_held, strict=True):
        rows = np.flatnonzero(labels == label)[random_state.permutation(int(count))]
        kept[at_kept : at_kept + first] = rows[:first]
        held[at_held : at_held + second] = rows[first : first + second]
        at_kept, at_held = at_kept + first, at_held + second
    random_state.shuffle(kept)
    random_state.shuffle(held)
    return kept, held

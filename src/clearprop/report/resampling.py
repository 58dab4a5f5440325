"""Bootstrap intervals of the metrics: the judged rows drawn again, with replacement, a thousand times.

A resample is how often each row was drawn, so a metric of many resamples is a few products of arrays: every
metric here takes counts (b, m) and gives (b,) values, NaN where it has no meaning on a resample.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from clearprop.arrays import Array, IntArray

RESAMPLES = 1000
LEVEL = 0.95  #: share of the resamples between the ends of an interval
FEWEST_RESAMPLES = 200
MOST_DRAWN = 10**8  #: rows drawn in all; beyond it there are fewer resamples
AT_ONCE = 2 * 10**6  #: numbers in memory at a time
FEWEST_MEANINGFUL = 0.9  #: share of the resamples on which a metric must have a meaning

Interval = tuple[float, float]
Counted = Callable[[Array], Array]  #: counts (b, m) -> values (b,)


def resamples_for(rows: int, work: int = 1) -> int:
    """How many resamples of so many rows, where each row counts for so much work.

    >>> resamples_for(69), resamples_for(100_000), resamples_for(20_000, work=26)
    (1000, 1000, 200)
    """
    return int(np.clip(MOST_DRAWN // max(rows * work, 1), FEWEST_RESAMPLES, RESAMPLES))


def resample_counts(rows: int, resamples: int, seed: int) -> Iterator[IntArray]:
    """How often each row is drawn in each resample, in blocks (b, m)."""
    rng = np.random.default_rng(seed)
    block = max(1, AT_ONCE // max(rows, 1))
    for first in range(0, resamples, block):
        size = min(block, resamples - first)
        yield np.stack([np.bincount(rng.integers(0, rows, rows), minlength=rows) for _ in range(size)])


def intervals(metrics: Mapping[str, Counted], rows: int, resamples: int, seed: int) -> dict[str, Array]:
    """Values (resamples,) of each metric on the same resamples.

    Examples
    --------
    >>> right = np.array([1.0, 1.0, 0.0, 1.0])
    >>> values = intervals({"accuracy": mean_of(right)}, 4, 1000, seed=0)["accuracy"]
    >>> interval_of(values)
    (0.25, 1.0)
    """
    found: dict[str, list[Array]] = {name: [] for name in metrics}
    for counts in resample_counts(rows, resamples, seed):
        weights = counts.astype(np.float64)
        for name, metric in metrics.items():
            with np.errstate(divide="ignore", invalid="ignore"):
                found[name].append(metric(weights))
    return {name: np.concatenate(blocks) for name, blocks in found.items()}


def interval_of(values: Array) -> Interval | None:
    """The middle 95 % of the values; None where too many of them have no meaning."""
    finite = values[np.isfinite(values)]
    if len(finite) < FEWEST_MEANINGFUL * len(values):
        return None
    low, high = np.quantile(finite, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def mean_of(terms: Array) -> Counted:
    """Mean of one number a row, (m,): accuracy, log-loss, absolute error."""

    def mean(counts: Array) -> Array:
        return np.asarray(counts @ terms / counts.sum(axis=1))

    return mean


def rmse_of(errors: Array) -> Counted:
    """Root of the mean squared error of errors (m, k), the mean over k targets."""
    squares = errors**2

    def rmse(counts: Array) -> Array:
        return np.asarray(np.sqrt(counts @ squares / counts.sum(axis=1, keepdims=True)).mean(axis=1))

    return rmse


def r2_of(Y: Array, errors: Array) -> Counted:
    """Share of the variance of Y (m, k) explained, the mean over k targets."""
    centred, squares = Y - Y.mean(axis=0), errors**2

    def r2(counts: Array) -> Array:
        total = counts.sum(axis=1, keepdims=True)
        spread = counts @ centred**2 / total - (counts @ centred / total) ** 2
        left = counts @ squares / total
        return np.asarray((1 - np.where(spread > 0, left / spread, np.nan)).mean(axis=1))

    return r2


def roc_auc_of(y: IntArray, scores: Array) -> Counted:
    """Area under the ROC curve of class indices (m,) and scores (m,) of class 1, or (m, K)."""
    given = scores[:, None] if scores.ndim == 1 else scores
    given = given[:, 1:] if given.shape[1] == 2 else given
    classes = [1] if given.shape[1] == 1 else range(given.shape[1])
    areas = [_area_of(y == k, given[:, column]) for column, k in enumerate(classes)]

    def area(counts: Array) -> Array:
        return np.asarray(np.mean([each(counts) for each in areas], axis=0))

    return area


def _area_of(positive: Array, scores: Array) -> Counted:
    """Share of (positive, other) pairs in the right order, ties half."""
    order = np.argsort(scores, kind="stable")
    ranked, marks = scores[order], positive[order]
    own = ranked[marks]
    first, last = (np.searchsorted(ranked, own, side) for side in ("left", "right"))

    def area(counts: Array) -> Array:
        drawn = counts[:, order]
        found = drawn[:, marks]
        below = np.zeros((len(counts), len(order) + 1))
        np.cumsum(np.where(marks, 0.0, drawn), axis=1, out=below[:, 1:])
        right = (found * (below[:, first] + below[:, last]) / 2).sum(axis=1)
        return np.asarray(right / (found.sum(axis=1) * below[:, -1]))

    return area

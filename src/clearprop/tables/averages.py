"""Mean, spread and median of training cells, weighted where rows have weights.

Without weights they are NumPy's own. A weight of 2 speaks as a repeated cell does, and only the proportions
of the weights count.
"""

from __future__ import annotations

import math

import numpy as np

from clearprop.arrays import Array
from clearprop.tables.columns import Floats

ROUNDING = 1e-9  #: cells that hold half of the weight but for so much hold half of it


def mean_and_std(values: Floats, weights: Array | None = None) -> tuple[float, float]:
    """Give mean and population standard deviation of finite values, shape (m,), without overflow.

    The spread of equal values is exactly 0. Scaling by a power of two is exact.

    >>> mean_and_std(np.array([1.0, 3.0])), mean_and_std(np.array([0.1, 0.1, 0.1]))
    ((2.0, 1.0), (0.1, 0.0))
    >>> mean_and_std(np.array([0.0, 4.0]), np.array([0.75, 0.25]))[0]
    1.0
    """
    low, high = float(values.min()), float(values.max())
    if low == high:
        return low, 0.0
    scale = math.ldexp(1.0, max(math.frexp(max(-low, high))[1] - 1, -1000))
    scaled = values / scale
    if weights is None:
        return float(scaled.mean()) * scale, float(scaled.std()) * scale
    share = shares(weights)
    mean = float((share * scaled).sum())
    return mean * scale, math.sqrt(float((share * (scaled - mean) ** 2).sum())) * scale


def median(values: Floats, weights: Array | None = None) -> float:
    """Give the median of known, finite values, shape (m,), without overflow; of two in the middle, the mean.

    >>> median(np.array([1.0, 5.0, 2.0])), median(np.array([1.0, 5.0, 2.0]), np.array([0.5, 1.5, 0.5]))
    (2.0, 5.0)
    """
    if weights is None:
        return 2 * float(np.median(values / 2))  # halves: two huge values may be added
    order = np.argsort(values, kind="stable")
    below = np.cumsum(shares(weights[order]))
    middle = np.searchsorted(below, [0.5 - ROUNDING, 0.5 + ROUNDING])
    low, high = values[order[middle]] / 2
    return float(low + high)


def shares(weights: Array) -> Array:
    """Give weights, shape (m,), scaled to sum to 1; those that are too large to be added too.

    >>> shares(np.array([1e308, 1e308, 2e307])).round(3).tolist()
    [0.455, 0.455, 0.091]
    """
    scaled = weights / weights.max()
    return np.asarray(scaled / scaled.sum())
